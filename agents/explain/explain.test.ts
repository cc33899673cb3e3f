// Explanations against independent truths: sums, other simulations, brute force, and cost tables made so that the answer is known.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { Conditions } from '../../engine/conditions.js';
import { openScenario } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import type { OperatorGraph } from '../../models/graph.js';
import { loadModel } from '../../models/load.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { kernelLimits } from '../../predictor/profiles/roofline.js';
import { writeChain } from '../../test/fixtures/chain-model.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { listScheduling } from '../baselines/list-scheduling.js';
import { planners } from '../baselines/registry.js';
import { caseOf, standingOf, type Winner } from './case.js';
import { compare, costNames, type Execution } from './comparison.js';
import { type Explanation, explain } from './explain.js';
import { explanationText, quantityText, unitsText } from './explanation-text.js';
import { profileLevers } from './levers.js';
import { movesAlone, movesTogether } from './moves.js';
import { thresholdOf } from './thresholds.js';
import { activities, type TimeUse, timeUses } from './time-use.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparoa-explain-'));
  process.env.SPAROA_GYM_CACHE = folder;
});
afterAll(() => {
  delete process.env.SPAROA_GYM_CACHE;
  rmSync(folder, { recursive: true });
});

const conditionsOf = (execution: Conditions['execution']): Conditions => ({
  seed: 0,
  execution,
  mode: 'maxn',
  load: null,
  memoryBudgetBytes: null,
});
const sum = (use: TimeUse): number => activities.reduce((total, activity) => total + use[activity], 0);
const relative = (value: number, truth: number): number => Math.abs(value - truth) / Math.max(1e-300, Math.abs(truth));

/** Launch and copy costs around the sizes at which placements mix. */
const profiles = ['5us', '30us', '100us'].flatMap((launch) =>
  ['1us', '20us'].map((copy) =>
    loadProfile(
      `profile://jetson-agx-orin?device1.launch=${launch}&transfer0.latency=${copy}&transfer1.latency=${copy}&sync=3us`,
    ),
  ),
);

/** A random graph on one of the boards, and schedules of it: planned, at random, and split where units can be. */
function drawn(seed: number, execution: Conditions['execution'], most = 25) {
  const rng = Rng.of(seed, 'explain');
  const graph = randomGraph(rng, { units: 2 + rng.integer(most - 1), maxFanOut: 6 });
  const profile = profiles[seed % profiles.length]!;
  const executor = createSimulator(profile);
  const costs = executor.costs(graph);
  const conditions = conditionsOf(execution);
  const split = Schedule.of(
    graph,
    graph.units.map(({ onlyOn, splitAxis }) => onlyOn ?? (splitAxis === null ? rng.integer(2) : rng.uniform())),
  );
  const plans = [planners.optimum.plan, planners.random.plan, listScheduling(0)];
  const schedules = [...plans.map((plan) => plan({ graph, costs, conditions, random: rng })), split];
  return { graph, profile, executor, costs, conditions, schedules, own: caseOf(executor, graph, costs, conditions) };
}

