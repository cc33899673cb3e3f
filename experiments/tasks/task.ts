// A task: an environment on one cell (models on a platform) with everything that experiments need to know of it. `run`, `train`,
// `evaluate`, `validate`, tables and figures use only tasks, and never ask which environment it is.
import type { ZodType } from 'zod';
import type { Baseline, DecisionCharge } from '../../agents/baselines/registry.js';
import type { Action } from '../../agents/train-loop.js';
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import type { JournalOptions } from '../../engine/runtime/journal.js';
import type { Scenario } from '../../engine/scenario.js';
import type { Trace } from '../../engine/trace.js';
import type { Env, Info } from '../../env/gym/env.js';
import type { TrajectoryRow } from '../results/trajectories.js';

export type TaskEnv = Env<Float32Array, Action>;

/** Models on a platform: a profile's URI with every axis given, or hardware's. */
export interface Cell {
  /** One model, except for environments that mix models in an episode. */
  readonly models: readonly string[];
  readonly platform: string;
}

/** The provenance of a result. */
export interface Subject {
  /** Full URIs; of several models joined by `;`. */
  readonly model: string;
  readonly modelHash: string;
  readonly profile: string;
  readonly profileHash: string;
  readonly kind: 'simulated' | 'measured';
  readonly weakestSource: string;
  readonly execution: 'serial' | 'overlap';
  readonly batch: number;
}

/** An episode as it was played. */
export interface Outcome {
  /** Of the reset. */
  readonly seed: number;
  /** The decision time that was charged. */
  readonly charge: DecisionCharge;
  readonly actions: readonly Action[];
  readonly return: number;
  /** Of the last step. */
  readonly info: Info;
}

/** A bound of the objective, or its value in a known solution. */
export interface Bound {
  readonly kind: 'optimum' | 'lower-bound' | 'clairvoyant';
  readonly objective: number;
}

/** The seed of the i-th evaluation episode; those of trainings start at their seed times a million. */
export const evaluationSeed = (index: number): number => 2_000_000_000 + index;

/** Metrics of an outcome by name, with units in the names; null if unavailable. */
export type TaskMetrics = Readonly<Record<string, number | null>>;

export interface Task {
  /** Of the environment. */
  readonly id: string;
  readonly subject: Subject;
  /** The options of its environment as results record them, defaults filled in. */
  readonly options: unknown;
  /** The metric to minimise: `latencyMs`, `energyMj`, `energyDelayMjMs`, or a `cost` without a unit. */
  readonly objective: string;
  /** Approximate number of decisions of an episode; rewards are scaled by it. */
  readonly decisions: number;
  /** The environment of learners and baselines, in which decisions take the given time. */
  env(charge: DecisionCharge): TaskEnv;
  /** Decision times that the options state. */
  readonly charge: DecisionCharge;
  /** Decision times of a learner; null if decisions take no time. */
  readonly learnerCharge: DecisionCharge | null;
  /** Those that are defined in the cell. */
  readonly baselines: ReadonlyMap<string, Baseline>;
  /** Seeds of the evaluation episodes; learners train on others. */
  episodes(count: number | null): readonly number[];
  /** Seeds of the episodes of a learning curve. */
  readonly curveEpisodes: readonly number[];
  /** The better single device in an episode. */
  reference(seed: number): { readonly name: string; readonly objective: number };
  /** Null if nothing is proved. */
  bound(seed: number): Bound | null;
  metrics(outcome: Outcome): TaskMetrics;
  /** @throws InputError when the execution failed */
  row(outcome: Outcome, label: { readonly scheduler: string; readonly phase: TrajectoryRow['phase'] }): TrajectoryRow;
  /** Of tasks that are one inference: the scenario, and the trace of an outcome. */
  readonly inference: { readonly scenario: Scenario; trace(outcome: Outcome): Trace } | null;
  close(): void;
}

/** A row of trajectories.csv as it is read. */
export type TextRow = Readonly<Record<keyof TrajectoryRow, string>>;

/**
 * The fault of a recorded episode; null if it has none. Simulated ones are replayed exactly.
 * @param where the place of the row, for errors
 * @throws InputError when the row cannot be understood
 */
export type RowCheck = (row: TextRow, where: string) => Promise<string | null>;

export interface TaskEntry<Options = unknown> {
  /** The environment's options and `execution`. */
  readonly options: ZodType<Options>;
  /** How a config's models make cells: one each, all in one because an episode draws from them, or none are needed. */
  readonly cells: 'each-model' | 'all-models' | 'none';
  /** The metric that is to be small; a name that ends in `Ms` is in milliseconds. */
  readonly objective: string;
  baselines(): ReadonlyMap<string, Baseline>;
  /** @throws InputError when a model, the platform or an option is bad. `task.close()` ends what executes. */
  open(cell: Cell, options: Options, journal?: Pick<JournalOptions, 'path' | 'crashes'>): Promise<Task>;
  /**
   * The task of an open environment, in what its latest episode has drawn. The environment stays the caller's:
   * `task.close()` must not be called.
   * @param options that the environment was made with
   */
  around(env: Env<unknown, unknown>, options: unknown): Task;
  /** A function that checks the recorded episodes of one file, and keeps the scenarios that it opens. */
  checker(): RowCheck;
}

const entries = new Map<string, TaskEntry>();

/**
 * Makes an environment known to experiments.
 * @throws InputError when the id is taken
 */
export function registerTask<Options>(id: string, entry: TaskEntry<Options>): void {
  if (entries.has(id)) throw new InputError(`task "${id}" is registered already.`, 'Choose another id.');
  entries.set(id, {
    ...entry,
    open: (cell, options, journal) => entry.open(cell, entry.options.parse(options), journal),
  });
}

export const taskIds = (): string[] => [...entries.keys()].sort();

/** @throws InputError when there is none */
export function taskNamed(id: string): TaskEntry {
  const entry = entries.get(id);
  if (!entry) throw new InputError(`environment "${id}" is unknown to experiments.`, didYouMean(id, taskIds()));
  return entry;
}

/** The metric to minimise in an environment. @throws InputError when experiments do not know it */
export const objectiveOf = (env: string): string => taskNamed(env).objective;

/** Caches the values of `make` by key. */
export function keptBy<Value, Arguments extends readonly unknown[]>(
  make: (...args: Arguments) => Value,
): (key: string, ...args: Arguments) => Value {
  const known = new Map<string, { readonly value: Value }>();
  return (key, ...args) => {
    let entry = known.get(key);
    if (!entry) known.set(key, (entry = { value: make(...args) }));
    return entry.value;
  };
}

/** The difference of a replayed episode from the recorded one; null if there is none. */
export function differenceOf(row: TextRow, total: number, latencyMs: number): string | null {
  if (total !== Number(row.return)) return `result differs: return ${row.return} recorded, ${total} replayed`;
  if (latencyMs !== Number(row.latencyMs))
    return `result differs: latency ${row.latencyMs} ms recorded, ${latencyMs} ms replayed`;
  return null;
}
