// The observation of SparOA/Branches-v0: for every branch that can be chosen its costs, memory and moves, for the open slot
// the free lanes and memory, and progress; on request the board's state. Costs are estimates of each branch alone; no planner's decision is included. The
// size depends on the window only, so that models can be exchanged.

import type { OperatorGraph } from '../../models/graph.js';
import { type CostTable, wholeUnitMs } from '../../predictor/cost-table.js';
import { type BoardReading, bounded } from '../observations/observation-block.js';
import { positionNames, writePosition } from '../observations/position-code.js';
import { boardState } from '../observations/state-block.js';
import type { BranchFront, BranchInfo, FrontLimits } from './branch-front.js';

const choiceFeatures = [
  'present',
  'fitsOnDevice0',
  'fitsOnDevice1',
  'logMsOnDevice0',
  'logMsOnDevice1',
  'msDifference',
  'moveInputsTo0',
  'moveInputsTo1',
  'remaining',
  'memory',
  'logOperators',
  'logFlops',
] as const;
const slotFeatures = [
  'closable',
  'slotBranches',
  'lanesFree',
  'device1Free',
  'memoryLeft',
  'slotMsOnDevice0',
  'slotMsOnDevice1',
  'lightestFlops',
  'hidden',
  'elapsed',
  'progress',
] as const;

/** The blocks, in the order in which columns stand, whatever the order of their names. */
export const branchesBlocks = ['ready', 'slot', 'position', 'state'] as const;
export type BranchesBlock = (typeof branchesBlocks)[number];
export const defaultBranchesBlocks: readonly BranchesBlock[] = ['ready', 'slot', 'position'];

export class BranchesObservation {
  readonly names: readonly string[];
  readonly size: number;
  /** Whether `write` needs a reading of the board's sensors. */
  readonly senses: boolean;
  /** Of each block the first column, -1 where it is not observed. */
  readonly #at: Readonly<Record<BranchesBlock, number>>;
  readonly #branches: readonly BranchInfo[];
  readonly #limits: FrontLimits;
  readonly #costs: CostTable;
  readonly #referenceMs: number;
  /** A typical branch's time: the unit of times. */
  readonly #scaleMs: number;
  readonly #typicalFlops: number;
  /** The unit of memory if memory is not limited. */
  readonly #memoryBytes: number;
  /** Per branch and device, alone. */
  readonly #ms: readonly (readonly [number, number])[];
  /** Per branch: the longest way from its start to the end, each branch on its better device. */
  readonly #remainingMs: Float64Array;

