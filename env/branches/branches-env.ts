// SparOA/Branches-v0: one inference, slot by slot: which of the branches that are ready start together, on the lanes of the
// CPU and on the accelerator, within a memory budget. The problem of Parallax (arXiv 2512.11532) as an MDP; it decides layer
// by layer, here any ready branch may be chosen, and its plans are among the possible ones.
import { InputError } from '../../base/errors/input-error.js';
import { Rng, type RngState } from '../../base/random/rng.js';
import { boardSensorOf } from '../../engine/board-sensor.js';
import type { BoardSensor } from '../../engine/board-state.js';
import type { ExecutionError } from '../../engine/executor.js';
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
import { Discrete } from '../gym/spaces/discrete.js';
import { describeValue } from '../gym/spaces/space.js';
import { observationBound } from '../observations/observation-block.js';
import { type Situation, situationless, variantOf } from '../randomisation/situation.js';
import { failureReturn } from '../rewards/rewards.js';
import {
  noEpisode,
  originOf,
  renderEpisode,
  renderModesOf,
  requireOrigin,
  requireSimulated,
} from '../simulated-episode.js';
import { type BranchFront, type BranchInfo, closing, type FrontLimits, type Move } from './branch-front.js';
import { BranchesExecution } from './branches-execution.js';
import { branchesBlocks, defaultBranchesBlocks } from './branches-observation.js';
import {
  type BranchesEnvOptions,
  type BranchesProblem,
  type FixedBranches,
  fixedOf,
  slotViolations,
} from './branches-problem.js';

/**
 * The MDP: state = slots so far and the open one; action 2 k + d: the k-th ready branch joins the open slot on device d, the
 * last action closes the slot; reward r_t = -(C_t - C_{t-1}) / C_ref as in SparOA/Share-v0, C_t the makespan of what has
 * been placed. On hardware all of it runs when the last branch is placed, and the last reward is the only one.
 */
export class BranchesEnv implements Env<Float32Array, number> {
  readonly id: string = 'SparOA/Branches-v0';
  readonly observationSpace: Box;
  readonly actionSpace: Discrete;
  readonly guarantees: Guarantees;
  readonly renderModes: readonly string[];
  readonly graph: OperatorGraph;
  /** As recorded rows and snapshots keep them; the default observation is left out. */
  readonly options: Readonly<Record<string, string | number | null>> &
    Pick<BranchesEnvOptions, 'lanes' | 'budget' | 'window'>;
  readonly #problem: BranchesProblem;
  readonly #fixed: FixedBranches;
  readonly #outcome: StepOutcome = { reward: 0, terminated: false, truncated: false };
  readonly #execution: BranchesExecution;
  /** Null unless the observation has the board's state. */
  readonly #sensor: BoardSensor | null;
  #rng: Rng | null = null;
  #objectiveMs = 0;
  #return = 0;

  /**
   * @param like an environment of the same problem; the two share all constant parts
   * @throws InputError when no device runs the model alone
   */
  constructor(problem: BranchesProblem, like: BranchesEnv | null = null) {
    this.#problem = problem;
    this.graph = problem.graph;
    const blocks = branchesBlocks
      .filter((block) => (problem.observation ?? defaultBranchesBlocks).includes(block))
      .join();
    this.options = {
      lanes: problem.lanes,
      budget: problem.budget,
      window: problem.window,
      ...(blocks !== defaultBranchesBlocks.join() && { observation: blocks }),
    };
    this.#fixed = like === null ? fixedOf(problem) : like.#fixed;
    const { branches, limits, observation, referenceMs } = this.#fixed;
    const simulated = problem.executor.kind === 'simulated';
    this.guarantees = {
      deterministic: simulated,
      restorable: simulated,
      returnOf: ({ trace }) => -(trace as Trace).makespanMs / referenceMs,
      violations: (info) => [
        ...traceViolations(problem.graph, info.trace as Trace),
        ...slotViolations(branches, limits, info.slots as number[][]),
      ],
    };
    this.renderModes = renderModesOf(this.guarantees);
    this.observationSpace = new Box(-observationBound, observationBound, [observation.size]);
    this.actionSpace = new Discrete(2 * limits.window + 1);
    this.#execution = new BranchesExecution(problem, this.#fixed);
    this.#sensor = observation.senses ? boardSensorOf(problem.executor) : null;
  }

  /** C_ref: latency of the better single device under the same conditions, ms. */
  get referenceMs(): number {
    return this.#fixed.referenceMs;
  }

  /** Costs and conditions of the latest scenario, for planners. */
  get problem(): Readonly<Pick<BranchesProblem, 'graph' | 'costs' | 'conditions'>> {
    return this.#problem;
  }

  get branches(): readonly BranchInfo[] {
    return this.#fixed.branches;
  }

  get limits(): FrontLimits {
    return this.#fixed.limits;
  }

  /** Names of the observation's elements. */
  get observationNames(): readonly string[] {
    return this.#fixed.observation.names;
  }

