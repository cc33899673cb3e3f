// SparOA/Share-v0 on this machine's own devices: the same contract, with rewards that are measured.
import { expect, test } from 'vitest';
import { Rng } from '../base/random/rng.js';
import { platformUri } from '../engine/platform.js';
import { measureCosts } from '../engine/runtime/measuring/measured-costs.js';
import { withSupport } from '../engine/scenario.js';
import { createSimulator } from '../engine/simulator/simulator.js';
import type { Trace } from '../engine/trace.js';
import { traceViolations } from '../engine/trace-invariants.js';
import { wholeUnitMs } from '../predictor/cost-table.js';
import { loadProfile } from '../predictor/profiles/profile.js';
import { randomGraph } from '../test/fixtures/random-graph.js';
import { checkEnv } from './gym/check/check-env.js';
import { make } from './gym/registry.js';
import './share/share-options.js';

const model = 'model://mobilenetv3-small?size=32';
/** Of few units: the checks execute episode after episode. */
const small = 'model://random-cnn?seed=1&size=32';

test('conforms to the contract on two lanes, but for determinism', { timeout: 120_000 }, async () => {
  const create = () =>
    make('SparOA/Share-v0', { model: small, executor: 'lanes', devices: 'cpu:1+cpu:1', shares: 'split' });
  const { passed, skipped } = await checkEnv(create);
  expect(skipped.map(({ check }) => check)).toContain('instances');
  expect(passed).toEqual(expect.arrayContaining(['step result', 'telescoping', 'conservation', 'close']));
});

test('rewards telescope to minus the measured latency in units of the better single device', async () => {
  const env = await make('SparOA/Share-v0', { model, executor: 'lanes', devices: 'cpu:1+cpu:1' });
  env.reset({ seed: 0 });
  const rng = Rng.of(0, 'actions');
  let total = 0;
  for (;;) {
    const { reward, terminated, truncated, info } = env.step(env.actionSpace.sample(rng));
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

test("costs measured on the simulator are the simulator's own", () => {
  // Its launch is so short that no unit of device 1 hides behind it; moves are linear in bytes.
  const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
  const graph = randomGraph(Rng.of(3, 'measured-costs'), { units: 40, maxFanOut: 4 });
  const own = executor.costs(graph);
  const measured = measureCosts(executor, graph, {
    seed: 0,
    execution: 'serial',
    mode: 'maxn',
    load: null,
    memoryBudgetBytes: null,
  });
  for (const { id, onlyOn } of graph.units) {
    for (const device of [0, 1] as const) {
      if (onlyOn === 1 - device) expect(measured.unitMs(id, device, 1)).toBe(Number.POSITIVE_INFINITY);
      else expect(wholeUnitMs(measured, id, device) / wholeUnitMs(own, id, device)).toBeCloseTo(1, 9);
    }
  }
  for (const { id } of graph.tensors)
    for (const device of [0, 1]) expect(measured.transferMs(id, device) / own.transferMs(id, device)).toBeCloseTo(1, 6);
});
