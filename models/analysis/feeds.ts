// Default inputs of a model: seeded, and plausible for their type.
import { halfBits } from '../../base/onnx/half.js';
import { DataType } from '../../base/onnx/proto.js';
import { OrtTensor, type Tensor } from '../../base/onnx/session.js';
import { Rng } from '../../base/random/rng.js';
import type { ModelInput } from '../model-facts.js';
import { elements } from './operators.js';

export type Feeds = Readonly<Record<string, Tensor>>;

/**
 * Values of integer inputs whose name says what they are. Other integers are drawn from 0 and 1, which are valid as
 * token ids, masks and lengths.
 */
const knownIntegers: ReadonlyMap<string, number> = new Map([
  ['sr', 16000],
  ['sample_rate', 16000],
  ['sampling_rate', 16000],
]);

/** Standard normal numbers for floating-point inputs that have no value of their own; the same for the same seed and names. */
export function seededFeeds(inputs: readonly ModelInput[], seed: number): Feeds {
  return Object.fromEntries(
    inputs.map((input) => [input.name, seededTensor(input, Rng.of(seed, 'input', input.name))]),
  );
}

function seededTensor({ name, elemType, shape, fill }: ModelInput, rng: Rng): Tensor {
  const dims = [...shape];
  const length = elements(shape);
  const integer = (): number => fill ?? knownIntegers.get(name) ?? rng.integer(2);
  const normal = (): number => fill ?? rng.normal();
  switch (elemType) {
    case DataType.FLOAT:
      return new OrtTensor('float32', filled(new Float32Array(length), normal), dims);
    case DataType.DOUBLE:
      return new OrtTensor('float64', filled(new Float64Array(length), normal), dims);
    case DataType.FLOAT16:
      return new OrtTensor(
        'float16',
        filled(new Uint16Array(length), () => halfBits(normal())),
        dims,
      );
    case DataType.INT64:
      return new OrtTensor(
        'int64',
        BigInt64Array.from({ length }, () => BigInt(integer())),
        dims,
      );
    case DataType.UINT64:
      return new OrtTensor(
        'uint64',
        BigUint64Array.from({ length }, () => BigInt(integer())),
        dims,
      );
    case DataType.INT32:
      return new OrtTensor('int32', filled(new Int32Array(length), integer), dims);
    case DataType.UINT32:
      return new OrtTensor('uint32', filled(new Uint32Array(length), integer), dims);
    case DataType.INT16:
      return new OrtTensor('int16', filled(new Int16Array(length), integer), dims);
    case DataType.UINT16:
      return new OrtTensor('uint16', filled(new Uint16Array(length), integer), dims);
    case DataType.INT8:
      return new OrtTensor('int8', filled(new Int8Array(length), integer), dims);
    case DataType.UINT8:
      return new OrtTensor('uint8', filled(new Uint8Array(length), integer), dims);
    case DataType.BOOL:
      return new OrtTensor(
        'bool',
        filled(new Uint8Array(length), () => fill ?? rng.integer(2)),
        dims,
      );
    default:
      return new OrtTensor('string', Array<string>(length).fill(''), dims);
  }
}

function filled<T extends { [index: number]: number; length: number }>(array: T, draw: () => number): T {
  for (let i = 0; i < array.length; i++) array[i] = draw();
  return array;
}
