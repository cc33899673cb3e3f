// SparOA/Share-v0: one inference, unit by unit; the action is the share of the unit that device 1 computes.
import { Rng, type RngState } from '../../base/random/rng.js';
import { boardSensorOf } from '../../engine/board-sensor.js';
import type { BoardSensor } from '../../engine/board-state.js';
import type { Run, RunState } from '../../engine/executor.js';
import type { Scenario } from '../../engine/scenario.js';
import type { Trace } from '../../engine/trace.js';
import { traceViolations } from '../../engine/trace-invariants.js';
import type { OperatorGraph } from '../../models/graph.js';
import type {
  Env,
  EnvState,
  Guarantees,
  Info,
  ResetOptions,
  ResetResult,
  StepOutcome,
  StepResult,
} from '../gym/env.js';
import { Box } from '../gym/spaces/box.js';
import { type Observation, observationBound, type Past } from '../observations/observation-block.js';
import { shareObservation, typicalUnitMs } from '../observations/observation-spaces.js';
import { type Situation, situationless, variantOf } from '../randomisation/situation.js';
import {
  energyCost,
  energyOf,
  failureReturn,
  type Goal,
  growth,
  type Reward,
  type RewardReference,
  returnOf,
  rewardOf,
} from '../rewards/rewards.js';
import { referenceOf } from '../rewards/single-device.js';
import {
  noEpisode,
  originOf,
  renderEpisode,
  renderModesOf,
  requireOrigin,
  requireSimulated,
} from '../simulated-episode.js';
import { identityOf, notAShare, type ShareEnvIdentity, type ShareProblem, shareOf } from './share-problem.js';

const noOptions: ResetOptions = {};

/**
 * The MDP: state = the execution so far; action = share in [0, 1]; reward, unless another is chosen,
 * r_t = -(C_t - C_{t-1}) / C_ref with C_t the partial makespan and C_ref the latency of the better single device; so the
 * return is minus the latency in units of the better single device. Terminates after the last unit.
 */
export class ShareEnv implements Env {
  readonly id: string = 'SparOA/Share-v0';
  readonly observationSpace: Box;
  readonly actionSpace = new Box(0, 1, [1]);
  readonly guarantees: Guarantees;
  readonly renderModes: readonly string[];
  readonly graph: OperatorGraph;
  /** C_ref: latency of the better single device under the same conditions, ms; on hardware a median of several. */
  readonly referenceMs: number;
  /** As given, defaults filled in. */
  readonly options: ShareEnvIdentity;
  /** Names of the observation's elements. */
  readonly observationNames: readonly string[];
  readonly #problem: ShareProblem;
  readonly #observation: Observation;
  readonly #reward: Reward;
  readonly #reference: RewardReference;
  /** Whether the reward is not `latency`. */
  readonly #chosen: boolean;
  /** Empty unless the observation uses past decisions. */
  readonly #past: Past;
  /** Null unless the observation has the board's state. */
  readonly #sensor: BoardSensor | null;
  /** A typical unit's time: the unit of past times. */
  readonly #typicalMs: number;
  readonly #outcome: StepOutcome = { reward: 0, terminated: false, truncated: false };
  /** Null until the first reset. */
  #rng: Rng | null = null;
  /** A fork may have one before its first reset. */
  #run: Run | null = null;
  #next = 0;
  #objectiveMs = 0;
  /** The objective before the latest step. */
  #beforeMs = 0;
  #return = 0;

