// SparOA/Share-v0 on this machine's own devices: the same contract, with rewards that are measured.
import { expect, test } from 'vitest';
import { Stream } from '../../base/random/stream.js';
import type { Trace } from '../../engine/trace.js';
import { traceViolations } from '../../engine/trace-invariants.js';
import { conformanceViolations } from '../gym/conformance.js';
import { make } from '../gym/registry.js';
import { platformUri } from './platform.js';
import { withSupport } from './scenario.js';
import './share-options.js';

const model = 'model://mobilenetv3-small?size=32';

test('conforms to the contract on two lanes, but for determinism', { timeout: 120_000 }, async () => {
  const create = () => make('SparOA/Share-v0', { model, executor: 'lanes', devices: 'cpu:1+cpu:1', shares: 'split' });
  expect(await conformanceViolations(create, { episodes: 2, deterministic: false })).toEqual([]);
});

test('rewards telescope to minus the measured latency in units of the better single device', async () => {
  const env = await make('SparOA/Share-v0', { model, executor: 'lanes', devices: 'cpu:1+cpu:1' });
  env.reset({ seed: 0 });
  const stream = Stream.of(0, 'actions');
  let total = 0;
  for (;;) {
    const { reward, terminated, truncated, info } = env.step(env.actionSpace.sample(stream));
    expect(reward).toBeLessThan(0);
    total += reward;
    if (!terminated && !truncated) continue;
    const trace = info.trace as Trace;
    expect(trace.kind).toBe('measured');
    expect(traceViolations(env.graph, trace)).toEqual([]);
    expect(total).toBeCloseTo(-trace.makespanMs / env.referenceMs, 9);
    break;
  }
  env.close();
});

test('units that one device does not support are the other one’s', async () => {
  const env = await make('SparOA/Share-v0', { model });
  const supported = new Uint8Array(2 * env.graph.units.length).fill(1);
  supported[2 * 3 + 1] = 0;
  supported[2 * 5] = 0;
  const graph = withSupport(env.graph, supported);
  expect(graph.units.map(({ onlyOn }) => onlyOn)).toEqual(
    env.graph.units.map(({ id, onlyOn }) => ({ 3: 0, 5: 1 })[id] ?? onlyOn),
  );
  supported[2 * 3] = 0;
  expect(() => withSupport(env.graph, supported)).toThrow(/neither runs unit 3/);
});

test('options that do not belong together are refused', async () => {
  const devices = 'cpu:1+cpu:1';
  expect(platformUri({})).toBe('profile://jetson-agx-orin');
  expect(platformUri({ executor: 'lanes', devices: 'cpu+cpu:2' })).toBe('lanes://cpu:1+cpu:2');
  expect(() => platformUri({ executor: 'lane' as never })).toThrow(/"lane" is unknown.\nDid you mean "lanes"/);
  expect(() => platformUri({ devices })).toThrow(/"simulator" runs a device profile/);
  expect(() => platformUri({ executor: 'lanes', devices, profile: 'profile://jetson-orin-nano' })).toThrow(
    /"lanes" runs on this machine's devices/,
  );
  expect(() => platformUri({ profile: `lanes://${devices}` })).toThrow(/names hardware/);
  expect(() => platformUri({ executor: 'lanes', devices: 'cpu:1' })).toThrow(/names 1 device/);
  await expect(make('SparOA/Share-v0', { model, executor: 'session', devices })).rejects.toThrow(
    /one session has one CPU/,
  );
});