describe.each(['serial', 'overlap'] as const)('%s execution of random graphs', (execution) => {
  test('every part of a decomposition adds up to the simulated latency, or to the difference of two, within 1e-9', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { graph, profile, executor, costs, conditions, schedules } = drawn(seed, execution);
      const executions = schedules.map((schedule, i): Execution => {
        const trace = executor.run(graph, schedule, conditions);
        if ('error' in trace) throw new Error(trace.error);
        return { name: `${i}`, schedule, latencyMs: trace.makespanMs, uses: timeUses(trace, costs.launchMs(1) > 0) };
      });
      for (const { latencyMs, uses } of executions)
        for (const use of [uses.total, ...uses.devices]) {
          expect(relative(sum(use), latencyMs), `seed ${seed}`).toBeLessThan(1e-9);
          expect(Math.min(...Object.values(use))).toBeGreaterThanOrEqual(0);
        }
      for (const a of executions)
        for (const b of executions) {
          const { parts, differenceMs, decisive } = compare(graph, costs, kernelLimits(graph, profile), a, b);
          expect(differenceMs).toBe(Math.abs(a.latencyMs - b.latencyMs));
          const total = costNames.reduce((ms, name) => ms + parts[name], 0);
          expect(Math.abs(total - differenceMs), `seed ${seed}`).toBeLessThan(
            1e-9 * Math.max(a.latencyMs, b.latencyMs),
          );
          if (decisive) expect(parts[decisive]).toBe(Math.max(...costNames.map((name) => parts[name])));
        }
    }
  });

  test('what a unit costs when moved, alone or together, is the difference of two simulations', () => {
    let groups = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { graph, executor, conditions, schedules, own } = drawn(seed, execution, 14);
      for (const schedule of schedules) {
        const simulated = (units: readonly number[], to: 0 | 1): number => {
          const share = Float32Array.from(schedule.share, (each, id) => (units.includes(id) ? to : each));
          const trace = executor.run(graph, Schedule.of(graph, share, schedule), conditions);
          return 'error' in trace ? Number.NaN : trace.makespanMs;
        };
        const latencyMs = simulated([], 0);
        const alone = movesAlone(own, schedule);
        expect(alone.map(({ unit }) => unit)).toEqual(graph.units.filter((u) => u.onlyOn === null).map(({ id }) => id));
        for (const { unit, to, costMs } of alone)
          expect(costMs, `seed ${seed}`).toBe(simulated([unit], to) - latencyMs);
        for (const { units, to, costMs, leastAloneMs } of movesTogether(own, schedule, alone)) {
          groups++;
          expect(costMs).toBe(simulated(units, to) - latencyMs);
          expect(leastAloneMs).toBe(Math.min(...alone.filter((m) => units.includes(m.unit)).map((m) => m.costMs)));
          expect(costMs).toBeLessThan(leastAloneMs);
        }
      }
    }
    expect(groups).toBeGreaterThan(10);
  });
});

describe('serial execution', () => {
  test('parts are those of the cost table: launches, kernels by their limit, waits, and one copy per tensor and device', () => {
    for (let seed = 0; seed < 40; seed++) {
      const { graph, profile, executor, costs, conditions, schedules } = drawn(seed, 'serial');
      const { share } = schedules[1]!; // whole units at random
      const trace = executor.run(graph, schedules[1]!, conditions);
      if ('error' in trace) throw new Error(trace.error);
      const { total, devices } = timeUses(trace, true);
      const on = (device: number) => graph.units.filter(({ id }) => share[id] === device);
      const kernels = (device: number) => on(device).reduce((ms, { id }) => ms + costs.unitMs(id, device, 1), 0);
      const near = (value: number, truth: number) =>
        expect(Math.abs(value - truth), `seed ${seed}`).toBeLessThan(1e-9 * trace.makespanMs);
      near(devices[0].compute, kernels(0));
      near(devices[1].compute, kernels(1));
      near(devices[0].launch, on(0).length * profile.devices[0].launchMs);
      near(devices[1].launch, on(1).length * profile.devices[1].launchMs);
      near(total.wait, on(1).length * profile.syncMs);
      const copies = graph.tensors.flatMap(({ id, producer, consumers, graphOutput }) => {
        const from = producer === null ? 0 : share[producer]!;
        const wanted = [...consumers.map((unit) => share[unit]!), ...(graphOutput ? [0] : [])];
        return wanted.some((device) => device !== from) ? [costs.transferMs(id, 1 - from)] : [];
      });
      near(
        total.copy,
        copies.reduce((ms, each) => ms + each, 0),
      );
      near(total.idle, 0);
    }
  });

  test('no other units make it cheaper to move a unit of a group than those found, by brute force over all sets', () => {
    let together = 0;
    for (let seed = 0; seed < 100; seed++) {
      const { graph, own } = drawn(seed, 'serial', 9);
      const schedule = planners.optimum.plan({ ...own, random: Rng.of(0) });
      const base = own.latencyMs(schedule);
      const free = graph.units.filter(({ onlyOn }) => onlyOn === null).map(({ id }) => id);
      const alone = movesAlone(own, schedule);
      const found = movesTogether(own, schedule, alone);
      for (const group of found) {
        together++;
        // No set of movable units of the same direction that holds one of its units costs less than the least found for it.
        for (const unit of group.units) {
          const to = group.to;
          const others = free.filter((id) => id !== unit && schedule.share[id] === schedule.share[unit]);
          let least = Number.POSITIVE_INFINITY;
          for (let set = 0; set < 2 ** others.length; set++) {
            const share = Float32Array.from(schedule.share);
            for (const id of [unit, ...others.filter((_, i) => (set >> i) & 1)]) share[id] = to;
            least = Math.min(least, own.latencyMs(Schedule.of(graph, share)) - base);
          }
          const known = [...alone.filter((m) => m.unit === unit), ...found.filter((g) => g.units.includes(unit))];
          expect(Math.min(...known.map(({ costMs }) => costMs)), `seed ${seed}`).toBeLessThan(least + 1e-9 * base);
        }
      }
    }
    expect(together).toBeGreaterThan(10);
  });
});

