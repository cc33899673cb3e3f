// SparOA/Share-v0: one inference, unit by unit; the action is the share of the unit that device 1 takes.
import { InputError } from '../../base/errors/input-error.js';
import { Stream } from '../../base/random/stream.js';
import { median } from '../../base/statistics/quantile.js';
import type { Conditions } from '../../engine/conditions.js';
import type { CostTable } from '../../engine/device/cost-table.js';
import type { Executor, Run } from '../../engine/executor.js';
import { Schedule } from '../../engine/schedule.js';
import type { Trace } from '../../engine/trace.js';
import { traceViolations } from '../../engine/trace-invariants.js';
import type { OperatorGraph, Unit } from '../../models/graph.js';
import type { Env, Guarantees, Info, ResetResult, StepOutcome, StepResult } from '../gym/env.js';
import { Box } from '../gym/spaces/box.js';
import { ShareObservation } from './observation.js';

export interface ShareProblem {
  readonly graph: OperatorGraph;
  readonly executor: Executor;
  /** Estimates for the observation: the simulator's own table, or one measured where hardware executes. */
  readonly costs: CostTable;
  readonly conditions: Conditions;
  /** `binary` (default): a share of 0.5 or more is device 1. `split`: shares as they are where a unit can split. */
  readonly shares?: 'binary' | 'split';
  /** Units after the current one that the observation describes; default 4. */
  readonly lookahead?: number;
}

/** The return of an episode whose execution failed. */
export const failureReturn = -10;

/**
 * The MDP: state = the execution so far; action = share in [0, 1]; reward r_t = -(C_t - C_{t-1}) / C_ref with C_t the
 * partial makespan and C_ref the latency of the better single device; so the return is minus the latency in units of
 * the better single device. Terminates after the last unit.
 */
export class ShareEnv implements Env {
  readonly observationSpace: Box;
  readonly actionSpace = new Box(0, 1, [1]);
  readonly guarantees: Guarantees;
  readonly graph: OperatorGraph;
  /** C_ref: latency of the better single device under the same conditions, ms; on hardware a median of several. */
  readonly referenceMs: number;
  /** As given, defaults filled in. */
  readonly options: Required<Pick<ShareProblem, 'shares' | 'lookahead'>>;
  /** Names of the observation's elements. */
  readonly observationNames: readonly string[];
  readonly #problem: ShareProblem;
  readonly #observation: ShareObservation;
  readonly #outcome: StepOutcome = { reward: 0, terminated: false, truncated: false };
  #stream: Stream | null = null;
  #run: Run | null = null;
  #next = 0;
  #objectiveMs = 0;
  #return = 0;