  /**
   * @param like an environment of the same problem; the two share all constant parts
   * @throws InputError when an observation or reward is unavailable, or no single device runs the model
   */
  constructor(problem: ShareProblem, like: ShareEnv | null = null) {
    this.#problem = problem;
    this.graph = problem.graph;
    this.options = identityOf(problem);
    const reward = like ? like.#reward : rewardOf(problem);
    const reference = like ? like.#reference : referenceOf(problem, reward);
    this.#reward = reward;
    this.#chosen = (problem.reward ?? 'latency') !== 'latency';
    this.#reference = reference;
    this.referenceMs = reference.latencyMs;
    const { lookahead } = this.options;
    this.#observation = like
      ? like.#observation
      : shareObservation({ ...problem, referenceMs: this.referenceMs, lookahead }, problem.observation);
    this.#typicalMs = typicalUnitMs(this);
    this.#sensor = this.#observation.senses ? boardSensorOf(problem.executor) : null;
    this.#past = new Float32Array(this.#observation.remembers ? 2 * problem.graph.units.length : 0);
    this.guarantees = {
      deterministic: problem.executor.kind === 'simulated',
      restorable: problem.executor.kind === 'simulated',
      // In overlap execution a unit may join a segment, which then hands out less.
      ...(problem.conditions.execution === 'serial' ? { rewardSign: 'nonpositive' as const } : {}),
      returnOf: ({ trace }) => {
        const ended = trace as Trace;
        return returnOf(reward, reference, ended.makespanMs, energyOf(ended));
      },
      violations: ({ trace }) => (trace ? traceViolations(problem.graph, trace as Trace) : []),
    };
    this.renderModes = renderModesOf(this.guarantees);
    this.observationNames = this.#observation.names;
    this.observationSpace = new Box(-observationBound, observationBound, [this.#observation.size]);
  }

  reset(options?: ResetOptions): ResetResult<Float32Array> {
    const observation = new Float32Array(this.#observation.size);
    this.resetInto(observation, options);
    return { observation, info: this.info() };
  }

  /** `reset` into the caller's buffer; allocates less than 100 bytes, which an episode's steps do not notice. */
  resetInto(observation: Float32Array, { seed }: ResetOptions = noOptions): void {
    if (seed !== undefined || !this.#rng) this.#rng = Rng.of(seed ?? this.#problem.conditions.seed, 'env');
    const conditions = { ...this.#problem.conditions, seed: this.#rng.seed() };
    this.#sensor?.begin(conditions);
    if (this.#run?.restart) this.#run.restart(conditions);
    else this.#run = this.#problem.executor.begin(this.graph, conditions);
    this.#next = 0;
    this.#objectiveMs = 0;
    this.#return = 0;
    this.#observation.write(0, this.#run.state, observation, this.#past, this.#sensor?.values);
  }

  get goal(): Goal {
    return { reward: this.#reward, reference: this.#reference };
  }

  step(action: Float32Array): StepResult<Float32Array> {
    const observation = new Float32Array(this.#observation.size);
    const outcome = { ...this.stepInto(action, observation) };
    return { observation, ...outcome, info: this.info() };
  }

  /** The unit that the next action places; the number of units if the episode is over or not begun. */
  get unit(): number {
    return this.#rng ? this.#next : this.graph.units.length;
  }

  /**
   * After a reset `referenceMs`, and what the observation adds; after a step `objectiveMs`, after the last one the `trace`
   * too; or why the execution failed, as `error`.
   */
  info(): Info {
    if (this.#next === 0) return { referenceMs: this.referenceMs, ...this.#observation.info() };
    if (!this.#run || this.#next < this.graph.units.length) return { objectiveMs: this.#objectiveMs };
    const result = this.#run.finish();
    return 'error' in result ? { error: result } : { objectiveMs: this.#objectiveMs, trace: result };
  }

  /** `step` without objects: writes the observation into `observation`; the outcome is the environment's own object. */
  stepInto(action: Float32Array, observation: Float32Array): Readonly<StepOutcome> {
    const run = this.#run;
    if (!run || this.unit >= this.graph.units.length) throw noEpisode(this.id, 'step()');
    if (!this.actionSpace.contains(action)) throw notAShare(this.id, action);
    const share = this.shareOf(this.#next, action[0]!);
    let objectiveMs: number;
    if (run.advance) {
      run.advance(this.#next, share);
      objectiveMs = run.state.clockMs();
    } else objectiveMs = run.decide(this.#next, share);
    const failed = Number.isNaN(objectiveMs);
    this.#next += 1;
    const outcome = this.#outcome;
    outcome.reward = failed ? failureReturn - this.#return : -(objectiveMs - this.#objectiveMs) / this.referenceMs;
    outcome.terminated = !failed && this.#next === this.graph.units.length;
    outcome.truncated = failed;
    this.#beforeMs = this.#objectiveMs;
    this.#objectiveMs = objectiveMs;
    if (this.#chosen && !failed) this.#weigh(run);
    if (this.#past.length > 0) {
      this.#past[2 * this.#next - 2] = share;
      this.#past[2 * this.#next - 1] = failed ? 0 : (objectiveMs - this.#beforeMs) / this.#typicalMs;
    }
    this.#return += outcome.reward;
    if (!failed) this.#sensor?.sense(objectiveMs);
    this.#observation.write(this.#next, run.state, observation, this.#past, this.#sensor?.values);
    if (failed) this.#next = this.graph.units.length;
    return outcome;
  }

  /** Rewards other than latency. A method of its own: inlined here, it would keep `stepInto` from being optimised, which then allocates. */
  #weigh(run: Run): void {
    const outcome = this.#outcome;
    outcome.reward = -growth(this.#reward, this.#reference, this.#beforeMs, this.#objectiveMs);
    if (!outcome.terminated || this.#reference.energyMj === null) return;
    const result = run.finish();
    const energyMj = 'error' in result ? null : energyOf(result);
    if (energyMj === null) throw new Error('an executor gave energy for its first execution, and none for a later one');
    outcome.reward -= energyCost(this.#reward, this.#reference, this.#objectiveMs, energyMj);
  }

  /** The episode so far. @throws InputError as `renderEpisode` does */
  render(mode: string): string {
    return renderEpisode(this, mode, () => {
      if (!this.#run || !this.#rng) return null;
      const title = `${this.#next} of ${this.graph.units.length} units`;
      return { graph: this.graph, title, trace: this.#run.timeline!() };
    });
  }

  /** The share that an action means for a unit. */
  shareOf(unit: number, action: number): number {
    return shareOf(this.graph.units[unit]!, action, this.options.shares);
  }

  /** @throws InputError when the executor runs on hardware */
  snapshot(): EnvState {
    requireSimulated(this);
    return {
      ...originOf(this),
      stream: this.#rng?.state() ?? null,
      run: this.#rng && this.#run!.snapshot!(),
      next: this.#next,
      objectiveMs: this.#objectiveMs,
      return: this.#return,
      ...(this.#observation.remembers && { past: Array.from(this.#past.subarray(0, 2 * this.#next)) }),
    };
  }

  /** @throws InputError when the executor runs on hardware, or the state is of another graph or other options */
  restore(state: EnvState): void {
    requireOrigin(this, state, originOf(this));
    const { stream, run } = state as { stream: unknown; run: RunState | null };
    this.#rng = stream === null ? null : Rng.restore(structuredClone(stream) as RngState);
    if (run !== null) {
      this.#run ??= this.#problem.executor.begin(this.graph, run.conditions);
      this.#run.restore!(run);
      this.#sensor?.begin(run.conditions);
    }
    this.#next = state.next as number;
    this.#objectiveMs = state.objectiveMs as number;
    this.#return = state.return as number;
    if (this.#observation.remembers) this.#past.set(state.past as number[]);
  }

  /** @throws InputError when the executor runs on hardware */
  fork(): ShareEnv {
    return this.forks(1)[0]!;
  }

  /** @throws InputError when the executor runs on hardware */
  forks(count: number): ShareEnv[] {
    requireSimulated(this);
    const run = this.#run ?? this.#problem.executor.begin(this.graph, this.#problem.conditions);
    const runs = run.forks!(count);
    return Array.from({ length: count }, (_, i) => {
      const copy = new ShareEnv(this.#problem, this);
      copy.#rng = this.#rng && Rng.restore(this.#rng.state());
      copy.#run = runs[i]!;
      copy.#next = this.#next;
      copy.#objectiveMs = this.#objectiveMs;
      copy.#return = this.#return;
      copy.#past.set(this.#past);
      if (this.#sensor?.conditions) copy.#sensor!.begin(this.#sensor.conditions);
      return copy;
    });
  }

  /** @throws InputError when it was not made by its id */
  get scenario(): Scenario {
    return this.#problem.scenario ?? situationless(this.id);
  }

  /** @throws InputError when it was not made by its id, or runs on hardware, or the profile cannot be loaded */
  under(situation: Situation): ShareEnv {
    return variantOf<ShareEnv>(
      this,
      situation,
      (scenario) => new ShareEnv({ ...this.#problem, ...scenario, scenario }),
    );
  }

  /** Closes the executor once; on hardware a second close would wait for threads that have ended. */
  close(): void {
    this.#problem.executor.close();
  }
}
