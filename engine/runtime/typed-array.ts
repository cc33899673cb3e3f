// A tensor's bytes as the array that ONNX Runtime takes for its type.
import type { Tensor } from 'onnxruntime-node';

/** @param type ONNX Runtime's name of an element type: float32, int64, ... */
export function typedArray(
  type: string,
  buffer: ArrayBuffer,
  offset: number,
  bytes: number,
): Exclude<Tensor.DataType, string[]> {
  switch (type) {
    case 'float32':
      return new Float32Array(buffer, offset, bytes / 4);
    case 'float64':
      return new Float64Array(buffer, offset, bytes / 8);
    case 'int64':
      return new BigInt64Array(buffer, offset, bytes / 8);
    case 'uint64':
      return new BigUint64Array(buffer, offset, bytes / 8);
    case 'int32':
      return new Int32Array(buffer, offset, bytes / 4);
    case 'uint32':
      return new Uint32Array(buffer, offset, bytes / 4);
    case 'float16':
    case 'uint16':
      return new Uint16Array(buffer, offset, bytes / 2);
    case 'int16':
      return new Int16Array(buffer, offset, bytes / 2);
    case 'int8':
      return new Int8Array(buffer, offset, bytes);
    default:
      return new Uint8Array(buffer, offset, bytes);
  }
}
