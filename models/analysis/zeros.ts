// Counts zeros, for the sparsity of activations and weights.
import { DataType, type TensorProto } from '../../base/onnx/proto.js';
import { alignedBuffer, elementCount, numbersOf } from '../../base/onnx/tensor-data.js';

/** Zeros (of either sign) among the elements of a floating-point or integer array. */
export const countZeros = (data: ArrayLike<number>): number => countEqual(data, 0);

export function countEqual(data: ArrayLike<number>, value: number): number {
  let equal = 0;
  for (let i = 0; i < data.length; i++) if (data[i] === value) equal++;
  return equal;
}

/** Zeros among half-precision numbers given as their 16 bits. */
export function countHalfZeros(bits: ArrayLike<number>): number {
  let zeros = 0;
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0x7fff) === 0) zeros++;
  return zeros;
}

const weightTypes: ReadonlySet<number> = new Set([
  DataType.FLOAT,
  DataType.DOUBLE,
  DataType.FLOAT16,
  DataType.BFLOAT16,
  DataType.INT8,
  DataType.UINT8,
]);

/**
 * Whether a constant is weights: numbers of a type that networks are trained or quantised in, and more than one of
 * them. Shapes, axes, indices, bounds of a Clip and the like are settings of an operator.
 */
export function isWeight(tensor: TensorProto): boolean {
  return weightTypes.has(tensor.dataType) && elementCount(tensor.dims) > 1;
}

/** Zeros among an initialiser's elements. @param zeroPoint the integer that stands for zero */
export function zerosInWeights(tensor: TensorProto, zeroPoint = 0): number {
  const numbers = numbersOf(tensor);
  if (numbers) return countEqual(numbers, zeroPoint);
  const raw = tensor.rawData;
  const isHalf = tensor.dataType === DataType.FLOAT16 || tensor.dataType === DataType.BFLOAT16;
  if (raw.length > 0)
    return isHalf ? countHalfZeros(new Uint16Array(alignedBuffer(raw))) : countEqual(raw, zeroPoint & 0xff);
  return isHalf ? countHalfZeros(tensor.int32Data) : countEqual(tensor.int32Data, zeroPoint);
}
