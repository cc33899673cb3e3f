// Inputs from the user's files, so that activation sparsity is that of real data: arrays as .npy, pictures as .png.
import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { PNG } from 'pngjs';
import { InputError } from '../../base/errors/input-error.js';
import { contentHash } from '../../base/files/hash.js';
import { checkSize, fileLimit, readLimited } from '../../base/files/limits.js';
import { halfBits } from '../../base/onnx/half.js';
import { DataType } from '../../base/onnx/proto.js';
import { OrtTensor, type Tensor } from '../../base/onnx/session.js';
import { seededFeeds } from '../analysis/feeds.js';
import { parseNpy } from './npy.js';
import type { DeclaredInput } from './shapes.js';

export interface UserInput {
  /** Of the graph input. */
  readonly name: string;
  /** Of the file, or the number. */
  readonly path: string;
  readonly hash: string;
  readonly tensor: Tensor;
  /** The number that each element is, where the user gave one, or a file of one number that is no fraction. */
  readonly fill: number | null;
}

/**
 * Reads the files given for inputs; the name '' stands for the only input of the model.
 * @throws InputError when a name is no input, or a file is missing, of another kind, or of a shape or type that the input does not take.
 */
export function readInputs(
  files: Readonly<Record<string, string>>,
  declared: readonly DeclaredInput[],
  label: string,
): UserInput[] {
  return Object.entries(files)
    .map(([name, file]) => {
      const input = inputNamed(name, declared, label);
      return number.test(file) ? filledInput(input, file) : readInput(input, resolve(file));
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function inputNamed(name: string, declared: readonly DeclaredInput[], label: string): DeclaredInput {
  const found = name === '' && declared.length === 1 ? declared[0] : declared.find((input) => input.name === name);
  if (found) return found;
  throw new InputError(
    name === ''
      ? `models: ${label}: an input is given without a name, but the model has ${declared.length} inputs.`
      : `models: ${label}: values are given for "${name}", which is no input.`,
    `Name one of its inputs: ${declared.map((input) => `--input ${input.name}=file.npy`).join(', ')}.`,
  );
}

const floats: ReadonlySet<number> = new Set([DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16]);
const number = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** An input all of whose elements are one number: a trip count, a length, a rate. */
function filledInput(input: DeclaredInput, text: string): UserInput {
  const { name, elemType, dims } = input;
  const shape = dims.filter((dim) => typeof dim === 'number');
  if (shape.length < dims.length || elemType === DataType.STRING) {
    throw new InputError(
      `models: input "${name}" is given as ${text}, but takes ${elemType === DataType.STRING ? 'strings' : `the shape ${written(dims)}, which is free`}.`,
      `Give a file: --input ${name}=file.npy.`,
    );
  }
  const fill = Number(text);
  const isFloat = floats.has(elemType);
  const wrong = new InputError(
    `models: input "${name}" is given as ${text}, which is no ${DataType[elemType]?.toLowerCase()}.`,
    'Give a number of the type of the input.',
  );
  if ((!isFloat && !Number.isSafeInteger(fill)) || (elemType === DataType.BOOL && fill !== 0 && fill !== 1))
    throw wrong;
  const { [name]: tensor } = seededFeeds([{ name, elemType, shape, fill }], 0);
  // An integer out of the type's range came out as another one.
  if (!isFloat && tensor!.size > 0 && Number(tensor!.data[0]) !== fill) throw wrong;
  return { name, path: text, hash: text, tensor: tensor!, fill };
}

const written = (dims: DeclaredInput['dims']): string => `[${dims.map((dim) => (dim === '' ? '?' : dim)).join(', ')}]`;

function readInput(input: DeclaredInput, path: string): UserInput {
  if (!existsSync(path))
    throw new InputError(`models: input "${input.name}": there is no file ${path}.`, 'Give a .npy or .png file.');
  const bytes = readLimited(path, fileLimit());
  const kind = extname(path).toLowerCase();
  if (kind !== '.npy' && kind !== '.png')
    throw new InputError(
      `models: input "${input.name}": ${path} is neither .npy nor .png.`,
      'Give a .npy or .png file.',
    );
  const tensor =
    kind === '.npy' ? tensorFromNpy(bytes, input, basename(path)) : tensorFromPng(bytes, input, basename(path));
  checkShape(tensor.dims, input, basename(path));
  const single = tensor.size === 1 ? Number(tensor.data[0]) : Number.NaN;
  return { name: input.name, path, hash: contentHash(bytes), tensor, fill: Number.isInteger(single) ? single : null };
}

function checkShape(shape: readonly number[], { name, dims }: DeclaredInput, file: string): void {
  if (shape.length === dims.length && dims.every((dim, axis) => typeof dim === 'string' || dim === shape[axis])) return;
  throw new InputError(
    `models: ${file} has the shape [${shape.join(', ')}], but input "${name}" takes ${written(dims)}.`,
    'Give a file of that shape; files are not resized.',
  );
}

/** NumPy types, and what of them an input may be. */
const npyTypes: Readonly<Record<string, { elemType: number; make: (data: ArrayBuffer, dims: number[]) => Tensor }>> = {
  f4: { elemType: DataType.FLOAT, make: (data, dims) => new OrtTensor('float32', new Float32Array(data), dims) },
  f8: { elemType: DataType.DOUBLE, make: (data, dims) => new OrtTensor('float64', new Float64Array(data), dims) },
  i8: { elemType: DataType.INT64, make: (data, dims) => new OrtTensor('int64', new BigInt64Array(data), dims) },
  i4: { elemType: DataType.INT32, make: (data, dims) => new OrtTensor('int32', new Int32Array(data), dims) },
  u1: { elemType: DataType.UINT8, make: (data, dims) => new OrtTensor('uint8', new Uint8Array(data), dims) },
  i1: { elemType: DataType.INT8, make: (data, dims) => new OrtTensor('int8', new Int8Array(data), dims) },
  b1: { elemType: DataType.BOOL, make: (data, dims) => new OrtTensor('bool', new Uint8Array(data), dims) },
};

function tensorFromNpy(bytes: Uint8Array, input: DeclaredInput, file: string): Tensor {
  const array = parseNpy(bytes, file);
  const dims = [...array.shape];
  const known = npyTypes[array.type];
  if (known?.elemType === input.elemType) return known.make(array.data, dims);
  // Numbers are float64 by NumPy's default, so the two float types convert.
  if (array.type === 'f8' && input.elemType === DataType.FLOAT)
    return new OrtTensor('float32', Float32Array.from(new Float64Array(array.data)), dims);
  if (array.type === 'f4' && input.elemType === DataType.FLOAT16)
    return new OrtTensor('float16', Uint16Array.from(new Float32Array(array.data), halfBits), dims);
  if (array.type === 'f4' && input.elemType === DataType.DOUBLE)
    return new OrtTensor('float64', Float64Array.from(new Float32Array(array.data)), dims);
  throw new InputError(
    `models: ${file} holds ${array.type}, but input "${input.name}" takes ${(DataType[input.elemType] ?? 'unknown').toLowerCase()}.`,
    'Save the array in the type of the input.',
  );
}

/** The header says how much the rest unpacks to: it is believed only within the limit. */
function checkPngSize(bytes: Buffer, file: string): void {
  // Eight bytes of signature, then length, type, width and height of the first chunk.
  if (bytes.length < 24 || bytes.toString('latin1', 12, 16) !== 'IHDR') return;
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const values = 3 * width * height;
  checkSize(`models: ${file}: a picture of ${width} x ${height} pixels`, 4 * values, fileLimit());
}

/** [1, 3, height, width], red, green and blue in [-1, 1]: (v / 255 - 0.5) / 0.5. */
function tensorFromPng(bytes: Buffer, input: DeclaredInput, file: string): Tensor {
  if (input.elemType !== DataType.FLOAT)
    throw new InputError(`models: ${file} is a picture, but input "${input.name}" is not float.`, 'Give a .npy file.');
  checkPngSize(bytes, file);
  let picture: PNG;
  try {
    picture = PNG.sync.read(bytes);
  } catch (error) {
    throw new InputError(
      `models: ${file}: cannot be read as PNG: ${(error as Error).message}.`,
      'Save the picture again as PNG.',
    );
  }
  const { width, height, data } = picture;
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  for (let pixel = 0; pixel < plane; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      values[channel * plane + pixel] = (data[4 * pixel + channel]! / 255 - 0.5) / 0.5;
    }
  }
  return new OrtTensor('float32', values, [1, 3, height, width]);
}
