// For tests: a unit of which only what matters to them is said.
import type { Unit } from './graph.js';

/** A convolution without cost that reads tensor `id` and writes tensor `id + 1`, but for what is said. */
export function bareUnit(id: number, said: Partial<Unit> = {}): Unit {
  return {
    id,
    name: `u${id}`,
    opClass: 'conv',
    nodes: [`u${id}`],
    opTypes: ['Conv'],
    inputs: [id],
    outputs: [id + 1],
    macs: 0,
    flops: 0,
    bytesRead: 0,
    bytesWritten: 0,
    weightBytes: 0,
    intensity: 0,
    activationSparsity: null,
    weightSparsity: 0,
    splitAxis: null,
    channelReach: null,
    onlyOn: null,
    ...said,
  };
}
