// Evaluates every scheduler of a config on one task: baselines play, and actions of trained policies are replayed. On hardware
// all are measured in rounds, so that a drift of the machine affects all alike.
import { type DecisionCharge, free, plannerBelieving } from '../agents/baselines/registry.js';
import { learnerNames } from '../agents/learners.js';
import { InputError } from '../base/errors/input-error.js';
import { median } from '../base/statistics/quantile.js';
import { Discrete } from '../env/gym/spaces/discrete.js';
import type { SchedulerSpec } from './config.js';
import type { Believed } from './given-costs.js';
import type { JobResult, PlayedEpisode } from './job-files.js';
import { playActions, playBaseline } from './play.js';
import { type KeptEpisodes, nothingKept } from './results/kept-episodes.js';
import { decodeActions, decodeChoices, encodeActions } from './results/trajectories.js';
import type { Outcome, Task, TaskMetrics } from './tasks/registry.js';

/** One seed of one scheduler. */
export interface SchedulerRun {
  /** Seed of the training, or of the baseline's random numbers. */
  readonly seed: number;
  /** Per episode, in the task's order: a list of executions, of which a simulated episode needs one. */
  readonly episodes: readonly { readonly seed: number; readonly outcomes: readonly Outcome[] }[];
  readonly decisionWallMs: number;
  /** Of a learner only. */
  readonly training: { readonly wallS: number; readonly bestSeen: number | null } | null;
}

/** A scheduler's runs in one cell. */
export interface SchedulerResults {
  readonly scheduler: string;
  readonly decision: 'planned' | 'online';
  readonly charge: DecisionCharge;
  readonly runs: readonly SchedulerRun[];
}

/** The result of a learner's training in one cell. */
export interface TrainedCell {
  readonly seed: number;
  readonly played: Pick<JobResult['cells'][number], 'episodes' | 'uncharged' | 'bestSeen'>;
  readonly trainingWallS: number;
}

/** The name of a scheduler when its decisions are not charged. */
export const unchargedName = (scheduler: string): string => `${scheduler}-uncharged`;

interface EvaluateOptions {
  readonly seeds: number;
  readonly episodes: number | null;
  /** On hardware: executions of each episode. */
  readonly measurements: number;
  /** Simulated episodes of baselines that were played before; default: none. */
  readonly kept?: KeptEpisodes;
  /** By the costs of a scheduler, the scenario in which it plans; default: none has costs. */
  readonly believed?: ReadonlyMap<string, Believed>;
}

/**
 * @param trainingsOf a learner's, by its name in results
 * @returns without baselines that are not defined in the cell
 * @throws InputError when none of the schedulers is
 */
export function evaluate(
  task: Task,
  schedulers: readonly SchedulerSpec[],
  trainingsOf: (name: string) => readonly TrainedCell[],
  { seeds, episodes, measurements, kept = nothingKept, believed = new Map() }: EvaluateOptions,
): SchedulerResults[] {
  const episodeSeeds = task.episodes(episodes);
  const results = schedulers.flatMap((spec): SchedulerResults[] =>
    learnerNames().includes(spec.use)
      ? learnerResults(task, spec.name, trainingsOf(spec.name))
      : baselineResults(task, spec, {
          episodeSeeds,
          seeds,
          kept: task.subject.kind === 'simulated' ? kept : nothingKept,
          believed: spec.costs === undefined ? null : believed.get(spec.costs)!,
        }),
  );
  if (results.length === 0)
    throw new InputError(
      `evaluate: none of the schedulers is defined in ${task.subject.model} on ${task.subject.profile}.`,
      'Add one that is, or leave the cell out.',
    );
  if (task.subject.kind === 'simulated') return results;
  return measureInTurn(task, results, measurements);
}

interface BaselineOptions {
  readonly episodeSeeds: readonly number[];
  readonly seeds: number;
  readonly kept: KeptEpisodes;
  readonly believed: Believed | null;
}

function baselineResults(
  task: Task,
  { name, use, evaluations }: SchedulerSpec,
  { episodeSeeds, seeds, kept, believed }: BaselineOptions,
): SchedulerResults[] {
  const own = task.baselines.get(use);
  if (!own) return [];
  const baseline = believed ? plannerBelieving(use, believed.scenario) : own;
  const { charge } = baseline;
  const { id, subject, options } = task;
  const playedOnce = (episode: number, seed: number) => {
    const costs = believed?.identity ?? null;
    const identity = { id, subject, options, use, costs, evaluations: evaluations ?? null, episode, seed };
    const before = kept.find(identity);
    if (before)
      return {
        ...playActions(task, { seed: episode, charge, actions: decoded(task, charge, before.actions) }),
        decisionWallMs: before.decisionWallMs,
      };
    const played = playBaseline(task, use, baseline, episode, seed, evaluations);
    kept.keep(identity, { actions: encodeActions(played.actions), decisionWallMs: played.decisionWallMs });
    return played;
  };
  const runs = Array.from({ length: baseline.stochastic ? seeds : 1 }, (_, seed): SchedulerRun => {
    const played = episodeSeeds.map((episode) => playedOnce(episode, seed));
    return {
      seed,
      episodes: played.map((outcome) => ({ seed: outcome.seed, outcomes: [outcome] })),
      decisionWallMs: median(played.map(({ decisionWallMs }) => decisionWallMs)),
      training: null,
    };
  });
  return [{ scheduler: name, decision: baseline.decision, charge, runs }];
}