/** By brute force over all placements, through the simulator. */
function winnerByForce(graph: OperatorGraph, uri: string): Winner {
  const executor = createSimulator(loadProfile(uri));
  const latencyMs = (share: ArrayLike<number>): number => {
    const trace = executor.run(graph, Schedule.of(graph, share), conditionsOf('serial'));
    return 'error' in trace ? Number.NaN : trace.makespanMs;
  };
  const free = graph.units.filter(({ onlyOn }) => onlyOn === null).map(({ id }) => id);
  let best = Number.POSITIVE_INFINITY;
  for (let set = 0; set < 2 ** free.length; set++)
    best = Math.min(best, latencyMs(graph.units.map(({ id, onlyOn }) => onlyOn ?? (set >> free.indexOf(id)) & 1)));
  const [on0, on1] = [0, 1].map((device) => latencyMs(graph.units.map(({ onlyOn }) => onlyOn ?? device)));
  return Math.min(on0!, on1!) >= best * 1.02 ? 'hybrid' : on1! < on0! ? 'device1' : 'device0';
}

test('beyond a threshold another schedule wins, and short of it the present one, by brute force through the simulator', {
  tags: 'gate',
}, () => {
  const winners = new Set<string>();
  let flips = 0;
  for (let seed = 0; seed < 12; seed++) {
    const { graph, profile, own, conditions } = drawn(seed, 'serial', 8);
    const { winner } = standingOf(own);
    expect(winner).toBe(winnerByForce(graph, profile.uri));
    for (const lever of profileLevers(profile, graph, conditions)) {
      const { below, above, present } = thresholdOf(lever, winner);
      for (const flip of [below, above]) {
        if (!flip) continue;
        flips++;
        winners.add(`${winner} ${flip.winner}`);
        expect(flip.winner).not.toBe(winner);
        expect(winnerByForce(graph, flip.profile!), `seed ${seed}, ${lever.label}`).toBe(flip.winner);
        expect(winnerByForce(graph, lever.uriAt(flip.last)!), `seed ${seed}, ${lever.label}`).toBe(winner);
        expect(Math.abs(flip.at - flip.last)).toBeLessThanOrEqual(1e-4 * Math.max(flip.at, flip.last) + 1e-9);
        expect(Math.sign(flip.at - present)).toBe(flip === below ? -1 : 1);
      }
    }
  }
  expect(flips).toBeGreaterThan(30);
  expect(winners.size).toBeGreaterThan(3);
});

