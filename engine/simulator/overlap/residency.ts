// Bytes resident on each device over time, from the tasks that write, move and read tensors and when they ran.
import type { OperatorGraph } from '../../../models/graph.js';
import type { Trace } from '../../trace.js';
import type { Timing } from './player.js';
import { queueLane, type Task } from './program.js';

/** A tensor on one device: from its first write or arrival to its last use there, being moved away included. */
interface Stay {
  fraction: number;
  fromMs: number;
  toMs: number;
}

/** A point wherever a device's bytes change; graph inputs are on device 0 from the start, its outputs stay there. */
export function residency(graph: OperatorGraph, tasks: readonly Task[], { startMs, endMs }: Timing): Trace['memory'] {
  const stays = graph.tensors.map(({ producer, graphOutput }): readonly [Stay, Stay] => {
    const given = producer === null;
    return [
      {
        fraction: Number(given),
        fromMs: given ? 0 : Number.POSITIVE_INFINITY,
        toMs: graphOutput ? Number.POSITIVE_INFINITY : 0,
      },
      { fraction: 0, fromMs: Number.POSITIVE_INFINITY, toMs: 0 },
    ];
  });
  tasks.forEach((task, index) => {
    const device = task.lane === queueLane ? 1 : 0;
    const [fromMs, toMs] = [startMs[index]!, endMs[index]!];
    const arrive = (tensor: number): void => {
      const stay = stays[tensor]![device];
      stay.fraction += task.part[1] - task.part[0];
      stay.fromMs = Math.min(stay.fromMs, fromMs);
      stay.toMs = Math.max(stay.toMs, toMs);
    };
    const use = (tensor: number, on: 0 | 1): void => {
      stays[tensor]![on].toMs = Math.max(stays[tensor]![on].toMs, toMs);
    };
    if (task.kind === 'copy' && task.movedBytes > 0) {
      arrive(task.tensor);
      use(task.tensor, (1 - device) as 0 | 1);
    } else if (task.kind === 'compute') {
      graph.units[task.unit]!.outputs.forEach(arrive);
      for (const tensor of graph.units[task.unit]!.inputs) use(tensor, device);
    }
  });
  return ([0, 1] as const).flatMap((device) => pointsOf(graph, stays, device)).sort((a, b) => a.atMs - b.atMs);
}

function pointsOf(graph: OperatorGraph, stays: readonly (readonly [Stay, Stay])[], device: 0 | 1) {
  const changes = new Map<number, number>();
  const change = (atMs: number, bytes: number) => changes.set(atMs, (changes.get(atMs) ?? 0) + bytes);
  stays.forEach((stay, tensor) => {
    const { fraction, fromMs, toMs } = stay[device];
    const bytes = Math.ceil(graph.tensors[tensor]!.bytes * Math.min(1, fraction));
    if (bytes === 0 || fromMs === Number.POSITIVE_INFINITY) return;
    change(fromMs, bytes);
    if (toMs < Number.POSITIVE_INFINITY) change(toMs, -bytes);
  });
  let bytes = 0;
  return [...changes]
    .sort(([a], [b]) => a - b)
    .filter(([, delta]) => delta !== 0)
    .map(([atMs, delta]) => ({ atMs, device, bytes: (bytes += delta) }));
}
