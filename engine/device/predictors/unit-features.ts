// What a predictor is told of a unit of an operator graph: any model's, so that what was fitted to one can be asked of others.
import { type OperatorGraph, opClasses } from '../../../models/graph.js';

/** `class` counts opClasses; channels and pixels are of the first output. */
export const unitFeatures = [
  'class',
  'flops',
  'bytes',
  'intensity',
  'macs',
  'activationBytes',
  'weightBytes',
  'outputBytes',
  'channels',
  'pixels',
  'nodes',
] as const;

/** Rows of `unitFeatures` for whole units, one after the other: [units x features]. */
export function unitFeatureRows(graph: OperatorGraph): Float64Array {
  const rows = new Float64Array(graph.units.length * unitFeatures.length);
  for (const { id } of graph.units) fillUnitRow(graph, id, 1, rows, id * unitFeatures.length);
  return rows;
}

/**
 * Writes one row of `unitFeatures` to `out` at `offset`.
 * @param share part of the output channels that is computed; work, weights and output shrink with it, what is read does not
 */
export function fillUnitRow(graph: OperatorGraph, id: number, share: number, out: Float64Array, offset = 0): void {
  const unit = graph.units[id]!;
  const shape = graph.tensors[unit.outputs[0]!]?.shape ?? [];
  let elements = 1;
  for (const size of shape) elements *= size;
  const channels = unit.splitAxis === null ? (shape[1] ?? 1) : shape[unit.splitAxis]!;
  const flops = share * unit.flops;
  const activationBytes = unit.bytesRead - unit.weightBytes;
  const bytes = activationBytes + share * (unit.weightBytes + unit.bytesWritten);
  let at = offset;
  out[at++] = opClasses.indexOf(unit.opClass);
  out[at++] = flops;
  out[at++] = bytes;
  out[at++] = flops / Math.max(1, bytes);
  out[at++] = share * unit.macs;
  out[at++] = activationBytes;
  out[at++] = share * unit.weightBytes;
  out[at++] = share * unit.bytesWritten;
  out[at++] = share * channels;
  out[at++] = elements / Math.max(1, channels);
  out[at++] = unit.nodes.length;
}