describe("the quickstart's cells", () => {
  const board = 'profile://jetson-agx-orin';
  const variant = 'launch=eager&transfer=copy';
  // Which cost it is follows from the simulator alone: without it, in the profile, the order of the two turns over.
  test.each([
    ['model://mobilenetv2', `${board}?mode=30w&precision=fp32&${variant}`, 'launch', 'device1.launch=0us'],
    ['model://resnet18', `${board}?mode=maxn&precision=fp16&${variant}`, 'arithmetic', 'device0.compute=1e4 GFLOP/s'],
  ])(
    '%s: the decisive cost between the devices, without which their order turns over',
    { tags: 'gate' },
    async (model, profile, cost, without) => {
      const { comparisons, winner, alone, schedule, hybrid } = await explain(model, profile);
      expect(winner).toBe('hybrid');
      expect(schedule).toEqual(hybrid);
      const [devices, own] = comparisons;
      expect(devices.decisive).toBe(cost);
      expect(own.faster).toBe('optimum');
      const changed = await openScenario(model, `${profile}&${without}`);
      const [on0, on1] = [0, 1].map((device) => {
        const trace = changed.executor.run(
          changed.graph,
          Schedule.onDevice(changed.graph, device as 0 | 1),
          changed.conditions,
        );
        return 'error' in trace ? Number.NaN : trace.makespanMs;
      });
      expect(on0! < on1!).not.toBe(alone[0].latencyMs < alone[1].latencyMs);
    },
  );
});

describe('a measured table whose answer is known', () => {
  /** A chain of `ms.length` units with times on both devices, and moves of one price. */
  async function table(name: string, ms: readonly (readonly [number, number])[], moveMs: number) {
    const path = join(folder, `${name}.onnx`);
    writeChain(path, ms.length);
    const graph = (await loadModel(path)).graph('fused');
    const lane = (medianMs: number) => ({ medianMs, lowMs: medianMs, highMs: medianMs, samples: 3 });
    const line = { fixedMs: moveMs, msPerByte: 0 };
    const data = {
      model: path,
      graphHash: graph.hash,
      granularity: 'fused',
      devices: 'cpu:1+webgpu',
      units: graph.units.flatMap(({ id }) =>
        ([0, 1] as const).map((device) => ({ unit: id, device, lane: lane(ms[id]![device]) })),
      ),
      kernels: [],
      moves: [],
      fittedMoves: [line, line],
      wholeMs: [null, null],
      segments: [],
      handover: null,
    };
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(data));
    return { path, uri: `table://${file}`, units: graph.units.length };
  }

  test('kernels decide where one device is slower, and no copy cost makes a hybrid schedule win', async () => {
    const { path, uri } = await table('slow', [[1, 2], [2, 5], [1, 1], [3, 6]], 0.5); // biome-ignore format: a table
    const found = await explain(path, uri);
    expect(found.alone.map(({ latencyMs }) => latencyMs)).toEqual([7, 15]);
    expect(found.winner).toBe('device0');
    expect(found.comparisons[0]).toMatchObject({ slower: 'gpu-only', faster: 'cpu-only', decisive: 'kernel' });
    expect(found.comparisons[0].parts.kernel).toBeCloseTo(7, 12);
    expect(found.comparisons[0].parts.copy).toBeCloseTo(1, 12);
    expect(found.bounds).toEqual({ freeCopiesPercent: 0, freeOverheadsPercent: 0 });
    const copies = found.thresholds.find(({ label }) => label === 'copies')!;
    expect([copies.below, copies.above]).toEqual([null, null]);
    // Units 0 and 3 each alone: their own difference and one copy there, one back.
    expect(found.movedAlone.map(({ unit, costMs }) => [unit, Number(costMs.toFixed(9))])).toEqual([[1, 4], [3, 4], [0, 2], [2, 1]]); // biome-ignore format: a table
    // Device 1 wins once its kernels, 14 ms, and the two copies take less than 7 ms; hybrid schedules gain before.
    const kernels = found.thresholds.find(({ label }) => label === 'kernels of device 1')!;
    expect(kernels.below!.at).toBeLessThan(1);
    expect(kernels.above).toBeNull();
  });

  test('copies decide between devices of equal kernels, and a hybrid schedule wins below the price that theory says', async () => {
    // The run of units 2 to 4 saves 3 x 2 ms on device 1, for two copies: at 3.1 ms each it does not pay.
    const ms = [[1, 9], [1, 9], [3, 1], [3, 1], [3, 1], [1, 9]] as const; // biome-ignore format: a table
    const { path, uri } = await table('run', ms, 3.1);
    const found = await explain(path, uri);
    expect(found.winner).toBe('device0');
    expect(found.movedTogether[0]).toMatchObject({ units: [2, 3, 4], to: 1 });
    expect(found.movedTogether[0]!.costMs).toBeCloseTo(0.2, 12);
    expect(found.movedTogether[0]!.leastAloneMs).toBeCloseTo(4.2, 12);
    // 12 ms against 6 + 2 x 3.1 f: hybrid gains 2 % where 12 >= 1.02 (6 + 6.2 f).
    const copies = found.thresholds.find(({ label }) => label === 'copies')!;
    const price = (12 / 1.02 - 6) / 6.2;
    expect(copies.below).toMatchObject({ winner: 'hybrid', profile: null });
    expect(copies.below!.at).toBeLessThanOrEqual(price);
    expect(copies.below!.last).toBeGreaterThan(price);
    expect(found.bounds!.freeCopiesPercent).toBeCloseTo(100 * (12 / 6 - 1), 9);
  });

  test('the text says what the explanation says', async () => {
    const { path, uri, units } = await table('text', [[1, 2], [4, 1]], 0.25); // biome-ignore format: a table
    const text = explanationText(await explain(path, uri));
    expect(text).toContain(`${units} units (fused)`);
    expect(text).toMatch(/^A hybrid schedule wins: it takes 2\.500 ms/m);
    expect(text).toMatch(/Decisive: CPU alone is slower than GPU alone mostly by kernels/);
    expect(text.trimEnd().split('\n').length).toBeLessThan(40);
  });

  test('its overlap execution needs segments, and says so in two lines', async () => {
    const { path, uri } = await table('overlap', [[1, 2], [4, 1]], 0.25); // biome-ignore format: a table
    await expect(explain(path, uri, { execution: 'overlap' })).rejects.toThrow(/no segments on lanes.*\n/);
  });
});