  constructor(problem: ShareProblem) {
    this.#problem = problem;
    this.graph = problem.graph;
    this.options = { shares: problem.shares ?? 'binary', lookahead: problem.lookahead ?? 4 };
    this.referenceMs = bestSingleDeviceMs(problem);
    this.#observation = new ShareObservation(problem.graph, problem.costs, this.referenceMs, this.options.lookahead);
    this.guarantees = {
      deterministic: problem.executor.kind === 'simulated',
      restorable: false,
      rewardSign: 'nonpositive',
      returnOf: ({ trace }) => -(trace as Trace).makespanMs / this.referenceMs,
      violations: ({ trace }) => (trace ? traceViolations(problem.graph, trace as Trace) : []),
    };
    this.observationNames = this.#observation.names;
    this.observationSpace = new Box(-ShareObservation.bound, ShareObservation.bound, [this.#observation.size]);
  }

  reset({ seed }: { readonly seed?: number } = {}): ResetResult<Float32Array> {
    if (seed !== undefined || !this.#stream) this.#stream = Stream.of(seed ?? this.#problem.conditions.seed, 'env');
    this.#run = this.#problem.executor.begin(this.graph, { ...this.#problem.conditions, seed: this.#stream.seed() });
    this.#next = 0;
    this.#objectiveMs = 0;
    this.#return = 0;
    const observation = new Float32Array(this.#observation.size);
    this.#observation.write(0, this.#run.state, observation);
    return { observation, info: { referenceMs: this.referenceMs } };
  }

  step(action: Float32Array): StepResult<Float32Array> {
    const observation = new Float32Array(this.#observation.size);
    const outcome = { ...this.stepInto(action, observation) };
    return { observation, ...outcome, info: this.info() };
  }

  /** Of the latest step: `objectiveMs`, after the last one the `trace` too; or why the execution failed, as `error`. */
  info(): Info {
    if (!this.#run || this.#next < this.graph.units.length) return { objectiveMs: this.#objectiveMs };
    const result = this.#run.finish();
    return 'error' in result ? { error: result } : { objectiveMs: this.#objectiveMs, trace: result };
  }

  /** `step` without allocation: writes the observation into `observation`; the outcome is the environment's own object. */
  stepInto(action: Float32Array, observation: Float32Array): Readonly<StepOutcome> {
    const run = this.#run;
    if (!run || this.#next >= this.graph.units.length) {
      throw new InputError('SparOA/Share-v0: step() was called without an episode under way.', 'Call reset() first.');
    }
    if (!this.actionSpace.contains(action)) {
      throw new InputError(
        `SparOA/Share-v0: the action ${describe(action)} is not in Box(0, 1, [1]).`,
        'Give a Float32Array of one share between 0 and 1.',
      );
    }
    const objectiveMs = run.decide(this.#next, this.shareOf(this.#next, action[0]!));
    const failed = Number.isNaN(objectiveMs);
    this.#next += 1;
    const outcome = this.#outcome;
    outcome.reward = failed ? failureReturn - this.#return : -(objectiveMs - this.#objectiveMs) / this.referenceMs;
    outcome.terminated = !failed && this.#next === this.graph.units.length;
    outcome.truncated = failed;
    this.#return += outcome.reward;
    this.#objectiveMs = objectiveMs;
    this.#observation.write(this.#next, run.state, observation);
    if (failed) this.#next = this.graph.units.length;
    return outcome;
  }

  /** The share that an action means for a unit. */
  shareOf(unit: number, action: number): number {
    return shareOf(this.graph.units[unit]!, action, this.options.shares);
  }

  close(): void {
    this.#problem.executor.close();
  }
}

/** The share that an action means: forced where one device only can run the unit, rounded where it cannot split. */
export function shareOf({ onlyOn, splitAxis }: Unit, action: number, shares: 'binary' | 'split'): number {
  if (onlyOn !== null) return onlyOn;
  return shares === 'split' && splitAxis !== null ? action : Number(action >= 0.5);
}

/** Executions of each single device on hardware: one alone is noisy, so their median counts. */
const referenceRepetitions = 9;

/** The better of all-on-device-0 and all-on-device-1 (wherever supported), by the executor itself, in turn. */
function bestSingleDeviceMs({ graph, executor, conditions }: ShareProblem): number {
  const latenciesMs: [number[], number[]] = [[], []];
  let failure = '';
  for (let repetition = 0; repetition < (executor.kind === 'measured' ? referenceRepetitions : 1); repetition++) {
    for (const device of [0, 1] as const) {
      const result = executor.run(graph, Schedule.onDevice(graph, device), conditions);
      if ('error' in result) failure ||= result.error;
      else latenciesMs[device].push(result.makespanMs);
    }
  }
  const succeeded = latenciesMs.filter(({ length }) => length > 0);
  if (succeeded.length === 0)
    throw new InputError(`SparOA/Share-v0: no single device runs the model: ${failure}`, 'Choose another device pair.');
  return Math.min(...succeeded.map(median));
}

function describe(action: unknown): string {
  return ArrayBuffer.isView(action) ? `${action.constructor.name} [${action}]` : JSON.stringify(action);
}
