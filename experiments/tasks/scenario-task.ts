// The task of an environment of scheduling: one inference of one model on one platform, simulated or real.
import { z } from 'zod';
import { planningProblem } from '../../agents/baselines/objective.js';
import { type Baseline, free, plannersAsBaselines, policiesOf } from '../../agents/baselines/registry.js';
import { optimum } from '../../agents/bounds/optimum.js';
import { prepareBound, scenarioBound } from '../../agents/bounds/scenario-bound.js';
import type { Action } from '../../agents/train-loop.js';
import { Rng } from '../../base/random/rng.js';
import { gpuLoadShare } from '../../engine/load-share.js';
import { openScenario, type Scenario } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import type { Trace } from '../../engine/trace.js';
import '../../env/environments.js';
import type { ModelEnv } from '../../env/randomisation/model-choice.js';
import { situated } from '../../env/randomisation/situation.js';
import { environmentOf, openingOf, optionsSchemaOf } from '../../env/register.js';
import { energyOf, type Goal, needsEnergy, returnOf, rewardTerms } from '../../env/rewards/rewards.js';
import { traceOf, trajectoryRow } from '../results/trajectories.js';
import { scenarioRowCheck } from './scenario-rows.js';
import { type Bound, evaluationSeed, type Outcome, type Task, type TaskEntry } from './task.js';

export const executions = ['serial', 'overlap'] as const;

interface ScenarioTaskCard {
  /** Whether each action places the next unit: then every planner is a baseline. */
  readonly placesUnits: boolean;
}

/** @param id of an environment that `registerScheduling` knows */
export function scenarioTask(id: string, { placesUnits }: ScenarioTaskCard): TaskEntry {
  const own = optionsSchemaOf(id);
  const baselines = () => new Map([...(placesUnits ? plannersAsBaselines() : []), ...policiesOf(id)]);
  const execution = z.enum(executions).optional().describe('serial: one unit at a time; overlap: both devices at once');
  const options = own.extend({ execution });
  return {
    options,
    cells: 'each-model',
    objective: 'latencyMs',
    baselines,
    async open(cell, given, journal) {
      const { execution: chosen, ...rest } = options.parse(given);
      const opening = openingOf(id, rest, execution.parse(chosen));
      const scenario = await openScenario(cell.models[0]!, cell.platform, { ...opening, ...(journal && { journal }) });
      try {
        await prepareBound(scenario.conditions.execution);
        return taskOf(id, scenario, rest, baselines(), placesUnits);
      } catch (error) {
        scenario.executor.close();
        throw error;
      }
    },
    around(env) {
      const one = situated(env) as unknown as ModelEnv<Action>;
      return taskOf(id, one.scenario, one.options, baselines(), placesUnits, one);
    },
    checker: () => scenarioRowCheck(id),
  };
}

function taskOf(
  id: string,
  scenario: Scenario,
  options: Readonly<Record<string, unknown>>,
  baselines: ReadonlyMap<string, Baseline>,
  placesUnits: boolean,
  env: ModelEnv<Action> = environmentOf(id, scenario, options),
): Task {
  const { model, platform, graph, executor } = scenario;
  const { conditions } = env.scenario;
  const { goal } = env as { readonly goal?: Goal };
  const objective = objectiveMetric(goal);
  let bound: Bound | null | undefined;
  const trace = ({ info }: Outcome): Trace => traceOf(info);
  return {
    env: () => env,
    id,
    subject: {
      model: model.uri,
      modelHash: model.modelHash,
      profile: platform.uri,
      profileHash: platform.hash,
      kind: executor.kind,
      weakestSource: platform.weakestSource,
      execution: conditions.execution,
      batch: model.batch,
    },
    options,
    objective,
    decisions: graph.units.length,
    charge: free,
    learnerCharge: null,
    baselines: new Map([...baselines].filter(([, { undefinedIn }]) => (undefinedIn?.(scenario) ?? null) === null)),
    episodes: (count) => Array.from({ length: count ?? 1 }, (_, i) => evaluationSeed(i)),
    curveEpisodes: [evaluationSeed(0)],
    reference: () => ({
      name: 'better single device',
      objective: objective === 'latencyMs' ? env.referenceMs : betterSingle(env.scenario, goal!, objective),
    }),
    bound: () => (bound === undefined ? (bound = boundOf(scenario, options, placesUnits, goal, objective)) : bound),
    metrics: (outcome) => {
      const ended = trace(outcome);
      const share = gpuLoadShare(graph, ended);
      return {
        latencyMs: ended.makespanMs,
        energyMj: energyOf(ended),
        gpuShareUnits: share.units,
        gpuShareFlops: share.flops,
        gpuShareTime: share.time,
        peakMemoryBytes: peakBytes(ended),
        return: outcome.return,
        ...(objective !== 'latencyMs' && { [objective]: objectiveValue(ended, goal!, objective) }),
      };
    },
    row: (outcome, label) =>
      trajectoryRow(env, { ...label, seed: outcome.seed }, { ...outcome, trace: trace(outcome) }),
    inference: { scenario, trace },
    close: () => env.close(),
  };
}

/** What is to be small: of rewards without energy the latency, of others what the reward is minus of. */
function objectiveMetric(goal: Goal | undefined): string {
  if (!goal || !needsEnergy(goal.reward)) return 'latencyMs';
  const weighted = rewardTerms.filter((term) => goal.reward.weights[term] > 0);
  if (weighted.length > 1) return 'cost';
  return weighted[0] === 'energy' ? 'energyMj' : 'energyDelayMjMs';
}

function objectiveValue(trace: Trace, { reward, reference }: Goal, objective: string): number {
  const [latencyMs, energyMj] = [trace.makespanMs, energyOf(trace)!];
  if (objective === 'energyMj') return energyMj;
  return objective === 'energyDelayMjMs' ? energyMj * latencyMs : -returnOf(reward, reference, latencyMs, energyMj);
}

/** The device that is better by the objective: not always the faster one. */
function betterSingle({ graph, executor, conditions }: Scenario, goal: Goal, objective: string): number {
  const values = ([0, 1] as const).flatMap((device) => {
    const result = executor.run(graph, Schedule.onDevice(graph, device), conditions);
    return 'error' in result ? [] : objectiveValue(result, goal, objective);
  });
  return Math.min(...values);
}

/**
 * Of latency whatever is proved. Of energy, and of what is made of both but a deadline, the minimum cut over placements of whole
 * units, one at a time.
 */
function boundOf(
  scenario: Scenario,
  { shares }: Readonly<Record<string, unknown>>,
  placesUnits: boolean,
  goal: Goal | undefined,
  objective: string,
): Bound | null {
  const { graph, conditions, executor } = scenario;
  if (objective === 'latencyMs')
    return scenarioBound(scenario, { shares: shares === 'split' ? 'split' : 'binary', severalLanes: !placesUnits });
  if (executor.kind === 'measured' || conditions.execution !== 'serial' || shares === 'split') return null;
  if (goal!.reward.weights.deadline > 0) return null;
  const schedule = optimum(planningProblem(scenario, Rng.of(0, 'unused'), goal));
  const result = executor.run(graph, schedule, conditions);
  return 'error' in result ? null : { kind: 'optimum', objective: objectiveValue(result, goal!, objective) };
}

/** Peak memory of both devices together, bytes; null where the executor does not report memory. */
function peakBytes({ memory }: Trace): number | null {
  if (memory.length === 0) return null;
  const held: [number, number] = [0, 0];
  let peak = 0;
  for (const { device, bytes } of memory) {
    held[device] = bytes;
    peak = Math.max(peak, held[0] + held[1]);
  }
  return peak;
}