  get #front(): BranchFront {
    return this.#execution.front;
  }

  /** Branches that can be chosen now: action 2 k + d is the k-th of them on device d. */
  get choices(): readonly number[] {
    return this.#front.choices;
  }

  /** Branches of the open slot. */
  get openSlot(): readonly number[] {
    return this.#front.open;
  }

  /** @throws InputError when it was not made by its id */
  get scenario(): Scenario {
    return this.#problem.scenario ?? situationless(this.id);
  }

  /** @throws InputError when it was not made by its id, or runs on hardware, or the profile cannot be loaded */
  under(situation: Situation): BranchesEnv {
    return variantOf<BranchesEnv>(
      this,
      situation,
      (scenario) => new BranchesEnv({ ...this.#problem, ...scenario, scenario }),
    );
  }

  reset({ seed }: ResetOptions = {}): ResetResult<Float32Array> {
    if (seed !== undefined || !this.#rng) this.#rng = Rng.of(seed ?? this.#fixed.conditions.seed, 'env');
    this.#execution.begin(this.#rng.seed());
    this.#objectiveMs = 0;
    this.#return = 0;
    this.#sensor?.begin(this.#execution.conditions);
    const observation = new Float32Array(this.#fixed.observation.size);
    this.#observe(observation);
    return { observation, info: this.info() };
  }

  #observe(observation: Float32Array): void {
    if (Number.isFinite(this.#objectiveMs)) this.#sensor?.sense(this.#objectiveMs);
    const { held } = this.#execution;
    this.#fixed.observation.write(this.#front, held, this.#objectiveMs, observation, this.#sensor?.values);
  }

  step(action: number): StepResult<Float32Array> {
    const observation = new Float32Array(this.#fixed.observation.size);
    const outcome = { ...this.stepInto(action, observation) };
    return { observation, ...outcome, info: this.info() };
  }

  /** @throws InputError when no episode is under way, or the mask forbids the action */
  stepInto(action: number, observation: Float32Array): Readonly<StepOutcome> {
    const execution = this.#execution;
    if (execution.seed === null || this.#front.over) throw noEpisode(this.id, 'step()');
    const move = this.#moveOf(action);
    execution.make(move);
    const before = this.#objectiveMs;
    if (move.branch >= 0) this.#objectiveMs = execution.makespanMs();
    const failed = execution.result !== null && 'error' in execution.result;
    const outcome = this.#outcome;
    // 0 - x rather than -x: no time passed is 0, not -0.
    outcome.reward = failed ? failureReturn - this.#return : 0 - (this.#objectiveMs - before) / this.referenceMs;
    outcome.terminated = this.#front.over && !failed;
    outcome.truncated = failed;
    this.#return += outcome.reward;
    this.#observe(observation);
    return outcome;
  }

  /** The mask while the episode goes on; at its end `trace` and the `slots` of branches, or why it failed, as `error`. */
  info(): Info {
    const { budgetBytes } = this.#fixed.limits;
    const info = { objectiveMs: this.#objectiveMs, budgetBytes: Number.isFinite(budgetBytes) ? budgetBytes : null };
    if (this.#execution.seed === null) return info;
    if (!this.#front.over) return { ...info, actionMask: this.actionMask() };
    const result = this.#execution.result ?? this.#execution.replayed().finish();
    return 'error' in result ? { error: result } : { ...info, trace: result, slots: this.#front.slots() };
  }

  /** The episode so far. @throws InputError as `renderEpisode` does */
  render(mode: string): string {
    return renderEpisode(this, mode, () => {
      if (this.#execution.seed === null) return null;
      const title = `${this.#front.taken} of ${this.branches.length} branches in ${this.#front.slots().length} slots`;
      return { graph: this.graph, title, trace: this.#execution.replayed().timeline!() };
    });
  }

  /** @throws InputError when the executor runs on hardware */
  snapshot(): EnvState {
    requireSimulated(this);
    return {
      ...originOf(this),
      stream: this.#rng?.state() ?? null,
      seed: this.#execution.seed,
      moves: this.#front.moves.map(({ branch, device }) => [branch, device]),
      objectiveMs: this.#objectiveMs,
      return: this.#return,
      result: this.#execution.result as EnvState | null,
    };
  }

  /** @throws InputError when the executor runs on hardware, or the state is of another graph or other options */
  restore(state: EnvState): void {
    requireOrigin(this, state, originOf(this));
    const { stream, seed, moves, objectiveMs, result } = structuredClone(state) as {
      stream: RngState | null;
      seed: number | null;
      moves: [number, 0 | 1][];
      objectiveMs: number;
      result: ExecutionError | null;
    };
    this.#rng = stream && Rng.restore(stream);
    this.#objectiveMs = objectiveMs;
    this.#return = state.return as number;
    this.#execution.begin(
      seed,
      moves.map(([branch, device]) => ({ branch, device })),
      result,
    );
    if (seed !== null) this.#sensor?.begin(this.#execution.conditions);
  }

  /** @throws InputError when the executor runs on hardware */
  fork(): BranchesEnv {
    requireSimulated(this);
    const copy = new BranchesEnv(this.#problem, this);
    copy.restore(this.snapshot());
    return copy;
  }

  close(): void {
    this.#problem.executor.close();
  }

  /** What `info.actionMask` says. */
  actionMask(): Uint8Array {
    const mask = new Uint8Array(this.actionSpace.n);
    this.#front.choices.forEach((branch, k) => {
      mask[2 * k] = Number(this.#front.fits(branch, 0));
      mask[2 * k + 1] = Number(this.#front.fits(branch, 1));
    });
    mask[mask.length - 1] = Number(this.#front.closable);
    return mask;
  }

  #moveOf(action: number): Move {
    if (!this.actionSpace.contains(action))
      throw new InputError(
        `${this.id}: the action ${describeValue(action)} is not in ${this.actionSpace}.`,
        'Give 2 k + d for the k-th ready branch on device d, or the last action to close the slot.',
      );
    const device = (action & 1) as 0 | 1;
    const closes = action === this.actionSpace.n - 1;
    const branch = this.#front.choices[action >> 1];
    if (closes ? this.#front.closable : branch !== undefined && this.#front.fits(branch, device))
      return closes ? closing : { branch: branch!, device };
    const what = closes
      ? 'the slot cannot be closed'
      : branch === undefined
        ? `there is no ready branch ${action >> 1}`
        : `branch ${branch} does not fit on device ${device}`;
    throw new InputError(`${this.id}: ${what}.`, 'Choose among the actions that info.actionMask allows.');
  }
}
