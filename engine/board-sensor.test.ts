// The simulated board's sensors against the load process that slows the execution, and the file of the profile.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';
import { Rng } from '../base/random/rng.js';
import { parseQuantity } from '../base/units/quantity.js';
import { loadProfile } from '../predictor/profiles/profile.js';
import { toyBoard, toyGraph, toyTrace } from '../test/fixtures/toy-board.js';
import { boardSensorOf } from './board-sensor.js';
import { boardQuantities } from './board-state.js';
import type { Conditions } from './conditions.js';
import { checkLoad, type LoadLevel, type LoadProcess, loadIntervals, steadyLoad } from './load-process.js';
import { createSimulator } from './simulator/simulator.js';

const idle: Conditions = { seed: 0, execution: 'overlap', mode: 'maxn', load: null, memoryBudgetBytes: null };
const simulator = createSimulator(loadProfile('profile://jetson-agx-orin'));
const read = ({ values }: { readonly values: Float64Array }) =>
  Object.fromEntries(boardQuantities.map((name, at) => [name, values[at]]));

function drawnLevel(rng: Rng): LoadLevel {
  return {
    ...{ cpu: 0.9 * rng.uniform(), gpu: 0.9 * rng.uniform(), memory: 0.9 * rng.uniform() },
    ...(rng.uniform() < 0.5 && { cpuClock: 0.2 + 0.8 * rng.uniform(), gpuCelsius: 90 * rng.uniform() }),
    ...(rng.uniform() < 0.5 && { gpuClock: 0.2 + 0.8 * rng.uniform(), memoryUsed: rng.uniform() }),
  };
}

test('a reading is the level that holds at its time, in any order of times, for drawn processes of either kind', () => {
  const sensor = boardSensorOf(simulator);
  for (let seed = 0; seed < 40; seed++) {
    const rng = Rng.of(seed, 'board-sensor');
    const count = 1 + rng.integer(4);
    const load: LoadProcess =
      seed % 2 === 0
        ? {
            kind: 'markov',
            states: Array.from({ length: count }, () => ({ ...drawnLevel(rng), meanMs: 1 + 9 * rng.uniform() })),
          }
        : {
            kind: 'recorded',
            samples: Array.from({ length: count }, (_, at) => ({ ...drawnLevel(rng), atMs: 7 * at })),
          };
    sensor.begin({ ...idle, load, seed });
    for (let i = 0; i < 20; i++) {
      const atMs = 50 * rng.uniform();
      let level: LoadLevel | null = null;
      for (const interval of loadIntervals(load, seed)) {
        if (interval.fromMs > atMs) break;
        level = interval;
      }
      sensor.sense(atMs);
      expect(read(sensor), `seed ${seed}, ${atMs} ms`).toEqual({
        load0: level!.cpu,
        load1: level!.gpu,
        loadMemory: level!.memory,
        clock0: level!.cpuClock ?? 1,
        clock1: level!.gpuClock ?? 1,
        mode0: 1,
        mode1: 1,
        celsius0: 0,
        celsius1: (level!.gpuCelsius ?? 0) / 100,
        memoryUsed: level!.memoryUsed ?? 0,
      });
    }
  }
});

test('the mode is the ceiling on convolutions against the fastest mode of the profile, which its file says', () => {
  const { axes, devices } = JSON.parse(
    readFileSync(join(packageRoot, 'predictor', 'profiles', 'boards', 'iphone-xs.json'), 'utf8'),
  );
  const ceilings = (axes.mode as string[]).map((mode) =>
    parseQuantity(
      devices[0].compute.find(({ when }: { when: { mode: string } }) => when.mode === mode).value,
      'flopPerMs',
      mode,
    ),
  );
  for (const [at, mode] of (axes.mode as string[]).entries()) {
    const sensor = boardSensorOf(createSimulator(loadProfile(`profile://iphone-xs?mode=${mode}`)));
    sensor.begin(idle);
    expect(read(sensor).mode0).toBeCloseTo(ceilings[at]! / Math.max(...ceilings), 12);
    expect(read(sensor).mode1).toBe(1);
  }
});

describe('clocks', () => {
  const graph = toyGraph([[], []]);
  const board = toyBoard(() => 10);
  const idleLevel = { cpu: 0, gpu: 0, memory: 0 };

  test('a kernel takes 1 / clock of its time, beside what others take, on the device whose clock it is', () => {
    for (const [level, onCpuMs, onGpuMs] of [
      [{ ...idleLevel, cpuClock: 0.5 }, 20, 10],
      [{ ...idleLevel, gpuClock: 0.25 }, 10, 40],
      [{ ...idleLevel, cpu: 0.5, cpuClock: 0.5, gpuClock: 1 }, 40, 10],
      [{ ...idleLevel, cpuCelsius: 99, memoryUsed: 1 }, 10, 10],
    ] as const) {
      const load = steadyLoad(level);
      const without = ['launching-core'] as const;
      // Two independent units, one after the other on each device.
      expect(toyTrace(graph, board, [0, 0], { load, without }).makespanMs).toBeCloseTo(2 * onCpuMs, 9);
      expect(toyTrace(graph, board, [1, 1], { load, without }).makespanMs).toBeCloseTo(2 * onGpuMs, 9);
    }
  });

  test.each([
    ['cpuClock', 0],
    ['gpuClock', 1.5],
    ['cpuCelsius', Number.NaN],
    ['memoryUsed', 2],
  ])('%s of %d is refused', (name, value) => {
    expect(() => checkLoad(steadyLoad({ ...idleLevel, [name]: value }))).toThrow(
      new RegExp(`sample 0 has ${name} ${value}, outside`),
    );
  });
});
