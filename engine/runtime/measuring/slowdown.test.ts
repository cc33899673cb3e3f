import { expect, test } from 'vitest';
import { patiently, SlowdownProbe } from './slowdown.js';

/** Slowdowns one after the other, the last for ever. */
const probed = (...slowdowns: number[]) => ({
  slowdown: () => (slowdowns.length > 1 ? slowdowns.shift()! : slowdowns[0]!),
});

/** Latencies 1, 2, 3 ... of executions one after the other. */
function counting() {
  let executions = 0;
  return { execute: async () => ++executions, executions: () => executions };
}

test('an execution that nothing disturbed counts at once', async () => {
  const { execute, executions } = counting();
  expect(await patiently(probed(1), 1000, execute)).toBe(1);
  expect(executions()).toBe(1);
});

test('without patience an execution counts whatever disturbs it', async () => {
  expect(await patiently(probed(2), 0, counting().execute)).toBe(1);
});

test('a disturbed core is waited for, and an execution that was disturbed meanwhile is repeated', async () => {
  const { execute, executions } = counting();
  // Slow, slow, quiet: first execution, slow afterwards; quiet, second execution, quiet afterwards.
  expect(await patiently(probed(1.5, 1.5, 1, 1.5, 1, 1.1), 10_000, execute)).toBe(2);
  expect(executions()).toBe(2);
});

test('patience ends, and the least disturbed execution counts', async () => {
  let executions = 0;
  // Quiet before each execution; after it slow, least so after the second.
  let asked = 0;
  const probe = { slowdown: () => (asked++ % 2 === 0 ? 1 : executions === 2 ? 1.3 : 1.6) };
  expect(await patiently(probe, 100, async () => ++executions)).toBe(2);
  expect(executions).toBeGreaterThan(2);
});

test('threads compare with the fastest probe of any', () => {
  const shared = new SharedArrayBuffer(4);
  const fastest = new Int32Array(shared);
  const probe = new SlowdownProbe(shared);
  expect(probe.slowdown()).toBe(1);
  expect(fastest[0]).toBeGreaterThan(0);
  // As if another thread had once been a hundred times as fast.
  fastest[0] = Math.ceil(fastest[0]! / 100);
  expect(new SlowdownProbe(shared).slowdown()).toBeGreaterThan(10);
});
