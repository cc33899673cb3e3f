import { expect, test } from 'vitest';
import { stagesOf } from '../agents/baselines/stages.js';
import { Rng } from '../base/random/rng.js';
import { Schedule } from '../engine/schedule.js';
import { createSimulator } from '../engine/simulator/simulator.js';
import type { Trace } from '../engine/trace.js';
import { loadProfile } from '../predictor/profiles/profile.js';
import { randomGraph } from '../test/fixtures/random-graph.js';
import { conditions, executed } from './execute.js';
import { StageTimes } from './stage-times.js';

const graph = randomGraph(Rng.of(3, 'stage-times'), { units: 30, maxFanOut: 3 });
const simulator = createSimulator(loadProfile('profile://jetson-agx-orin?transfer=direct'));
const schedule = Schedule.of(
  graph,
  graph.units.map(({ id, onlyOn }) => onlyOn ?? id % 2),
);
const trace = executed(simulator, graph, schedule, { ...conditions, execution: 'serial', mode: 'maxn' });

test('of one execution the stages take the makespan together', () => {
  const times = new StageTimes(graph);
  expect(times.leastMs()).toBe(Number.POSITIVE_INFINITY);
  times.add(trace);
  expect(times.leastMs()).toBeCloseTo(trace.makespanMs, 9);
});

test('a disturbance of one stage is forgotten once the stage has run undisturbed, whatever disturbs the others then', () => {
  const stages = stagesOf(graph);
  expect(stages.length).toBeGreaterThan(2);
  const delayedFrom = (unit: number, ms: number): Trace => {
    const fromMs = Math.min(...trace.events.filter(({ units }) => units.includes(unit)).map(({ startMs }) => startMs));
    const later = (at: number) => (at > fromMs ? at + ms : at);
    const events = trace.events.map((event) => ({
      ...event,
      startMs: later(event.startMs),
      endMs: later(event.endMs),
    }));
    return { ...trace, events, makespanMs: trace.makespanMs + ms };
  };
  const times = new StageTimes(graph);
  for (const stage of [stages[0]!, stages.at(-1)!]) times.add(delayedFrom(stage[0]!, 5));
  expect(times.leastMs()).toBeCloseTo(trace.makespanMs, 9);
});
