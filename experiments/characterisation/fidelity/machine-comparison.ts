// The same schedules simulated and executed on this machine. They are executed in two passes: the difference between the passes is
// the run-to-run noise, and no simulator can be better than that.
import { type PlannerEntry, planners } from '../../../agents/baselines/registry.js';
import { InputError } from '../../../base/errors/input-error.js';
import { Rng } from '../../../base/random/rng.js';
import { fasterHalf, mean } from '../../../base/statistics/faster-half.js';
import { quantile } from '../../../base/statistics/quantile.js';
import { cutSchedule } from '../../../engine/cut-schedule.js';
import { createLanesExecutor } from '../../../engine/runtime/lanes/executor.js';
import { type CostSamples, sampleCosts } from '../../../engine/runtime/measuring/cost-samples.js';
import type { Scenario } from '../../../engine/scenario.js';
import type { Schedule } from '../../../engine/schedule.js';
import type { LoadedModel } from '../../../models/load.js';
import { undisturbed } from '../../../predictor/tables/unit-times.js';
import type { SimulatedModel } from './simulated-model.js';

/** A schedule's latencies in ms; of measured ones the mean of the faster half of the rounds: of each pass, and of both together. */
export interface ComparedSchedule {
  /** `cut 7`, or the planners that chose it: `greedy=optimum`. */
  readonly name: string;
  readonly simulatedMs: number;
  readonly measuredMs: number;
  readonly passMs: readonly [number, number];
}

export interface ComparedUnit {
  readonly unit: number;
  readonly device: 0 | 1;
  readonly simulatedMs: number;
  /** Lower quartile. */
  readonly measuredMs: number;
  readonly passMs: readonly [number, number];
}

export interface Comparison {
  readonly schedules: readonly ComparedSchedule[];
  readonly units: readonly ComparedUnit[];
}

/** Schedules that switch at random, beside those of planners. */
const cutSchedules = 50;
/** Of units that can split, in every other one. */
const splits = 0.2;

export interface ComparisonOptions {
  /** Of each pass. */
  readonly rounds: number;
  readonly seed: number;
  /** Makes the simulator again between the passes. The new one is compared; the first one only chose the plans. */
  readonly anew: (() => Promise<SimulatedModel>) | null;
}

/**
 * Executes on the devices of the simulator: in each of two passes all schedules in random order, round by round, then all units.
 * @throws InputError when a device does not run
 */
export async function compareWithMachine(
  model: LoadedModel,
  given: SimulatedModel,
  { rounds, seed, anew }: ComparisonOptions,
): Promise<Comparison & { readonly simulated: SimulatedModel }> {
  const { scenario, devices } = given;
  const { graph, conditions } = scenario;
  const named = [...schedulesOf(scenario, seed).values()];
  const schedules = named.map(({ schedule }) => schedule);
  const random = Rng.of(seed, 'fidelity', 'order');
  const first = measurePass(model, devices, scenario, schedules, rounds, random);
  const simulated = anew ? await anew() : given;
  const second = measurePass(model, devices, scenario, schedules, rounds, random);
  const typicalMs = (times: readonly number[]) => mean(fasterHalf(times, (ms) => ms));
  return {
    simulated,
    schedules: named.map(({ names, schedule }, at) => {
      const trace = simulated.scenario.executor.run(graph, schedule, conditions);
      const passes = [first.scheduleMs[at]!, second.scheduleMs[at]!] as const;
      return {
        name: names.join('='),
        simulatedMs: 'error' in trace ? Number.NaN : trace.makespanMs,
        measuredMs: typicalMs(passes.flat()),
        passMs: [typicalMs(passes[0]), typicalMs(passes[1])],
      };
    }),
    units: graph.units.flatMap(({ id: unit }) =>
      ([0, 1] as const).flatMap((device) => {
        const passes = [first, second].map(({ unitMs }) => unitMs[unit]![device]);
        const simulatedMs = simulated.unitMs(unit, device);
        if (simulatedMs === null || passes.some(({ length }) => length === 0)) return [];
        const passMs = passes.map((times) => quantile(times, undisturbed)) as [number, number];
        return [{ unit, device, simulatedMs, measuredMs: quantile(passes.flat(), undisturbed), passMs }];
      }),
    ),
  };
}

interface Pass {
  /** Per schedule, a time for each round. */
  readonly scheduleMs: readonly (readonly number[])[];
  readonly unitMs: CostSamples['unitMs'];
}

/** Opens executors of its own, so that a measurement between the passes has the devices alone and memory is laid out anew. */
function measurePass(
  model: LoadedModel,
  pair: string,
  { graph, conditions }: Scenario,
  schedules: readonly Schedule[],
  rounds: number,
  random: Rng,
): Pass {
  const scheduleMs = schedules.map((): number[] => []);
  const lanes = createLanesExecutor({ model, pair, cachedPlans: schedules.length });
  try {
    // The first round loads and warms.
    for (let round = 0; round <= rounds; round++)
      for (const at of random.shuffle([...schedules.keys()])) {
        const trace = lanes.run(graph, schedules[at]!, conditions);
        if ('error' in trace)
          throw new InputError(`fidelity: a schedule failed: ${trace.error}.`, 'Choose another model or device pair.');
        if (round > 0) scheduleMs[at]!.push(trace.makespanMs);
      }
  } finally {
    lanes.close();
  }
  const single = createLanesExecutor({ model, pair, cachedPlans: 3, maxSegmentUnits: 1 });
  try {
    return { scheduleMs, unitMs: sampleCosts(single, graph, conditions, rounds, 2).unitMs };
  } finally {
    single.close();
  }
}

/** Equal schedules once, under all their names. */
function schedulesOf({ graph, costs, conditions }: Scenario, seed: number) {
  const named = new Map<string, { names: string[]; schedule: Schedule }>();
  const add = (name: string, schedule: Schedule): void => {
    const key = `${schedule.share}/${schedule.order}`;
    const known = named.get(key);
    if (known) known.names.push(name);
    else named.set(key, { names: [name], schedule });
  };
  const random = Rng.of(seed, 'fidelity', 'schedules');
  // Searches would execute schedules before they are compared.
  for (const [name, { plan, searches, undefinedIn }] of Object.entries<PlannerEntry>(planners))
    if (!searches && !undefinedIn) add(name, plan({ graph, costs, conditions, random: Rng.of(seed, name) }));
  for (let index = 0; index < cutSchedules; index++)
    add(`cut ${index}`, cutSchedule(graph, random, index % 2 === 1 ? splits : 0));
  return named;
}
