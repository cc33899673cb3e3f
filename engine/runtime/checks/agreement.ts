// The agreement of two executions' outputs, which every compiled plan must pass.
import { halfValue } from '../../../base/onnx/half.js';
import { DataType } from '../../../base/onnx/proto.js';
import { elementBytes } from '../../../base/onnx/tensor-data.js';
import { relativeDifference } from '../../../base/statistics/relative-difference.js';
import { narrowTypes } from '../../../models/analysis/number-types.js';
import type { OperatorGraph } from '../../../models/graph.js';

/**
 * Differences up to this are rounding, however small the numbers: a function with values of the order of 1 computes no finer
 * (ONNX Runtime's float32 Sigmoid has steps of 2^-24 near 0, and softmax likewise).
 */
export const rounding = 2 ** -21;

/**
 * Largest difference of an output of a plan against the plain session's. In half precision each tensor is rounded by up to
 * 2^-11 or not at all (ONNX Runtime's CPU provider keeps single precision between its operators), and integers of a
 * quantised network may fall on the next of 127 steps: a few of these are allowed.
 * @param acrossKinds whether the plan runs on devices of different kinds
 */
export function allowedDifference(graph: OperatorGraph, acrossKinds: boolean): number {
  const types = narrowTypes(graph);
  const ofTypes = Math.max(types.includes('float16') ? 2 ** -7 : 0, types.includes('int8') ? 2 ** -5 : 0);
  return Math.max(ofTypes, acrossKinds ? 1e-3 : 1e-4);
}

/**
 * Agreement of two tensors given as bytes: floats and 8-bit integers by difference, all else exactly (0 or Infinity).
 * @param tensor its element type, by ONNX's name or by ONNX Runtime's: `float` or `float32`
 */
export function tensorDifference({ type }: { readonly type: string }, a: Uint8Array, b: Uint8Array): number {
  if (type === 'float' || type === 'float32')
    return relativeDifference(new Float32Array(copy(a)), new Float32Array(copy(b)), rounding);
  if (type === 'double' || type === 'float64')
    return relativeDifference(new Float64Array(copy(a)), new Float64Array(copy(b)), rounding);
  if (type === 'int8') return relativeDifference(new Int8Array(copy(a)), new Int8Array(copy(b)));
  if (type === 'uint8') return relativeDifference(a, b);
  if (type === 'float16') return relativeDifference(halves(a), halves(b), rounding);
  return Buffer.compare(a, b) === 0 ? 0 : Number.POSITIVE_INFINITY;
}

/** Typed arrays need their elements aligned. Out of shared memory, `set` copies four times as fast as a constructor. */
function copy(bytes: Uint8Array): ArrayBuffer {
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  return own.buffer;
}

function halves(bytes: Uint8Array): Float64Array {
  const count = bytes.byteLength / elementBytes(DataType.FLOAT16);
  const bits = new Uint16Array(copy(bytes));
  return Float64Array.from({ length: count }, (_, i) => halfValue(bits[i]!));
}
