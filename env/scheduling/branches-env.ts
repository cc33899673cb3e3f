// SparOA/Branches-v0: one inference, slot by slot: which of the branches that are ready start together, on the lanes of the
// CPU and on the accelerator, within a memory budget. The problem of Parallax (arXiv 2512.11532) as an MDP; it decides layer
// by layer, here any ready branch may be chosen, and its plans are among the possible ones.
import { InputError } from '../../base/errors/input-error.js';
import { Stream, type StreamState } from '../../base/random/stream.js';
import type { Conditions } from '../../engine/conditions.js';
import type { CostTable } from '../../engine/device/cost-table.js';
import type { ExecutionError, Executor, Run } from '../../engine/executor.js';
import { Schedule } from '../../engine/schedule.js';
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
import { BranchFront, type BranchInfo, branchInfos, closing, type FrontLimits, type Move } from './branch-front.js';
import { BranchesObservation } from './branches-observation.js';
import type { Scenario } from './scenario.js';
import { bestSingleDeviceMs, failureReturn } from './share-env.js';
import {
  noEpisode,
  originOf,
  renderEpisode,
  renderModesOf,
  requireOrigin,
  requireSimulated,
} from './simulated-episode.js';
import { type Situation, situationless, variantOf } from './situation.js';

/** How the environment presents a scenario. */
export interface BranchesEnvOptions {
  /** Lanes of the CPU, 1 to 6: Parallax uses 6 threads at most. */
  readonly lanes: number;
  /**
   * For branches that run together, in units of the largest branch's memory, at least 1; null: no limit. A ratio, because a
   * number of bytes means something else for each model; `info.budgetBytes` says what it is here.
   */
  readonly budget: number | null;
  /** Ready branches to choose from. */
  readonly window: number;
}

export interface BranchesProblem extends BranchesEnvOptions {
  readonly graph: OperatorGraph;
  readonly executor: Executor;
  /** Estimates for the observation. */
  readonly costs: CostTable;
  /** The regime and the budget are the environment's to say. */
  readonly conditions: Conditions;
  /** What all of it was opened as; without it the environment can be neither varied nor recorded. */
  readonly scenario?: Scenario;
}