  /**
   * @param referenceMs latency of the better single device
   * @param blocks what is observed
   */
  constructor(
    graph: OperatorGraph,
    branches: readonly BranchInfo[],
    limits: FrontLimits,
    costs: CostTable,
    referenceMs: number,
    blocks: readonly BranchesBlock[],
  ) {
    this.#branches = branches;
    this.#limits = limits;
    this.#costs = costs;
    this.#referenceMs = referenceMs;
    this.#scaleMs = referenceMs / branches.length;
    this.#typicalFlops = 1 + branches.reduce((sum, { flops }) => sum + flops, 0) / branches.length;
    const largest = branches.reduce((most, { peakBytes }) => Math.max(most, peakBytes), 1);
    this.#memoryBytes = Number.isFinite(limits.budgetBytes) ? limits.budgetBytes : limits.lanes * largest;
    this.#ms = branches.map(({ units }) => {
      const on = (device: 0 | 1): number =>
        units.reduce((sum, unit) => sum + wholeUnitMs(costs, unit, graph.units[unit]!.onlyOn ?? device), 0);
      return [on(0), on(1)];
    });
    this.#remainingMs = new Float64Array(branches.length);
    for (let index = branches.length - 1; index >= 0; index--) {
      const fromHere = this.#remainingMs[index]! + Math.min(...this.#ms[index]!);
      this.#remainingMs[index] = fromHere;
      for (const other of branches[index]!.before)
        this.#remainingMs[other] = Math.max(this.#remainingMs[other]!, fromHere);
    }
    const names: Readonly<Record<BranchesBlock, readonly string[]>> = {
      ready: Array.from({ length: limits.window }, (_, k) => choiceFeatures.map((name) => `ready${k}.${name}`)).flat(),
      slot: slotFeatures,
      position: positionNames,
      state: boardState.names,
    };
    let at = 0;
    this.#at = { ready: -1, slot: -1, position: -1, state: -1 };
    const chosen = branchesBlocks.filter((block) => blocks.includes(block));
    for (const block of chosen) {
      this.#at = { ...this.#at, [block]: at };
      at += names[block].length;
    }
    this.names = chosen.flatMap((block) => names[block]);
    this.size = this.names.length;
    this.senses = blocks.includes('state');
  }

  /**
   * Writes the observation of a front.
   * @param held per tensor, bit d set where device d has it
   * @param objectiveMs partial makespan; 0 on hardware until all has run
   * @param board the reading of the board's sensors, where it is observed
   */
  write(
    front: BranchFront,
    held: Uint8Array,
    objectiveMs: number,
    out: Float32Array,
    board: BoardReading | null = null,
  ): void {
    out.fill(0);
    const { ready, slot, position, state } = this.#at;
    if (ready >= 0) this.#writeReady(front, held, out, ready);
    if (slot >= 0) this.#writeSlot(front, objectiveMs, out, slot);
    if (position >= 0 && !front.over) writePosition(front.taken / this.#branches.length, out, position);
    if (state >= 0) out.set(board!, state);
    for (let i = 0; i < out.length; i++) out[i] = bounded(out[i]!);
  }

  #writeReady(front: BranchFront, held: Uint8Array, out: Float32Array, start: number): void {
    const scale = this.#scaleMs;
    front.choices.forEach((branch, k) => {
      let at = start + k * choiceFeatures.length;
      const { peakBytes, units, flops, reads } = this.#branches[branch]!;
      const [on0, on1] = this.#ms[branch]!;
      out[at++] = 1;
      out[at++] = Number(front.fits(branch, 0));
      out[at++] = Number(front.fits(branch, 1));
      out[at++] = Math.log(on0 / scale + 1e-6) / 2;
      out[at++] = Math.log(on1 / scale + 1e-6) / 2;
      out[at++] = Math.asinh((on0 - on1) / scale);
      for (const device of [0, 1]) {
        let moveMs = 0;
        for (const tensor of reads)
          if ((held[tensor]! & (1 << device)) === 0) moveMs += this.#costs.transferMs(tensor, device);
        out[at++] = Math.asinh(moveMs / scale);
      }
      out[at++] = this.#remainingMs[branch]! / this.#referenceMs;
      out[at++] = peakBytes / this.#memoryBytes;
      out[at++] = Math.log(units.length);
      out[at++] = Math.log((1 + flops) / this.#typicalFlops) / 2;
    });
  }

  #writeSlot(front: BranchFront, objectiveMs: number, out: Float32Array, start: number): void {
    let lightest = Number.POSITIVE_INFINITY;
    const slotMs = [0, 0];
    for (const branch of front.open) {
      const device = front.deviceOf(branch);
      slotMs[device] = Math.max(slotMs[device]!, this.#ms[branch]![device]);
      lightest = Math.min(lightest, this.#branches[branch]!.flops);
    }
    let at = start;
    out[at++] = Number(front.closable);
    out[at++] = front.open.length;
    out[at++] = 1 - front.cpuLanesTaken / this.#limits.lanes;
    out[at++] = Number(!front.acceleratorTaken);
    out[at++] = 1 - front.openBytes / this.#memoryBytes;
    out[at++] = Math.asinh(slotMs[0]! / this.#scaleMs);
    out[at++] = Math.asinh(slotMs[1]! / this.#scaleMs);
    out[at++] = front.open.length > 0 ? Math.log((1 + lightest) / this.#typicalFlops) / 2 : 0;
    out[at++] = Math.log1p(front.hidden);
    out[at++] = objectiveMs / this.#referenceMs;
    out[at++] = front.taken / this.#branches.length;
  }
}
