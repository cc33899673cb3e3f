// The branches placed so far, and their execution: the simulator plays all of them again at each move, hardware runs them
// once, when every branch is placed.
import type { Conditions } from '../../engine/conditions.js';
import type { ExecutionError, Run } from '../../engine/executor.js';
import { Schedule } from '../../engine/schedule.js';
import type { Trace } from '../../engine/trace.js';
import { BranchFront, type Move } from './branch-front.js';
import type { BranchesProblem, FixedBranches } from './branches-problem.js';

export class BranchesExecution {
  front: BranchFront;
  /** Of the episode under way; null before the first. */
  seed: number | null = null;
  /** On hardware, and where an execution failed: how the episode ended. */
  result: Trace | ExecutionError | null = null;
  /** Per tensor, bit d set where device d has it. */
  readonly held: Uint8Array;
  readonly #problem: Pick<BranchesProblem, 'graph' | 'executor'>;
  readonly #fixed: FixedBranches;
  /** Runs on the simulator; its state follows from the front. */
  #run: Run | null = null;

  constructor(problem: Pick<BranchesProblem, 'graph' | 'executor'>, fixed: FixedBranches) {
    this.#problem = problem;
    this.#fixed = fixed;
    this.held = new Uint8Array(problem.graph.tensors.length);
    this.front = new BranchFront(fixed.branches, fixed.limits);
  }

  /** Restarts an episode of this seed and replays the moves. */
  begin(seed: number | null, moves: readonly Move[] = [], result: Trace | ExecutionError | null = null): void {
    this.seed = seed;
    this.result = result;
    this.front = new BranchFront(this.#fixed.branches, this.#fixed.limits);
    for (const { id, producer } of this.#problem.graph.tensors) this.held[id] = Number(producer === null);
    for (const move of moves) this.make(move);
  }

  make(move: Move): void {
    this.front.make(move);
    if (move.branch < 0) return;
    const { units, tensors } = this.#problem.graph;
    for (const id of this.#fixed.branches[move.branch]!.units) {
      const { inputs, outputs, onlyOn } = units[id]!;
      const bit = 1 << (onlyOn ?? move.device);
      for (const tensor of inputs) this.held[tensor]! |= bit;
      // Graph outputs return to device 0.
      for (const tensor of outputs) this.held[tensor]! |= bit | Number(tensors[tensor]!.graphOutput);
    }
  }

  /** The makespan of the branches placed so far; on hardware 0 until all are placed and run. NaN if the execution failed. */
  makespanMs(): number {
    const { graph, executor } = this.#problem;
    if (executor.kind === 'simulated') return this.replayed().state.clockMs();
    if (!this.front.over) return 0;
    const { share, lane } = this.front.placement(graph);
    const schedule = Schedule.of(graph, share, { order: this.front.order(), lane });
    this.result = executor.run(graph, schedule, this.conditions);
    return 'error' in this.result ? Number.NaN : this.result.makespanMs;
  }

  /** The simulator's run of what has been placed: the whole schedule so far is played at once. */
  replayed(): Run {
    const { graph, executor } = this.#problem;
    const conditions = this.conditions;
    this.#run ??= executor.begin(graph, conditions);
    const order = this.front.order();
    const { share, lane } = this.front.placement(graph);
    const shares = order.map((unit) => share[unit]!);
    const lanes = order.map((unit) => lane[unit]!);
    this.#run.restore!({ conditions, order, shares, lanes, row: [] });
    return this.#run;
  }

  /** Of the episode under way. */
  get conditions(): Conditions {
    return { ...this.#fixed.conditions, seed: this.seed! };
  }
}
