import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { wholeUnitMs } from '../../predictor/cost-table.js';
import { loadProfile, profileVariants } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { randomSchedule } from '../../test/fixtures/random-schedule.js';
import type { Conditions, SerialConditions } from '../conditions.js';
import { steadyLoad } from '../load-process.js';
import { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';
import { traceViolations } from '../trace-invariants.js';
import { createSimulator } from './simulator.js';

const serial: SerialConditions = { seed: 0, execution: 'serial', mode: 'maxn', load: null, memoryBudgetBytes: null };
const level = { cpu: 0.4, gpu: 0.25, memory: 0.9 };

describe('costs beside a load that holds', () => {
  test('one unit after the other takes what overlap execution says of it', () => {
    // A chain, one kernel in flight at a time: nothing of ours is shared, and the two kinds of execution model the same machine.
    const overlap: Conditions = {
      ...serial,
      execution: 'overlap',
      without: ['asynchronous-launches', 'launching-core'],
    };
    for (const transfer of ['direct', 'copy']) {
      const simulator = createSimulator(loadProfile(`profile://jetson-agx-orin?transfer=${transfer}`));
      for (let seed = 0; seed < 20; seed++) {
        const graph = randomGraph(Rng.of(seed, 'loaded'), { units: 1, maxFanOut: 1 });
        for (const device of [0, 1] as const) {
          const schedule = Schedule.onDevice(graph, device);
          const load = steadyLoad(level);
          const alone = simulator.run(graph, schedule, { ...serial, load });
          const beside = simulator.run(graph, schedule, { ...overlap, load }) as Trace;
          expect(alone.makespanMs / beside.makespanMs, `seed ${seed}, device ${device}`).toBeCloseTo(1, 9);
        }
      }
    }
  });

  test('an idle load changes nothing, on every variant of the shipped profile', () => {
    const graph = randomGraph(Rng.of(1, 'idle'), { units: 40 });
    for (const uri of profileVariants('profile://jetson-agx-orin?launch=eager')) {
      const simulator = createSimulator(loadProfile(uri));
      const [idle, loaded] = [
        simulator.costs(graph),
        simulator.costs(graph, steadyLoad({ cpu: 0, gpu: 0, memory: 0 })),
      ];
      for (const { id } of graph.units)
        for (const device of [0, 1]) expect(wholeUnitMs(loaded, id, device)).toBe(wholeUnitMs(idle, id, device));
      for (const { id } of graph.tensors)
        for (const to of [0, 1]) expect(loaded.transferMs(id, to, 0.5)).toBe(idle.transferMs(id, to, 0.5));
    }
  });

  test('cores and device time that others take stretch kernels alone: k / (1 - u), launches as they were', () => {
    const graph = randomGraph(Rng.of(2, 'stretch'), { units: 40 });
    const simulator = createSimulator(loadProfile('profile://jetson-agx-orin'));
    const idle = simulator.costs(graph);
    const loaded = simulator.costs(graph, steadyLoad({ cpu: 0.5, gpu: 0.2, memory: 0 }));
    for (const { id, onlyOn } of graph.units) {
      if (onlyOn !== 1) expect(loaded.unitMs(id, 0, 1)).toBeCloseTo(idle.unitMs(id, 0, 1) / 0.5, 12);
      if (onlyOn !== 0) expect(loaded.unitMs(id, 1, 1)).toBeCloseTo(idle.unitMs(id, 1, 1) / 0.8, 12);
    }
    expect([loaded.launchMs(0), loaded.launchMs(1)]).toEqual([idle.launchMs(0), idle.launchMs(1)]);
  });

  test('an execution beside a load is sound, and restarts, restores and forks beside another', () => {
    const graph = randomGraph(Rng.of(3, 'run'), { units: 25 });
    const simulator = createSimulator(loadProfile('profile://jetson-agx-orin'));
    const schedule = randomSchedule(graph, Rng.of(4, 'run'), { cpuLanes: 1 });
    const loaded = { ...serial, load: steadyLoad(level) };
    const [idleTrace, loadedTrace] = [simulator.run(graph, schedule, serial), simulator.run(graph, schedule, loaded)];
    expect(traceViolations(graph, loadedTrace)).toEqual([]);
    expect(loadedTrace.makespanMs).toBeGreaterThan(idleTrace.makespanMs);
    expect(loadedTrace.profileHash).not.toBe(idleTrace.profileHash);
    const run = simulator.begin(graph, serial);
    const decideAll = (of: typeof run) => {
      for (const id of schedule.order) of.decide(id, schedule.share[id]!);
    };
    run.restart!(loaded);
    const fresh = JSON.parse(JSON.stringify(run.snapshot!()));
    const fork = run.forks!(1)[0]!;
    decideAll(run);
    decideAll(fork);
    expect(run.finish()).toEqual(loadedTrace);
    expect(fork.finish()).toEqual(loadedTrace);
    run.restart!(serial);
    run.restore!(fresh);
    decideAll(run);
    expect((run.finish() as Trace).makespanMs).toBe(loadedTrace.makespanMs);
  });
});
