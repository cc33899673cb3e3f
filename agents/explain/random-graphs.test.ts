import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { Conditions } from '../../engine/conditions.js';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import type { OperatorGraph } from '../../models/graph.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { kernelLimits } from '../../predictor/profiles/roofline.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { listScheduling } from '../baselines/list-scheduling.js';
import { planners } from '../baselines/registry.js';
import { caseOf, standingOf, type Winner } from './case.js';
import { compare, costNames, type Execution } from './comparison.js';
import { profileLevers } from './levers.js';
import { movesAlone, movesTogether } from './moves.js';
import { thresholdOf } from './thresholds.js';
import { activities, type TimeUse, timeUses } from './time-use.js';

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
