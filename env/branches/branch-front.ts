// The state of an execution by branches: which branches have run, which run together now, and which could join them. It has
// no times. A slot is a set of branches that start together, as in engine/memory/branch-plan.ts.
import { type Branch, branchesOf } from '../../engine/memory/branches.js';
import type { OperatorGraph } from '../../models/graph.js';
import { localArena } from '../../predictor/arenas/local-arena.js';

/** A branch, with the values that decisions need. */
export interface BranchInfo extends Branch {
  /** M of Parallax: bytes that the branch reserves while it runs. */
  readonly peakBytes: number;
  /** Branches whose outputs it reads. */
  readonly before: readonly number[];
  /** Tensors that it reads of others, graph inputs too. */
  readonly reads: readonly number[];
  /** Whether device 0 and device 1 can run any of its units; units that only the other device can run go there anyway. */
  readonly on: readonly [boolean, boolean];
}

/** A graph's branches, by layer and then by first unit. */
export function branchInfos(graph: OperatorGraph): BranchInfo[] {
  const branches = branchesOf(graph);
  const branchOf = new Int32Array(graph.units.length);
  branches.forEach(({ units }, index) => {
    for (const unit of units) branchOf[unit] = index;
  });
  return branches.map((branch, index): BranchInfo => {
    const units = branch.units.map((unit) => graph.units[unit]!);
    const foreign = (tensor: number): boolean => {
      const { producer } = graph.tensors[tensor]!;
      return producer === null || branchOf[producer] !== index;
    };
    const reads = [...new Set(units.flatMap(({ inputs }) => inputs.filter(foreign)))];
    const before = reads.flatMap((tensor) => {
      const { producer } = graph.tensors[tensor]!;
      return producer === null ? [] : [branchOf[producer]!];
    });
    return {
      ...branch,
      peakBytes: localArena(graph, branch.units).peakBytes,
      before: [...new Set(before)],
      reads,
      on: [units.some(({ onlyOn }) => onlyOn !== 1), units.some(({ onlyOn }) => onlyOn !== 0)],
    };
  });
}

export interface FrontLimits {
  /** Lanes of device 0; device 1 has one. */
  readonly lanes: number;
  /** Memory limit for the branches of a slot together; at least the largest branch's. */
  readonly budgetBytes: number;
  /** Ready branches that can be chosen from: the first ones, by layer and first unit. */
  readonly window: number;
}

/** One decision: a branch joins the open slot on a device, or (branch -1) the slot is closed. */
export interface Move {
  readonly branch: number;
  readonly device: 0 | 1;
}

export const closing: Move = { branch: -1, device: 0 };

export class BranchFront {
  /** All moves so far; with these a front is rebuilt. */
  readonly moves: Move[] = [];
  /** Branches of the open slot, in the order they joined. */
  readonly open: number[] = [];
  /** The first branches that are ready and not yet chosen; at most `window`. */
  readonly choices: number[] = [];
  /** Number of ready branches beyond `window`. */
  hidden = 0;
  /** Of the open slot. */
  openBytes = 0;
  cpuLanesTaken = 0;
  acceleratorTaken = false;
  /** Index of the open slot. */
  slot = 0;
  taken = 0;
  readonly #branches: readonly BranchInfo[];
  readonly #limits: FrontLimits;
  /** Per branch; -1 before it is chosen. */
  readonly #slotOf: Int32Array;
  readonly #deviceOf: Uint8Array;
  readonly #laneOf: Uint8Array;

  constructor(branches: readonly BranchInfo[], limits: FrontLimits) {
    this.#branches = branches;
    this.#limits = limits;
    this.#slotOf = new Int32Array(branches.length).fill(-1);
    this.#deviceOf = new Uint8Array(branches.length);
    this.#laneOf = new Uint8Array(branches.length);
    this.#findChoices();
  }

  /** A front after these moves, which must have been legal. */
  static after(branches: readonly BranchInfo[], limits: FrontLimits, moves: readonly Move[]): BranchFront {
    const front = new BranchFront(branches, limits);
    for (const move of moves) front.make(move);
    return front;
  }

  get over(): boolean {
    return this.taken === this.#branches.length;
  }