function learnerResults(task: Task, name: string, trainings: readonly TrainedCell[]): SchedulerResults[] {
  const charge = task.learnerCharge ?? free;
  const runsOf = (of: (cell: TrainedCell['played']) => readonly PlayedEpisode[], charged: DecisionCharge) =>
    trainings.map(({ seed, played: own, trainingWallS }): SchedulerRun => {
      const played = of(own);
      return {
        seed,
        episodes: played.map(({ seed: episode, actions }) => ({
          seed: episode,
          outcomes: [playActions(task, { seed: episode, charge: charged, actions: decoded(task, charged, actions) })],
        })),
        decisionWallMs: median(played.map(({ decisionWallMs }) => decisionWallMs)),
        training: { wallS: trainingWallS, bestSeen: own.bestSeen },
      };
    });
  // On a task without a clock the schedule is found beforehand by one rollout, whose time is not charged.
  const decision = task.learnerCharge ? 'online' : 'planned';
  const runs = runsOf(({ episodes }) => episodes, charge);
  if (!task.learnerCharge) return [{ scheduler: name, decision, charge, runs }];
  const uncharged = runsOf((cell) => cell.uncharged!, free);
  return [
    { scheduler: name, decision, charge, runs },
    { scheduler: unchargedName(name), decision, charge: free, runs: uncharged },
  ];
}

function decoded(task: Task, charge: DecisionCharge, text: string): Outcome['actions'] {
  const { actionSpace } = task.env(charge);
  return actionSpace instanceof Discrete ? decodeChoices(text) : decodeActions(text, actionSpace.flatSize);
}

/** The same actions again, round after round; each episode then has as many outcomes as there are rounds. */
function measureInTurn(task: Task, results: readonly SchedulerResults[], rounds: number): SchedulerResults[] {
  const again = results.map(({ runs }) => runs.map(({ episodes }) => episodes.map(({ outcomes }) => [...outcomes])));
  for (let round = 1; round < rounds; round++)
    for (const runs of again)
      for (const episodes of runs) for (const outcomes of episodes) outcomes.push(playActions(task, outcomes[0]!));
  return results.map((each, s) => ({
    ...each,
    runs: each.runs.map((run, r) => ({
      ...run,
      episodes: run.episodes.map(({ seed }, e) => ({ seed, outcomes: again[s]![r]![e]! })),
    })),
  }));
}

/** The references of a cell, in the objective's unit. */
export interface CellReferences {
  /** The better single device, per episode. */
  readonly singleOf: (seed: number) => number;
  /** The bound per episode; where nothing is proved, the best result in the cell. */
  readonly bestOf: (seed: number) => number;
  readonly bestName: string;
}

/** @param results of all schedulers, those included that are evaluated for the references alone */
export function referencesOf(task: Task, results: readonly SchedulerResults[]): CellReferences {
  const measured = task.subject.kind === 'measured';
  const valuesOf = (seed: number, of: readonly SchedulerResults[]) =>
    of.flatMap(({ runs }) => runs.map((run) => objectiveOf(task, run, seed)));
  const singles = results.filter(({ scheduler }) => singleDevices.includes(scheduler));
  const leastOf = (seed: number) => Math.min(...valuesOf(seed, results));
  // A lower bound is not always reached: gaps are to what a schedule reaches.
  const reached = (seed: number) => {
    const bound = task.bound(seed);
    return bound && bound.kind !== 'lower-bound' ? bound : null;
  };
  return {
    singleOf: (seed) =>
      measured && singles.length > 0 ? Math.min(...valuesOf(seed, singles)) : task.reference(seed).objective,
    bestOf: (seed) => reached(seed)?.objective ?? leastOf(seed),
    bestName: reached(task.episodes(1)[0]!)?.kind ?? 'best of these',
  };
}

/** Schedulers that references need, whether or not a config lists them. */
export const singleDevices: readonly string[] = ['cpu-only', 'gpu-only'];

function objectiveOf(task: Task, { episodes }: SchedulerRun, seed: number): number {
  const { outcomes } = episodes.find((each) => each.seed === seed)!;
  return median(outcomes.map((outcome) => task.metrics(outcome)[task.objective]!));
}

/** Headroom under which captured headroom is not defined: a quotient of two small differences. */
const leastHeadroom = 0.02;

/** (best single - value) / (best single - best); null where the headroom is too small. */
export function capturedHeadroom(value: number, single: number, best: number): number | null {
  return single / best - 1 < leastHeadroom ? null : (single - value) / (single - best);
}

/** The metrics of an episode, medians over its executions, with the gap and the captured headroom. */
export function metricsOf(
  task: Task,
  { seed, outcomes }: SchedulerRun['episodes'][number],
  references: CellReferences,
): TaskMetrics {
  const all = outcomes.map((outcome) => task.metrics(outcome));
  const medians = Object.keys(all[0]!).map((name) => {
    const values = all.flatMap((metrics) => metrics[name] ?? []);
    return [name, values.length === all.length ? median(values) : null] as const;
  });
  const metrics = Object.fromEntries(medians);
  const value = metrics[task.objective]!;
  const [single, best] = [references.singleOf(seed), references.bestOf(seed)];
  const bound = task.bound(seed);
  return {
    ...metrics,
    ...(bound?.kind === 'lower-bound' && { overBoundPercent: 100 * (value / bound.objective - 1) }),
    speedup: single / value,
    gapPercent: 100 * (value / best - 1),
    capturedHeadroom: capturedHeadroom(value, single, best),
  };
}
