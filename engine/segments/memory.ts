// The memory of lanes while a program runs: each lane's copies of tensors, and each segment's intermediates. Two buffers may
// share memory only if one is certainly dead before the other begins, whatever the lanes' speed.
import type { OperatorGraph } from '../../models/graph.js';
import { planArena } from '../../predictor/arenas/arena.js';
import { localArena } from '../../predictor/arenas/local-arena.js';
import type { Lane, Trace } from '../trace.js';
import { HappenedBefore } from './happened-before.js';
import type { Operation, Span, TensorSlot } from './operations.js';
import { inputsOf, outputsOf, type Segment } from './segments.js';

/** Kept by a lane from its operation `from` to its operation `to`, both included. */
export interface LaneBuffer {
  readonly lane: number;
  /** Null: the intermediates of a segment, planned as an arena. */
  readonly tensor: number | null;
  /** Its largest size: of a split unit's output the part computed here, and the other part if it arrives. */
  readonly bytes: number;
  /** -1: from the start, a graph input. */
  readonly from: number;
  /** The number of the lane's operations: to the end, a graph output. */
  readonly to: number;
}

/** The buffers of a program whose lane 0 has the graph inputs and gets the graph outputs. */
export function buffersOf(
  graph: OperatorGraph,
  operations: readonly (readonly Operation[])[],
  segments: readonly Segment[],
  slots: readonly TensorSlot[],
): LaneBuffer[] {
  const segmentOf = new Map(segments.map((segment) => [segment.key, segment]));
  const tensorOf = new Map(graph.tensors.map(({ id, name }) => [name, id]));
  return operations.flatMap((own, lane) => {
    const kept = new Map<number, { bytes: number; from: number; to: number }>();
    const arenas: LaneBuffer[] = [];
    const use = (tensor: number, at: number, written = 0): void => {
      const buffer = kept.get(tensor);
      const { bytes, producer } = graph.tensors[tensor]!;
      if (!buffer && producer === null && lane === 0) kept.set(tensor, { bytes, from: -1, to: at });
      else if (!buffer) kept.set(tensor, { bytes: written, from: at, to: at });
      else Object.assign(buffer, { bytes: buffer.bytes + written, to: at });
    };
    own.forEach((operation, at) => {
      if (operation.kind === 'run') {
        const segment = segmentOf.get(operation.key)!;
        const { units, fraction } = segment;
        for (const tensor of inputsOf(graph, segment)) use(tensor, at);
        const { arenaBytes, offsets } = localArena(graph, units);
        if (arenaBytes > 0)
          arenas.push({ lane, tensor: null, bytes: Math.ceil(arenaBytes * fraction), from: at, to: at });
        for (const tensor of outputsOf(graph, segment))
          if (!offsets.has(tensor)) use(tensor, at, graph.tensors[tensor]!.bytes * fraction);
      } else if (operation.kind === 'in' || operation.kind === 'out') {
        const { rows, length } = operation.region;
        use(tensorOf.get(slots[operation.slot]!.name)!, at, operation.kind === 'in' ? rows * length : 0);
      }
    });
    const end = own.length;
    const tensors = [...kept].map(([tensor, { bytes, from, to }]): LaneBuffer => {
      const stays = lane === 0 && graph.tensors[tensor]!.graphOutput;
      return { lane, tensor, bytes: Math.round(bytes), from, to: stays ? end : to };
    });
    return [...tensors, ...arenas];
  });
}

/** Bytes of each device's arena for its lanes' buffers, and each buffer's offset in that of its device. */
export interface ProgramArenas {
  readonly peakBytes: readonly [number, number];
  readonly offsets: readonly number[];
}

/** Plans one arena per device for the buffers that its lanes may keep at the same time. */
export function planArenas(
  operations: readonly (readonly Operation[])[],
  buffers: readonly LaneBuffer[],
  lanes: readonly Lane[],
): ProgramArenas {
  const { order, events, count } = orderOf(operations);
  // Events are numbered in an order in which they may happen.
  const placed = buffers.map(({ lane, bytes, from, to }, index) => ({
    index,
    device: lanes[lane]!.device,
    bytes,
    from: events[lane]![from]?.begin ?? -1,
    to: events[lane]![to]?.end ?? count,
  }));
  type Placed = (typeof placed)[number];
  const before = (a: Placed, b: Placed): boolean => a.to < count && b.from >= 0 && order.before(a.to, b.from);
  const offsets = new Array<number>(buffers.length).fill(0);
  const peakOf = (device: 0 | 1): number => {
    const own = placed.filter((each) => each.device === device);
    const plan = planArena(own, (a, b) => !before(a, b) && !before(b, a));
    own.forEach(({ index }, i) => {
      offsets[index] = plan.offsets[i]!;
    });
    return plan.peakBytes;
  };
  return { peakBytes: [peakOf(0), peakOf(1)], offsets };
}

/** The numbers of the events of an operation: one, but for a fetch, which may begin while the tensor is sent. */
interface OperationEvents {
  readonly begin: number;
  readonly end: number;
}

/** A program's operations as events, of which there are `count`. */
function orderOf(operations: readonly (readonly Operation[])[]): {
  readonly order: HappenedBefore;
  readonly events: readonly (readonly OperationEvents[])[];
  readonly count: number;
} {
  const order = new HappenedBefore(operations.length);
  const events: OperationEvents[][] = operations.map(() => []);
  const raised = new Map<number, number>();
  const left = (): number => operations.reduce((sum, own, lane) => sum + own.length - events[lane]!.length, 0);
  let count = 0;
  for (let before = left(); before > 0; before = left()) {
    operations.forEach((own, lane) => {
      for (let next = own[events[lane]!.length]; next; next = own[events[lane]!.length]) {
        const awaited = next.kind === 'in' || next.kind === 'wait' ? raised.get(next.flag) : -1;
        if (awaited === undefined) return;
        const begin = next.kind === 'in' ? order.add(lane, [], [awaited]) : -1;
        const end = order.add(lane, awaited < 0 ? [] : [awaited]);
        count = end + 1;
        if (next.kind === 'out' || next.kind === 'signal') raised.set(next.flag, end);
        events[lane]!.push({ begin: begin < 0 ? end : begin, end });
      }
    });
    if (left() === before) throw new Error('lanes wait for each other in a circle');
  }
  return { order, events, count };
}

/**
 * Bytes that the buffers take per device over time: a point wherever they change, valid until the device's next point.
 * @param spans per lane, when each operation works
 */
export function residentOverTime(
  buffers: readonly LaneBuffer[],
  spans: readonly (readonly Span[])[],
  lanes: readonly Lane[],
): Trace['memory'] {
  const changes = buffers.flatMap(({ lane, bytes, from, to }) => {
    const { device } = lanes[lane]!;
    const [first, last] = [spans[lane]![from], spans[lane]![to]];
    const born = { atMs: first?.startMs ?? 0, device, delta: bytes };
    return last ? [born, { atMs: last.endMs, device, delta: -bytes }] : [born];
  });
  changes.sort((a, b) => a.atMs - b.atMs || a.device - b.device);
  const resident = [0, 0];
  return changes.flatMap(({ atMs, device, delta }, i) => {
    resident[device]! += delta;
    const next = changes[i + 1];
    return next?.atMs === atMs && next.device === device ? [] : [{ atMs, device, bytes: resident[device]! }];
  });
}