  /** Whether a ready branch may join the open slot on the device: a free lane, and memory within the budget. */
  fits(branch: number, device: 0 | 1): boolean {
    const { on, peakBytes } = this.#branches[branch]!;
    const free = device === 0 ? this.cpuLanesTaken < this.#limits.lanes : !this.acceleratorTaken;
    return free && on[device] && this.openBytes + peakBytes <= this.#limits.budgetBytes;
  }

  /** Whether the slot may be closed: there is something in it, and something else could still join. */
  get closable(): boolean {
    return this.open.length > 0 && this.#canGrow();
  }

  /** Makes a legal move. A slot that no branch can join any more is closed. */
  make(move: Move): void {
    this.moves.push(move);
    if (move.branch < 0) {
      this.#close();
      return;
    }
    const { branch, device } = move;
    this.#slotOf[branch] = this.slot;
    this.#deviceOf[branch] = device;
    this.#laneOf[branch] = device === 0 ? this.cpuLanesTaken++ : 0;
    if (device === 1) this.acceleratorTaken = true;
    this.openBytes += this.#branches[branch]!.peakBytes;
    this.open.push(branch);
    this.taken++;
    this.#findChoices();
    if (!this.#canGrow()) this.#close();
  }

  #canGrow(): boolean {
    for (const branch of this.choices) if (this.fits(branch, 0) || this.fits(branch, 1)) return true;
    return false;
  }

  #close(): void {
    this.open.length = 0;
    this.openBytes = 0;
    this.cpuLanesTaken = 0;
    this.acceleratorTaken = false;
    this.slot++;
    this.#findChoices();
  }

  #findChoices(): void {
    this.choices.length = 0;
    this.hidden = 0;
    for (let index = 0; index < this.#branches.length; index++) {
      if (this.#slotOf[index] !== -1 || !this.#isReady(index)) continue;
      if (this.choices.length < this.#limits.window) this.choices.push(index);
      else this.hidden++;
    }
  }

  /** Whether all branches that it reads ran in closed slots. */
  #isReady(index: number): boolean {
    for (const other of this.#branches[index]!.before) {
      const slot = this.#slotOf[other]!;
      if (slot === -1 || slot === this.slot) return false;
    }
    return true;
  }

  /** Branches of each slot so far, the open one too. */
  slots(): number[][] {
    const slots: number[][] = [];
    for (const { branch } of this.moves) if (branch >= 0) (slots[this.#slotOf[branch]!] ??= []).push(branch);
    return slots;
  }

  /** The device of a chosen branch. */
  deviceOf(branch: number): 0 | 1 {
    return this.#deviceOf[branch] as 0 | 1;
  }

  /**
   * Units so far, in an order for `Schedule.of`: slot by slot; within one the first units of all branches, then the second
   * ones, device 1's first and lane 0's last, so that on real lanes nothing is joined across branches that run together.
   */
  order(): number[] {
    const placed = this.moves.flatMap(({ branch }) =>
      branch < 0 ? [] : this.#branches[branch]!.units.map((unit, turn) => ({ unit, turn, branch })),
    );
    const [slot, device, lane] = [this.#slotOf, this.#deviceOf, this.#laneOf];
    placed.sort(
      (a, b) =>
        slot[a.branch]! - slot[b.branch]! ||
        a.turn - b.turn ||
        device[b.branch]! - device[a.branch]! ||
        lane[b.branch]! - lane[a.branch]!,
    );
    return placed.map(({ unit }) => unit);
  }

  /** For each unit of the chosen branches: the share on device 1, and the lane of device 0. */
  placement(graph: OperatorGraph): { readonly share: Float32Array; readonly lane: Uint8Array } {
    const share = new Float32Array(graph.units.length);
    const lane = new Uint8Array(graph.units.length);
    this.#branches.forEach(({ units }, branch) => {
      if (this.#slotOf[branch] === -1) return;
      for (const unit of units) {
        share[unit] = graph.units[unit]!.onlyOn ?? this.#deviceOf[branch]!;
        lane[unit] = share[unit] === 1 ? 0 : this.#laneOf[branch]!;
      }
    });
    return { share, lane };
  }
}