test('hardware is refused, and so are unknown planners', async () => {
  const path = join(folder, 'chain.onnx');
  writeChain(path, 3);
  await expect(explain(path, 'lanes://cpu:1+cpu:1')).rejects.toThrow(/is hardware.*\nGive a device profile/);
  await expect(explain(path, 'profile://jetson-agx-orin', { schedule: 'optimun' })).rejects.toThrow(
    /Did you mean "optimum"/,
  );
});

test('an explanation is the same every time, and survives JSON', async () => {
  const path = join(folder, 'again.onnx');
  writeChain(path, 6);
  const one = await explain(path, 'profile://jetson-agx-orin', { schedule: 'random' });
  const other = await explain(path, 'profile://jetson-agx-orin', { schedule: 'random' });
  expect(JSON.stringify(other)).toBe(JSON.stringify(one));
  expect(JSON.parse(JSON.stringify(one)) as Explanation).toEqual(one);
});

test('quantities and lists of units are short', () => {
  expect([quantityText(0.0885, 'ms'), quantityText(2.5, 'ms'), quantityText(204.8e6, 'B/ms')]).toEqual([
    '88.5 us',
    '2.5 ms',
    '205 GB/s',
  ]);
  expect(quantityText(274e6, 'FLOP/ms')).toBe('274 GFLOP/s');
  expect(unitsText([1, 2, 3, 7, 9, 10])).toBe('1-3, 7, 9-10');
});
