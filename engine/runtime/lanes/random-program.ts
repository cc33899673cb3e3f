// For tests: programs of random graphs, and a player that draws which lane goes on next, so that it meets interleavings that no
// machine shows on demand.
import type { Stream } from '../../../base/random/stream.js';
import type { ChannelRange } from '../../../models/channels.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { randomGraph } from '../../../models/random-graph.js';
import { randomSchedule } from '../../random-schedule.js';
import { Schedule } from '../../schedule.js';
import type { Operation } from '../../segments/operations.js';
import { compileSegments, type Segment } from '../../segments/segments.js';
import { parseDevicePair } from '../device-pair.js';
import { type LaneSpec, lanesOf } from './layout.js';

/** A schedule cut into segments. */
export interface Cut {
  readonly graph: OperatorGraph;
  readonly schedule: Schedule;
  readonly lanes: readonly LaneSpec[];
  readonly segments: readonly Segment[];
}

export function cutSchedule(graph: OperatorGraph, schedule: Schedule, cpuLanes: number, maxSegmentUnits: number): Cut {
  const lanes = lanesOf(parseDevicePair(`cpu:${cpuLanes}+cpu:1`), cpuLanes);
  const rangesOf = (unit: number, share: number): [ChannelRange, ChannelRange] => {
    const channels = graph.tensors[graph.units[unit]!.outputs[0]!]!.shape[1]!;
    const cut = Math.min(channels - 1, Math.max(1, Math.round((1 - share) * channels)));
    return [
      { from: 0, to: cut },
      { from: cut, to: channels },
    ];
  };
  const segments = compileSegments(graph, schedule, lanes, rangesOf, maxSegmentUnits);
  return { graph, schedule, lanes, segments };
}

/** A random schedule of a random graph on two to five lanes, in segments of any length. */
export function randomCut(stream: Stream): Cut {
  const graph = randomGraph(stream, { units: 1 + stream.integer(40), maxFanOut: 6 });
  const cpuLanes = 1 + stream.integer(4);
  const drawn = randomSchedule(graph, stream, { cpuLanes });
  // Two outputs of different size have no channels in common.
  const share = drawn.share.map((each, unit) => (graph.units[unit]!.outputs.length > 1 ? Math.round(each) : each));
  const lane = drawn.lane.map((each, unit) => (share[unit] === 1 ? 0 : each));
  const schedule = Schedule.of(graph, share, { order: drawn.order, lane });
  return cutSchedule(
    graph,
    schedule,
    cpuLanes,
    stream.uniform() < 0.5 ? 1 + stream.integer(4) : Number.POSITIVE_INFINITY,
  );
}

/** Per lane, the operation it is at, and whether that has begun. */
export type Position = readonly { readonly at: number; readonly begun: boolean }[];

/**
 * Plays a program, one begin or end of an operation at a time: a tensor may be fetched while it is sent, but not wholly
 * before it is. Throws when lanes wait for ever.
 */
export function play(
  operations: readonly (readonly Operation[])[],
  stream: Stream,
  visit: (position: Position) => void,
): void {
  const position = operations.map(() => ({ at: 0, begun: false }));
  const sending = new Set<number>();
  const raised = new Set<number>();
  for (;;) {
    const able = position.flatMap(({ at, begun }, lane) => {
      const next = operations[lane]![at];
      if (!next) return [];
      const awaited = next.kind === 'in' && !begun ? sending : raised;
      const free = next.kind === 'in' || (next.kind === 'wait' && !begun) ? awaited.has(next.flag) : true;
      return free ? [lane] : [];
    });
    if (able.length === 0) break;
    const lane = able[stream.integer(able.length)]!;
    const own = position[lane]!;
    const operation = operations[lane]![own.at]!;
    if (isRaise(operation)) (own.begun ? raised : sending).add(operation.flag);
    Object.assign(own, own.begun ? { at: own.at + 1, begun: false } : { begun: true });
    visit(position);
  }
  position.forEach(({ at }, lane) => {
    if (at < operations[lane]!.length) throw new Error(`lane ${lane} waits for ever at operation ${at}`);
  });
}

function isRaise(operation: Operation): operation is Operation & { kind: 'out' | 'signal' } {
  return operation.kind === 'out' || operation.kind === 'signal';
}
