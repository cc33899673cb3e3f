// Enforces a memory budget: segments that could run side by side but do not fit together run one after the other. Parallax's
// scheduler runs the largest set of a layer's branches that fits, and the rest in sequence. A schedule has no layers, so here
// each segment, in the schedule's order, waits for the heaviest segments that it could run beside, until the others fit.
import type { OperatorGraph } from '../../models/graph.js';
import { localArena } from '../../predictor/arenas/local-arena.js';
import type { ExecutionError } from '../executor.js';
import type { Lane } from '../trace.js';
import { HappenedBefore } from './happened-before.js';
import type { Segment } from './segments.js';

/** The memory of a segment while it computes, Parallax's M: its intermediates' arena and the tensors it hands out, in bytes. */
export function segmentPeakBytes(graph: OperatorGraph, { units, fraction }: Segment): number {
  return Math.ceil(localArena(graph, units).peakBytes * fraction);
}

/**
 * Per segment, the earlier ones (by index) that it has to wait for so that no segments that compute at the same time plan
 * for more than the budget together; an error when one does alone.
 * @param segments by their first unit in the schedule's order, each after those it reads from
 */
export function budgetWaits(
  graph: OperatorGraph,
  segments: readonly Segment[],
  lanes: readonly Lane[],
  budgetBytes: number,
): readonly (readonly number[])[] | ExecutionError {
  const peakBytes = segments.map((segment) => segmentPeakBytes(graph, segment));
  const large = peakBytes.findIndex((bytes) => bytes > budgetBytes);
  if (large >= 0) return tooLarge(graph, segments[large]!, lanes, peakBytes[large]!, budgetBytes);

  const order = new HappenedBefore(lanes.length);
  const writers = graph.units.map((): number[] => []);
  return segments.map(({ lane, units }, index) => {
    const after = units.flatMap((unit) =>
      graph.units[unit]!.inputs.flatMap((tensor) => writers[graph.tensors[tensor]!.producer ?? -1] ?? []),
    );
    const waits: number[] = [];
    for (;;) {
      const clock = order.clock(lane, [...after, ...waits]);
      // Segments of one lane never run side by side: the heaviest of each lane stands for all of its own.
      const beside = lanes.flatMap((_, other) => {
        const open = peakBytes.flatMap((_, each) =>
          each < index && other !== lane && segments[each]!.lane === other && !order.over(each, clock) ? [each] : [],
        );
        return open.length > 0 ? [heaviest(open, peakBytes)] : [];
      });
      const together = beside.reduce((sum, each) => sum + peakBytes[each]!, peakBytes[index]!);
      if (together <= budgetBytes) break;
      waits.push(heaviest(beside, peakBytes));
    }
    order.add(lane, [...after, ...waits]);
    for (const unit of units) writers[unit]!.push(index);
    // Who waits for the later one has waited for the earlier one.
    return waits.filter((each) => !waits.some((other) => order.before(each, other)));
  });
}

/** The first of those with the most bytes. */
function heaviest(segments: readonly number[], peakBytes: readonly number[]): number {
  return segments.reduce((best, each) => (peakBytes[each]! > peakBytes[best]! ? each : best));
}

function tooLarge(
  graph: OperatorGraph,
  { units, lane }: Segment,
  lanes: readonly Lane[],
  bytes: number,
  budgetBytes: number,
): ExecutionError {
  const [first] = units;
  const { device, id } = lanes[lane]!;
  const others = units.length > 1 ? ` and ${units.length - 1} more in one segment` : '';
  return {
    error: `unit ${first} "${graph.units[first!]!.name}"${others} on device ${device} (${id}): ${bytes} bytes planned, more than the memory budget of ${budgetBytes}`,
    unit: first!,
    device,
  };
}
