// A task: an environment on one cell (models on a platform) with all that an experiment must know of it. It is what `run`,
// `train`, `evaluate`, `validate`, tables and figures know of environments; none of them asks which one it is.
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
  /** One, but for environments that mix models in an episode. */
  readonly models: readonly string[];
  readonly platform: string;
}

/** What a result says of where it comes from. */
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
  /** What its decisions were charged. */
  readonly charge: DecisionCharge;
  readonly actions: readonly Action[];
  readonly return: number;
  /** Of the last step. */
  readonly info: Info;
}

/** A value that the objective cannot be below, or has in a known solution. */
export interface Bound {
  readonly kind: 'optimum' | 'lower-bound' | 'clairvoyant';
  readonly objective: number;
}

/** The seed of the i-th episode that everyone is evaluated on: trainings number theirs from a seed times a million on. */
export const evaluationSeed = (index: number): number => 2_000_000_000 + index;

/** Metrics of an outcome by name, units in the names; null is what is not to be had. */
export type TaskMetrics = Readonly<Record<string, number | null>>;

export interface Task {
  /** Of the environment. */
  readonly id: string;
  readonly subject: Subject;
  /** The options of its environment as results record them, defaults filled in. */
  readonly options: unknown;
  /** The metric that is to be small, in ms. */
  readonly objective: string;
  /** Decisions of an episode, about: what rewards are scaled by. */
  readonly decisions: number;
  /** What learners and baselines see, where decisions take what they are charged. */
  env(charge: DecisionCharge): TaskEnv;
  /** What the options that it was made of charge a decision. */
  readonly charge: DecisionCharge;
  /** What a learner's decisions are charged; null where decisions take no time. */
  readonly learnerCharge: DecisionCharge | null;
  readonly baselines: ReadonlyMap<string, Baseline>;
  /** Seeds of the episodes that everyone is evaluated on; learners train on others. */
  episodes(count: number | null): readonly number[];
  /** Seeds of the episodes that a learning curve is made of. */
  readonly curveEpisodes: readonly number[];
  /** The better single device in an episode. */
  reference(seed: number): { readonly name: string; readonly objective: number };
  /** Null where nothing is proved. */
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
 * What is wrong with a recorded episode; null when it holds. Simulated ones are replayed, to the bit.
 * @param where it stands, for errors
 * @throws InputError when the row cannot be understood
 */
export type RowCheck = (row: TextRow, where: string) => Promise<string | null>;

export interface TaskEntry<Options = unknown> {
  readonly summary: string;
  /** The environment's options and `execution`. */
  readonly options: ZodType<Options>;
  /** How a config's models make cells: one each, all in one because an episode draws from them, or none are needed. */
  readonly cells: 'each-model' | 'all-models' | 'none';
  baselines(): ReadonlyMap<string, Baseline>;
  /** @throws InputError when a model, the platform or an option is bad. `task.close()` ends what executes. */
  open(cell: Cell, options: Options, journal?: Pick<JournalOptions, 'path' | 'crashes'>): Promise<Task>;
  /**
   * The task of an environment that is open, in what its latest episode has drawn. The environment stays the caller's:
   * `task.close()` must not be called.
   * @param options that it was made of
   */
  around(env: Env<unknown, unknown>, options: unknown): Task;
  /** A function that checks recorded episodes, for one file of them: what it opens it keeps. */
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

/** `make`, whose value for a key is kept. */
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

/** In what a replayed episode differs from the recorded one; null: in nothing. */
export function differenceOf(row: TextRow, total: number, latencyMs: number): string | null {
  if (total !== Number(row.return)) return `result differs: return ${row.return} recorded, ${total} replayed`;
  if (latencyMs !== Number(row.latencyMs))
    return `result differs: latency ${row.latencyMs} ms recorded, ${latencyMs} ms replayed`;
  return null;
}
