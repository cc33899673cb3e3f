// TensorProto and typed arrays: the several encodings of an initialiser's elements behind one function each way.
import { DataType, makeTensor, type TensorProto } from './proto.js';

export function float32Tensor(name: string, dims: readonly number[], data: Float32Array): TensorProto {
  return makeTensor(name, DataType.FLOAT, dims, bytesOf(data));
}

export function int64Tensor(name: string, dims: readonly number[], data: readonly (number | bigint)[]): TensorProto {
  return makeTensor(name, DataType.INT64, dims, bytesOf(BigInt64Array.from(data, BigInt)));
}

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Bytes of one element; sub-byte types count as one byte, strings as none. */
export function elementBytes(dataType: number): number {
  switch (dataType) {
    case DataType.DOUBLE:
    case DataType.INT64:
    case DataType.UINT64:
    case DataType.COMPLEX64:
      return 8;
    case DataType.COMPLEX128:
      return 16;
    case DataType.FLOAT:
    case DataType.INT32:
    case DataType.UINT32:
      return 4;
    case DataType.FLOAT16:
    case DataType.BFLOAT16:
    case DataType.INT16:
    case DataType.UINT16:
      return 2;
    case DataType.STRING:
    case DataType.UNDEFINED:
      return 0;
    default:
      return 1;
  }
}

export function elementCount(dims: readonly (number | bigint)[]): number {
  let count = 1;
  for (const dim of dims) count *= Number(dim);
  return count;
}

/** The bytes at the start of a buffer of their own, so that a typed array can view them (`Buffer.slice` would not copy). */
export function alignedBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/**
 * The elements of a FLOAT, DOUBLE, INT32 or INT64 initialiser as numbers; null for other types and for external data.
 */
export function numbersOf(tensor: TensorProto): Float32Array | Float64Array | Int32Array | null {
  const raw = tensor.rawData.length > 0 ? alignedBuffer(tensor.rawData) : null;
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return raw ? new Float32Array(raw) : Float32Array.from(tensor.floatData);
    case DataType.DOUBLE:
      return raw ? new Float64Array(raw) : Float64Array.from(tensor.doubleData);
    case DataType.INT32:
      return raw ? new Int32Array(raw) : Int32Array.from(tensor.int32Data);
    case DataType.INT64:
      return Float64Array.from(raw ? new BigInt64Array(raw) : tensor.int64Data, Number);
    default:
      return null;
  }
}

/** The elements as ONNX's raw data: little-endian, one after the other. */
export function rawBytes(tensor: TensorProto): Uint8Array {
  if (tensor.rawData.length > 0) return tensor.rawData;
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return bytesOf(Float32Array.from(tensor.floatData));
    case DataType.DOUBLE:
      return bytesOf(Float64Array.from(tensor.doubleData));
    case DataType.INT64:
      return bytesOf(BigInt64Array.from(tensor.int64Data));
    case DataType.INT32:
      return bytesOf(Int32Array.from(tensor.int32Data));
    case DataType.FLOAT16:
    case DataType.BFLOAT16:
      return bytesOf(Uint16Array.from(tensor.int32Data));
    default:
      return bytesOf(Uint8Array.from(tensor.int32Data));
  }
}
