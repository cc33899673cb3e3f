// CoDL: Jia et al., "CoDL: Efficient CPU-GPU Co-execution for Deep Learning Inference on Mobile Devices", MobiSys 2022;
// github.com/csu-eis/CoDL. Both devices work on one operator: the CPU on a part of its output,
// the GPU on the rest; operators that follow each other may share one ratio, so that their data stay where they are.
import { Schedule } from '../../engine/schedule.js';
import { SerialKernel } from '../../engine/simulator/serial-kernel.js';
import type { OperatorGraph, Unit } from '../../models/graph.js';
import { fractionRead, fractionSlack } from '../../models/parts/channels.js';
import type { CostTable } from '../../predictor/cost-table.js';
import type { Planner } from './planner.js';

/** Ratios are tenths: 0 is device 0 alone, 1 device 1 alone. */
const ratioSteps = 10;
/** A chain's ratio differs from the best one of its first operator by no more than so many tenths. */
const mostTenthsFromHead = 3;
/** A chain is shorter than this. */
const longestChain = 30;
/** Convolution, pooling and fully connected layers, which CoDL runs on both devices. */
const coExecuted: ReadonlySet<string> = new Set(['conv', 'depthwise-conv', 'pool', 'gemm', 'matmul']);

/**
 * The paper also splits along the height. Executors here split along output channels only, so that a part of a dense
 * convolution reads all channels: within a chain, what it lacks is charged. Units that CoDL does not run on both devices go
 * where they finish first, given where their inputs lie.
 */
export const codl: Planner = ({ graph, costs, whole = false }) => {
  const chains = chainsOf(graph, costs, whole);
  const ratios = new Map(chains.flatMap(({ units, ratio }) => units.map((unit) => [unit, ratio])));
  const kernel = new SerialKernel(graph, costs);
  const state = new Float64Array(kernel.rowLength);
  kernel.reset(state);
  const share = graph.units.map(({ id, onlyOn }) => {
    const finishMs = (device: 0 | 1) => kernel.inputsMoveMs(state, id, device) + kernel.unitMs(id, device);
    const chosen = ratios.get(id) ?? onlyOn ?? Number(finishMs(1) < finishMs(0));
    kernel.decide(state, id, chosen);
    return chosen;
  });
  return Schedule.of(graph, share);
};

/** Units in a row that share one ratio. */
export interface Chain {
  readonly units: readonly number[];
  readonly ratio: number;
}

/**
 * Chains in graph order, each by greedy search from its first unit. The gain of a chain is the time of its units with the best
 * ratio of each, one by one, less the time of the chain. For each ratio near the best one of the first unit, the chain
 * grows while its gain is not negative and does not shrink; the ratio and length of most gain are taken.
 */
export function chainsOf(graph: OperatorGraph, costs: CostTable, whole: boolean): Chain[] {
  const alone = graph.units.map((unit) => (runsOnBoth(unit) ? bestAlone(graph, costs, unit, whole) : null));
  const chains: Chain[] = [];
  for (const [head, own] of alone.entries()) {
    if (!own || chains.at(-1)?.units.includes(head)) continue;
    let best: Chain & { readonly gainMs: number } = { units: [head], ratio: own.ratio, gainMs: 0 };
    for (const ratio of ratiosOf(graph.units[head]!, whole)) {
      if (Math.round(ratioSteps * Math.abs(ratio - own.ratio)) > mostTenthsFromHead) continue;
      const units = [head];
      let aloneMs = own.ms;
      let gainMs = Number.NEGATIVE_INFINITY;
      for (let next = head + 1; units.length + 1 < longestChain; next++) {
        const other = alone[next];
        if (!other || !reads(graph, next, next - 1) || !ratiosOf(graph.units[next]!, whole).includes(ratio)) break;
        aloneMs += other.ms;
        const longerMs = aloneMs - chainMs(graph, costs, [...units, next], ratio);
        if (longerMs < 0 || longerMs < gainMs) break;
        gainMs = longerMs;
        units.push(next);
        if (gainMs > best.gainMs) best = { units: [...units], ratio, gainMs };
      }
    }
    chains.push({ units: best.units, ratio: best.ratio });
  }
  return chains;
}

/**
 * T = T_transform + T_map + T_sync + max(T_cpu, T_gpu): moves to the devices and back to device 0,
 * one synchronisation, and for each unit the slower part. Moves are charged at the ends of the chain, and inside for what a
 * part reads and its device lacks.
 */
export function chainMs(graph: OperatorGraph, costs: CostTable, units: readonly number[], ratio: number): number {
  const parts = [1 - ratio, ratio] as const;
  /** By tensor: the fraction that each device holds. */
  const held = new Map<number, [number, number]>();
  let ms = ratio > 0 ? costs.syncMs : 0;
  for (const unit of units) {
    const { inputs, outputs } = graph.units[unit]!;
    for (const tensor of inputs) {
      const its = held.get(tensor) ?? [1, 0];
      for (const device of [0, 1] as const) {
        if (parts[device] === 0) continue;
        const needed = fractionRead(graph, unit, tensor, device, parts[device]);
        if (needed - its[device] <= fractionSlack) continue;
        ms += costs.transferMs(tensor, device, needed - its[device]);
        its[device] = needed;
      }
      held.set(tensor, its);
    }
    const partMs = ([0, 1] as const).map((device) =>
      parts[device] === 0 ? 0 : costs.launchMs(device) + costs.unitMs(unit, device, parts[device]),
    );
    ms += Math.max(...partMs);
    for (const tensor of outputs) held.set(tensor, [...parts]);
  }
  for (const tensor of units.flatMap((unit) => graph.units[unit]!.outputs)) {
    const { consumers, graphOutput } = graph.tensors[tensor]!;
    const missing = 1 - held.get(tensor)![0];
    const leaves = graphOutput || consumers.length === 0 || consumers.some((unit) => !units.includes(unit));
    if (leaves && missing > fractionSlack) ms += costs.transferMs(tensor, 0, missing);
  }
  return ms;
}

const runsOnBoth = ({ opClass, onlyOn }: Unit): boolean => onlyOn === null && coExecuted.has(opClass);

const reads = ({ units, tensors }: OperatorGraph, unit: number, from: number): boolean =>
  units[unit]!.inputs.some((tensor) => tensors[tensor]!.producer === from);

function ratiosOf({ splitAxis }: Unit, whole: boolean): readonly number[] {
  const steps = whole || splitAxis === null ? 1 : ratioSteps;
  return Array.from({ length: steps + 1 }, (_, step) => step / steps);
}

/** The ratio with which a unit by itself ends first; of equal ones the least. */
function bestAlone(graph: OperatorGraph, costs: CostTable, unit: Unit, whole: boolean): { ratio: number; ms: number } {
  return ratiosOf(unit, whole)
    .map((ratio) => ({ ratio, ms: chainMs(graph, costs, [unit.id], ratio) }))
    .reduce((a, b) => (b.ms < a.ms ? b : a));
}
