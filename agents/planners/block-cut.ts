// Blocks whose branches end in one Concat (Inception, Fire, dense blocks), cut once: device 0 computes what comes to lie
// before the cut, device 1 what comes after it, and the branch that the cut goes through is split. Then neither device waits
// for the other's branches, and nothing has to meet on one of them.
import { type CostTable, wholeUnitMs } from '../../engine/device/cost-table.js';
import { Schedule } from '../../engine/schedule.js';
import { stackedBefore } from '../../models/channels.js';
import type { OperatorGraph } from '../../models/graph.js';
import { channelStep } from '../../models/split.js';

/** Where what leads to the split unit of a branch runs: on a device, or in the same parts as that unit. */
export const upstreamModes = [0, 1, 'split'] as const;
export type UpstreamMode = (typeof upstreamModes)[number];

/**
 * `base` with each block cut where the slower of its two sides is fastest by the cost table.
 * @param mode where the units before a split one run
 */
export function withBlocksCut(graph: OperatorGraph, costs: CostTable, base: Schedule, mode: UpstreamMode): Schedule {
  const share = base.share.slice();
  let order = [...base.order];
  for (const { id, channelReach, splitAxis } of graph.units) {
    if (channelReach !== 'stacked') continue;
    const branches = branchesOf(graph, id);
    const channels = graph.tensors[graph.units[id]!.outputs[0]!]!.shape[splitAxis!]!;
    const cuts = branches.flatMap(({ from, to, units }) => {
      if (graph.units[units.at(-1)!]?.splitAxis !== splitAxis) return [from];
      const step = channelStep(to - from);
      return Array.from({ length: (to - from) / step }, (_, i) => from + i * step);
    });
    const plans = cuts.map((cut) => cutAt(graph, branches, cut, mode));
    const times = plans.map((plan) => slowerSideMs(graph, costs, plan));
    const best = times.indexOf(Math.min(...times));
    if (best < 0) continue;
    for (const { unit, share: own } of plans[best]!) share[unit] = own;
    share[id] = 1 - cuts[best]! / channels;
    const block = inOrder(plans[best]!);
    // Nothing but the Concat reads of the block's units, so that they can all wait for the last thing that one of them reads.
    order = order.filter((unit) => !block.includes(unit));
    order.splice(order.indexOf(id), 0, ...block);
  }
  return Schedule.of(graph, share, { order, lane: base.lane });
}

/** A branch: the units that lead to nothing but one input of the Concat, and where its channels [from, to) lie there. */
interface Branch {
  readonly units: readonly number[];
  readonly from: number;
  readonly to: number;
}

function branchesOf(graph: OperatorGraph, concat: number): Branch[] {
  const { inputs, splitAxis } = graph.units[concat]!;
  return inputs.map((tensor) => {
    const from = stackedBefore(graph, concat, tensor);
    const units = new Set<number>();
    const visit = (each: number, readers: (unit: number) => boolean): void => {
      const { producer, consumers, graphOutput } = graph.tensors[each]!;
      if (producer === null || graphOutput || !consumers.every(readers)) return;
      if (!graph.units[producer]!.outputs.every((output) => graph.tensors[output]!.consumers.every(readers))) return;
      units.add(producer);
      for (const input of graph.units[producer]!.inputs) visit(input, (unit) => units.has(unit));
    };
    visit(tensor, (unit) => unit === concat);
    const size = graph.tensors[tensor]!.shape[splitAxis!]!;
    return { units: [...units].sort((a, b) => a - b), from, to: from + size };
  });
}

interface Placed {
  readonly unit: number;
  readonly share: number;
  /** Whether the cut goes through its branch, and it is not the last unit there. */
  readonly upstream: boolean;
}

function cutAt(graph: OperatorGraph, branches: readonly Branch[], cut: number, mode: UpstreamMode): Placed[] {
  return branches.flatMap(({ units, from, to }) => {
    const behind = Math.min(1, Math.max(0, (to - cut) / (to - from)));
    const whole = behind === 0 || behind === 1;
    return units.map((unit, position) => {
      const { onlyOn, splitAxis } = graph.units[unit]!;
      const upstream = !whole && position < units.length - 1;
      const wanted = upstream && mode !== 'split' ? mode : behind;
      return { unit, upstream, share: onlyOn ?? (splitAxis === null ? Math.round(wanted) : wanted) };
    });
  });
}

/** Time of the slower device, each with its parts and with what has to move between units of one branch. */
function slowerSideMs(graph: OperatorGraph, costs: CostTable, plan: readonly Placed[]): number {
  const shareOf = new Map(plan.map(({ unit, share }) => [unit, share]));
  const sidesMs = [0, 0];
  let movingMs = 0;
  for (const { unit, share } of plan) {
    for (const device of [0, 1] as const) {
      const part = device === 0 ? 1 - share : share;
      if (part === 1) sidesMs[device]! += wholeUnitMs(costs, unit, device);
      else if (part > 0) sidesMs[device]! += costs.launchMs(device) + costs.unitMs(unit, device, part);
      if (part === 0) continue;
      for (const tensor of graph.units[unit]!.inputs) {
        const made = shareOf.get(graph.tensors[tensor]!.producer ?? -1);
        const lacking = made === undefined ? 0 : device === 0 ? made : 1 - made;
        // Cut alike, a unit that reads channel by channel would lack nothing; convolutions read everything.
        if (lacking > 0) movingMs += costs.transferMs(tensor, device, lacking);
      }
    }
  }
  return Math.max(...sidesMs) + movingMs;
}

/** What a device waits for first, then what it can do meanwhile, then the split units, then the rest. */
function inOrder(plan: readonly Placed[]): number[] {
  const first = plan.filter(({ upstream }) => upstream);
  const device = first[0]?.share ?? 0;
  const split = plan.filter(({ share, upstream }) => !upstream && share > 0 && share < 1);
  const whole = plan.filter(({ share, upstream }) => !upstream && (share === 0 || share === 1));
  return [
    ...first,
    ...whole.filter(({ share }) => share !== device),
    ...split,
    ...whole.filter(({ share }) => share === device),
  ].map(({ unit }) => unit);
}
