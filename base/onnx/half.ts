// Half-precision numbers as their 16 bits: Node 20 has no Float16Array.
import { DataType, makeTensor, type TensorProto } from './proto.js';
import { alignedBuffer, elementCount, float32Tensor, numbersOf } from './tensor-data.js';

const word = new Float32Array(1);
const wordBits = new Uint32Array(word.buffer);

/** The nearest half-precision number, of two equally near ones the even one, as its bits. */
export function halfBits(value: number): number {
  word[0] = value;
  const bits = wordBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 and more is nearer to what would follow 65504 than to 65504.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | roundedShift(magnitude - 0x38000000, 13);
  // Below 2^-14 the step is 2^-24; below 2^-25 all is zero.
  const shift = 126 - (magnitude >>> 23);
  return shift > 24 ? sign : sign | roundedShift((magnitude & 0x7fffff) | 0x800000, shift);
}

/** `bits` / 2^`shift`, rounded to the nearest whole number, to the even one of two. */
function roundedShift(bits: number, shift: number): number {
  const whole = bits >>> shift;
  const rest = bits - whole * 2 ** shift;
  const half = 2 ** (shift - 1);
  return rest > half || (rest === half && (whole & 1) === 1) ? whole + 1 : whole;
}

export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** A FLOAT16 initialiser as a FLOAT one. */
export function floatTensorOf(tensor: TensorProto): TensorProto {
  const raw = tensor.rawData;
  const bits = raw.length > 0 ? new Uint16Array(alignedBuffer(raw)) : tensor.int32Data;
  return float32Tensor(tensor.name, tensor.dims.map(Number), Float32Array.from(bits, halfValue));
}

/** A FLOAT initialiser as a FLOAT16 one, its numbers rounded. */
export function halfTensorOf(tensor: TensorProto, name: string): TensorProto {
  if (elementCount(tensor.dims) === 0)
    return makeTensor(name, DataType.FLOAT16, tensor.dims.map(Number), new Uint8Array(0));
  const bits = Uint16Array.from(numbersOf(tensor)!, halfBits);
  return makeTensor(name, DataType.FLOAT16, tensor.dims.map(Number), new Uint8Array(bits.buffer));
}
