// Simulates a program of lanes like the threads that execute it: each lane runs its operations in order, and a tensor that
// crosses is copied out by one lane and copied in by the other, piece by piece.
import type { SegmentCosts } from '../../../predictor/tables/segment-costs.js';
import { type Operation, pieceBytes, pollMs, type Stamps, stampsPerOperation } from '../../segments/operations.js';
import type { Segment } from '../../segments/segments.js';
import type { Lane } from '../../trace.js';
import { play, type Stage, type Timing } from '../overlap/player.js';
import { cpuLane, type Task } from '../overlap/program.js';

/** The tasks of one operation, the first of `count`; a lane's own follow one another. */
interface Placed {
  readonly first: number;
  readonly count: number;
}

/** Times of every operation, as lanes stamp them. */
export function playProgram(
  operations: readonly (readonly Operation[])[],
  segments: readonly Segment[],
  lanes: readonly Lane[],
  costs: SegmentCosts,
  stage: Stage,
): Stamps {
  const { tasks, placed } = tasksOf(operations, segments, lanes, costs);
  const timing = play(tasks, stage);
  return operations.map((own, lane) => stampsOf(own, placed[lane]!, timing));
}

function tasksOf(
  operations: readonly (readonly Operation[])[],
  segments: readonly Segment[],
  lanes: readonly Lane[],
  costs: SegmentCosts,
): { readonly tasks: readonly Task[]; readonly placed: readonly (readonly Placed[])[] } {
  const segmentOf = new Map(segments.map((segment) => [segment.key, segment]));
  // The task with which each flag is raised; of a tensor, the next one completes it.
  const raisedBy = new Map<number, number>();
  let next = 0;
  const placed = operations.map((own) =>
    own.map((operation): Placed => {
      const first = next;
      const count = operation.kind === 'out' ? 2 : operation.kind === 'in' ? 3 : 1;
      next += count;
      if (operation.kind === 'out' || operation.kind === 'signal') raisedBy.set(operation.flag, first);
      return { first, count };
    }),
  );
  const tasks: Task[] = [];
  operations.forEach((own, lane) => {
    const { device } = lanes[lane]!;
    const add = (kind: Task['kind'], workMs: number, after: readonly number[] = []): void => {
      tasks.push({ ...idle, kind, lane: cpuLane(lane), workMs, after });
    };
    const notice = (flag: number): void => {
      const after = [raisedBy.get(flag)!];
      const asleep = { afterMs: pollMs, workMs: costs.wakeMs };
      tasks.push({ ...idle, kind: 'sync', lane: cpuLane(lane), workMs: costs.noticeMs, asleep, after });
    };
    for (const operation of own) {
      switch (operation.kind) {
        case 'run': {
          const { units, fraction } = segmentOf.get(operation.key)!;
          add('compute', costs.segmentMs(device, units, fraction));
          break;
        }
        case 'signal':
          add('sync', 0);
          break;
        case 'wait':
          notice(operation.flag);
          break;
        case 'out': {
          const [firstMs, restMs] = inPieces(operation.region, costs.outMs(device, bytesOf(operation.region)));
          add('copy', firstMs);
          add('copy', restMs);
          break;
        }
        case 'in': {
          const [lastMs, restMs] = inPieces(operation.region, costs.inMs(device, bytesOf(operation.region)));
          notice(operation.flag);
          add('copy', restMs);
          add('copy', lastMs, [raisedBy.get(operation.flag)! + 1]);
          break;
        }
        default:
          operation satisfies never;
      }
    }
  });
  return { tasks, placed };
}

const idle = { unit: -1, trafficBytes: 0, plannedBytes: 0, tensor: -1, movedBytes: 0, part: [0, 1] } as const;

type Region = (Operation & { kind: 'in' })['region'];
const bytesOf = ({ rows, length }: Region): number => rows * length;

/** The time of one piece, and of all others. */
function inPieces(region: Region, ms: number): [number, number] {
  const pieces = region.rows * Math.max(1, Math.ceil(region.length / pieceBytes));
  return [ms / pieces, ms - ms / pieces];
}

function stampsOf(own: readonly Operation[], placed: readonly Placed[], { startMs, endMs }: Timing): Float64Array {
  const stamps = new Float64Array(stampsPerOperation * own.length);
  let freeMs = 0;
  own.forEach(({ kind }, at) => {
    const { first, count } = placed[at]!;
    const lastMs = endMs[first + count - 1]!;
    // What waits begins when the lane is free; its task, when what it waits for is there.
    const beganMs = kind === 'in' || kind === 'wait' ? freeMs : startMs[first]!;
    const middleMs = endMs[first]!;
    stamps.set(kind === 'in' ? [beganMs, middleMs, lastMs] : [beganMs, lastMs, middleMs], stampsPerOperation * at);
    freeMs = lastMs;
  });
  return stamps;
}
