// Energy of real executions, metered on kernel trees that we rebuilt from the kernel's documentation: format
// reconstructions, not recordings of a machine. What a rail gives per execution is known here, because the test turns the
// counter.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadModel } from '../../models/load.js';
import type { Conditions } from '../conditions.js';
import type { Executor } from '../executor.js';
import { Schedule } from '../schedule.js';
import { findEnergySources } from '../telemetry/energy-source.js';
import { runWithEnergy } from './energy.js';
import { createLanesExecutor } from './lanes/executor.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-energy-'));
const conditions: Conditions = { seed: 0, execution: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
const model = await loadModel('model://mobilenetv3-small?size=32');
const graph = model.graph('fused');
const schedule = Schedule.onDevice(graph, 0);
const lanes = createLanesExecutor({ model });
afterAll(() => {
  lanes.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A folder that stands for `/`. */
function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(folder, 'root-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** The lanes, with something done after each execution; `after` may name a failure. */
function watched(after: () => string | null): Executor {
  return {
    kind: lanes.kind,
    devices: lanes.devices,
    supported: (of) => lanes.supported(of),
    begin: (of, under) => lanes.begin(of, under),
    run(...args) {
      const result = lanes.run(...args);
      const error = after();
      return error === null ? result : { error, unit: null, device: null };
    },
    close() {},
  };
}

const sourcesOf = (root: string) => findEnergySources({ root, nvidiaSmi: null }).value;

test('a counter that advances 7 mJ an execution, and starts over meanwhile: 7 mJ', () => {
  const zone = 'sys/class/powercap/intel-rapl:0';
  const rangeUj = 262_143_328_850;
  let counterUj = rangeUj - 50_000;
  const root = tree({
    [`${zone}/name`]: 'package-0\n',
    [`${zone}/max_energy_range_uj`]: `${rangeUj}\n`,
    [`${zone}/energy_uj`]: `${counterUj}\n`,
  });
  let executions = 0;
  const executor = watched(() => {
    executions += 1;
    counterUj = (counterUj + 7000) % rangeUj;
    writeFileSync(join(root, zone, 'energy_uj'), `${counterUj}\n`);
    return null;
  });
  const trace = runWithEnergy(executor, graph, schedule, conditions, sourcesOf(root));
  if ('error' in trace) throw new Error(trace.error);
  expect(trace.energyMj).toEqual({ 'package-0': expect.closeTo(7, 9) });
  // Past the point where the counter starts over: else the test would show less than it says.
  expect(executions).toBeGreaterThan(9);
  expect(trace.makespanMs).toBeGreaterThan(0);
});

test('a rail of constant power: power times the time between two executions', () => {
  const chip = 'sys/bus/i2c/devices/1-0040';
  const root = tree({
    [`${chip}/name`]: 'ina3221x\n',
    [`${chip}/iio:device0/rail_name_0`]: 'VDD_IN\n',
    [`${chip}/iio:device0/in_power0_input`]: '5000\n',
  });
  const ends: number[] = [];
  const executor = watched(() => {
    ends.push(performance.now());
    return null;
  });
  const beforeMs = performance.now();
  const trace = runWithEnergy(executor, graph, schedule, conditions, sourcesOf(root));
  const totalMs = performance.now() - beforeMs;
  if ('error' in trace) throw new Error(trace.error);
  // From the end of the first execution under the meter to the end of the last, without the one that came before it.
  const coveredMs = ends.at(-1)! - ends[1]!;
  const metered = ends.length - 1;
  expect(coveredMs).toBeGreaterThan(0);
  expect(trace.energyMj!.VDD_IN).toBeGreaterThanOrEqual((5 * coveredMs) / metered);
  expect(trace.energyMj!.VDD_IN).toBeLessThanOrEqual((5 * totalMs) / metered);
});

test('a machine without rails: one execution, and null', () => {
  let executions = 0;
  const executor = watched(() => {
    executions += 1;
    return null;
  });
  const trace = runWithEnergy(executor, graph, schedule, conditions, sourcesOf(tree({})));
  expect(trace).toMatchObject({ energyMj: null, kind: 'measured' });
  expect(executions).toBe(1);
});

test('an execution that fails under the meter is the result', () => {
  const zone = 'sys/class/powercap/intel-rapl:0';
  const root = tree({
    [`${zone}/name`]: 'package-0\n',
    [`${zone}/max_energy_range_uj`]: '262143328850\n',
    [`${zone}/energy_uj`]: '0\n',
  });
  let executions = 0;
  const executor = watched(() => ((executions += 1) === 3 ? 'the card fell off' : null));
  const result = runWithEnergy(executor, graph, schedule, conditions, sourcesOf(root));
  expect(result).toEqual({ error: 'the card fell off', unit: null, device: null });
});
