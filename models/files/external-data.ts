// Weights in a file beside the model. The model names the file, and may come from anyone: only files below its own folder are
// read.
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import { DataLocation, type GraphProto, type TensorProto } from '../../base/onnx/proto.js';
import { graphsWithin } from '../analysis/node-view.js';

/** Protocol buffers cannot hold more, so neither can a model with its weights inside. */
export const largestModelBytes = 2 ** 31 - 1;

/**
 * Replaces references to external data by the data.
 * @param path of the model
 * @returns the bytes of each tensor, for the hash
 * @throws InputError when a reference leaves the model's folder, after symbolic links are followed, names no regular file,
 * or asks for bytes that the file does not have
 */
export function drawInExternalData(graph: GraphProto, path: string, label: string): Uint8Array[] {
  const files = new Map<string, Buffer>();
  const drawn: Uint8Array[] = [];
  let total = 0;
  for (const tensor of tensorsWithin(graph)) {
    if (tensor.dataLocation !== DataLocation.EXTERNAL) continue;
    const at = `models: ${label}: the weights "${tensor.name}"`;
    const entry = (key: string) => tensor.externalData.find((pair) => pair.key === key)?.value;
    const place = placeOf(path, entry('location') ?? '', at);
    if (statSync(place).size > largestModelBytes) throw tooLarge(label);
    const file = files.get(place) ?? readFileSync(place);
    files.set(place, file);
    const offset = wholeNumber(entry('offset'), 0, 'offset', at);
    const length = wholeNumber(entry('length'), Math.max(0, file.length - offset), 'length', at);
    if (offset + length > file.length) {
      throw new InputError(
        `${at} end at byte ${offset + length} of ${place}, which has ${file.length}.`,
        'Copy the external data file again: it is truncated, or belongs to another model.',
      );
    }
    total += length;
    if (total > largestModelBytes) throw tooLarge(label);
    tensor.rawData = file.subarray(offset, offset + length);
    tensor.dataLocation = DataLocation.DEFAULT;
    tensor.externalData = [];
    drawn.push(tensor.rawData);
  }
  return drawn;
}

export const tooLarge = (label: string): InputError =>
  new InputError(
    `models: ${label}: it exceeds 2 GiB with its weights, which one ONNX file cannot hold.`,
    'Use a smaller model, or one with weights of fewer bits.',
  );

/** The regular file that a location names, without symbolic links. */
function placeOf(model: string, location: string, at: string): string {
  const folder = dirname(model);
  const expected = join(folder, location);
  // Checked before any file access, so that an error does not reveal files elsewhere.
  if (!isBelow(folder, expected)) throw outside(location, at);
  let place: string;
  try {
    place = realpathSync(expected);
  } catch {
    throw new InputError(
      `${at} lie in an external file that is missing: ${expected}.`,
      'Put that file beside the model; ONNX keeps weights of large models in it.',
    );
  }
  if (!isBelow(realpathSync(folder), place)) throw outside(location, at);
  if (!statSync(place).isFile())
    throw new InputError(`${at} lie at "${location}", which is no regular file.`, 'Put the weights file there.');
  return place;
}

function isBelow(folder: string, place: string): boolean {
  const way = relative(folder, place);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

const outside = (location: string, at: string): InputError =>
  new InputError(
    `${at} lie at "${location}", which is outside of the model's folder.`,
    'External data must lie below the folder of the model, links followed. Do not load a model that asks for other files.',
  );

function wholeNumber(text: string | undefined, fallback: number, what: string, at: string): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InputError(
    `${at} have the ${what} "${text}" in their external file.`,
    'It must be a whole number of bytes, 0 or more. Export the model again.',
  );
}

function* tensorsWithin(graph: GraphProto): Generator<TensorProto> {
  for (const inner of graphsWithin(graph)) {
    yield* inner.initializer;
    const attributes = inner.node.flatMap((node) => node.attribute);
    for (const { t, tensors } of attributes) yield* t ? [t] : tensors;
    const sparse = [...inner.sparseInitializer, ...attributes.flatMap(({ sparseTensor }) => sparseTensor ?? [])];
    for (const { values, indices } of sparse) for (const part of [values, indices]) if (part) yield part;
  }
}