/** What never changes, shared by an environment and its forks. */
interface Fixed {
  readonly branches: readonly BranchInfo[];
  readonly limits: FrontLimits;
  readonly conditions: Conditions;
  readonly referenceMs: number;
  readonly observation: BranchesObservation;
}

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
  readonly options: Readonly<Record<keyof BranchesEnvOptions, number | null>>;
  readonly #problem: BranchesProblem;
  readonly #fixed: Fixed;
  readonly #outcome: StepOutcome = { reward: 0, terminated: false, truncated: false };
  /** Per tensor, bit d set where device d has it. */
  readonly #held: Uint8Array;
  #front: BranchFront;
  #stream: Stream | null = null;
  /** Of the episode under way; null before the first. */
  #seed: number | null = null;
  #objectiveMs = 0;
  #return = 0;
  /** On hardware, and where an execution failed: how the episode ended. */
  #result: Trace | ExecutionError | null = null;
  /** Plays on the simulator; holds nothing that the front does not say. */
  #run: Run | null = null;

  /**
   * @param like an environment of the same problem, which shares with this one what never changes
   * @throws InputError when no device runs the model alone
   */
  constructor(problem: BranchesProblem, like: BranchesEnv | null = null) {
    this.#problem = problem;
    this.graph = problem.graph;
    this.options = { lanes: problem.lanes, budget: problem.budget, window: problem.window };
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
    this.observationSpace = new Box(-BranchesObservation.bound, BranchesObservation.bound, [observation.size]);
    this.actionSpace = new Discrete(2 * limits.window + 1);
    this.#held = new Uint8Array(problem.graph.tensors.length);
    this.#front = new BranchFront(branches, limits);
  }

  /** C_ref: latency of the better single device under the same conditions, ms. */
  get referenceMs(): number {
    return this.#fixed.referenceMs;
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
    if (seed !== undefined || !this.#stream) this.#stream = Stream.of(seed ?? this.#fixed.conditions.seed, 'env');
    this.#seed = this.#stream.seed();
    this.#objectiveMs = 0;
    this.#return = 0;
    this.#result = null;
    this.#begin([]);
    const observation = new Float32Array(this.#fixed.observation.size);
    this.#fixed.observation.write(this.#front, this.#held, 0, observation);
    return { observation, info: this.info() };
  }

  step(action: number): StepResult<Float32Array> {
    const observation = new Float32Array(this.#fixed.observation.size);
    const outcome = { ...this.stepInto(action, observation) };
    return { observation, ...outcome, info: this.info() };
  }

  /** @throws InputError when no episode is under way, or the mask forbids the action */
  stepInto(action: number, observation: Float32Array): Readonly<StepOutcome> {
    if (this.#seed === null || this.#front.over) throw noEpisode(this.id, 'step()');
    const move = this.#moveOf(action);
    this.#make(move);
    const before = this.#objectiveMs;
    if (move.branch >= 0) this.#objectiveMs = this.#play();
    const failed = this.#result !== null && 'error' in this.#result;
    const outcome = this.#outcome;
    // 0 - x rather than -x: no time passed is 0, not -0.
    outcome.reward = failed ? failureReturn - this.#return : 0 - (this.#objectiveMs - before) / this.referenceMs;
    outcome.terminated = this.#front.over && !failed;
    outcome.truncated = failed;
    this.#return += outcome.reward;
    this.#fixed.observation.write(this.#front, this.#held, this.#objectiveMs, observation);
    return outcome;
  }

  /** The mask while the episode goes on; at its end `trace` and the `slots` of branches, or why it failed, as `error`. */
  info(): Info {
    const { budgetBytes } = this.#fixed.limits;
    const info = { objectiveMs: this.#objectiveMs, budgetBytes: Number.isFinite(budgetBytes) ? budgetBytes : null };
    if (this.#seed === null) return info;
    if (!this.#front.over) return { ...info, actionMask: this.actionMask() };
    const result = this.#result ?? this.#replayed().finish();
    return 'error' in result ? { error: result } : { ...info, trace: result, slots: this.#front.slots() };
  }

  /** The episode so far. @throws InputError as `renderEpisode` does */
  render(mode: string): string {
    return renderEpisode(this, mode, () => {
      if (this.#seed === null) return null;
      const title = `${this.#front.taken} of ${this.branches.length} branches in ${this.#front.slots().length} slots`;
      return { graph: this.graph, title, trace: this.#replayed().timeline!() };
    });
  }

  /** @throws InputError when the executor runs on hardware */
  snapshot(): EnvState {
    requireSimulated(this);
    return {
      ...originOf(this),
      stream: this.#stream?.state() ?? null,
      seed: this.#seed,
      moves: this.#front.moves.map(({ branch, device }) => [branch, device]),
      objectiveMs: this.#objectiveMs,
      return: this.#return,
      result: this.#result as EnvState | null,
    };
  }

  /** @throws InputError when the executor runs on hardware, or the state is of another graph or other options */
  restore(state: EnvState): void {
    requireOrigin(this, state, originOf(this));
    const { stream, seed, moves, objectiveMs, result } = structuredClone(state) as {
      stream: StreamState | null;
      seed: number | null;
      moves: [number, 0 | 1][];
      objectiveMs: number;
      result: ExecutionError | null;
    };
    this.#stream = stream && Stream.restore(stream);
    this.#seed = seed;
    this.#objectiveMs = objectiveMs;
    this.#return = state.return as number;
    this.#result = result;
    this.#begin(moves.map(([branch, device]) => ({ branch, device })));
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

  #begin(moves: readonly Move[]): void {
    this.#front = new BranchFront(this.branches, this.#fixed.limits);
    for (const { id, producer } of this.graph.tensors) this.#held[id] = Number(producer === null);
    for (const move of moves) this.#make(move);
  }

  #make(move: Move): void {
    this.#front.make(move);
    if (move.branch < 0) return;
    for (const id of this.branches[move.branch]!.units) {
      const { inputs, outputs, onlyOn } = this.graph.units[id]!;
      const bit = 1 << (onlyOn ?? move.device);
      for (const tensor of inputs) this.#held[tensor]! |= bit;
      // Graph outputs return to device 0.
      for (const tensor of outputs) this.#held[tensor]! |= bit | Number(this.graph.tensors[tensor]!.graphOutput);
    }
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

  get #conditions(): Conditions {
    return { ...this.#fixed.conditions, seed: this.#seed! };
  }

  /** The makespan of what has been placed; on hardware 0 until all has been, and then it runs. */
  #play(): number {
    const { executor } = this.#problem;
    if (executor.kind === 'simulated') return this.#replayed().state.clockMs();
    if (!this.#front.over) return 0;
    const { share, lane } = this.#front.placement(this.graph);
    const schedule = Schedule.of(this.graph, share, { order: this.#front.order(), lane });
    this.#result = executor.run(this.graph, schedule, this.#conditions);
    return 'error' in this.#result ? Number.NaN : this.#result.makespanMs;
  }

  /** The simulator's run of what has been placed: the whole schedule so far is played at once. */
  #replayed(): Run {
    this.#run ??= this.#problem.executor.begin(this.graph, this.#conditions);
    const order = this.#front.order();
    const { share, lane } = this.#front.placement(this.graph);
    const shares = order.map((unit) => share[unit]!);
    const lanes = order.map((unit) => lane[unit]!);
    this.#run.restore!({ conditions: this.#conditions, order, shares, lanes, row: [] });
    return this.#run;
  }
}

function fixedOf({ graph, executor, costs, conditions: given, lanes, budget, window }: BranchesProblem): Fixed {
  const branches = branchInfos(graph);
  const largest = branches.reduce((most, { peakBytes }) => Math.max(most, peakBytes), 0);
  const memoryBudgetBytes = budget === null ? null : Math.floor(budget * largest);
  const limits = { lanes, window, budgetBytes: memoryBudgetBytes ?? Number.POSITIVE_INFINITY };
  // No unit needs more than its branch does, so nothing that the masks allow is above the budget alone.
  const conditions: Conditions = { ...given, regime: 'overlap', memoryBudgetBytes };
  const referenceMs = bestSingleDeviceMs({ graph, executor, conditions });
  const observation = new BranchesObservation(graph, branches, limits, costs, referenceMs);
  return { branches, limits, conditions, referenceMs, observation };
}

/** What is wrong with slots: above the budget together, more than there are lanes, or not every branch once. */
function slotViolations(
  branches: readonly BranchInfo[],
  { lanes, budgetBytes }: FrontLimits,
  slots: readonly (readonly number[])[],
): string[] {
  const wrong = slots.flatMap((slot, index) => {
    const bytes = slot.reduce((sum, branch) => sum + branches[branch]!.peakBytes, 0);
    return [
      ...(bytes > budgetBytes ? [`slot ${index} plans for ${bytes} bytes, above the budget of ${budgetBytes}`] : []),
      ...(slot.length > lanes + 1 ? [`slot ${index} has ${slot.length} branches on ${lanes} lanes and device 1`] : []),
    ];
  });
  const ran = slots.flat().sort((a, b) => a - b);
  const once = ran.length === branches.length && ran.every((branch, index) => branch === index);
  return once ? wrong : [...wrong, `${ran.length} branches ran instead of each of ${branches.length} once`];
}
