// An ONNX file as it lies on disk: read whole, external data drawn in, every node named, and anything broken reported
// with the file's and the node's name before ONNX Runtime sees it.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../base/errors/input-error.js';
import { contentHash } from '../base/files/hash.js';
import type { SparseTensorProto } from '../base/onnx/onnx_pb.js';
import { DataLocation, decodeModel, type GraphProto, type ModelProto, type TensorProto } from '../base/onnx/proto.js';
import { orderNodes } from './node-order.js';
import { graphsWithin } from './node-view.js';
import { makeDense } from './sparse-initializers.js';

export interface OnnxFile {
  readonly path: string;
  /** How messages call it. */
  readonly label: string;
  /** Of the file and its external data. */
  readonly hash: () => string;
  readonly model: ModelProto;
}

/** Protocol buffers cannot hold more, so neither can a model with its weights inside. */
const largestModelBytes = 2 ** 31 - 1;

/** @throws InputError when the file is missing, no ONNX model or cut short, or when its external data is. */
export function readOnnxFile(path: string): OnnxFile {
  const label = basename(path);
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new InputError(
      `models: ${path}: there is no such file.`,
      'Give the path of an .onnx file, or a model:// URI.',
    );
  }
  const bytes = readFileSync(path);
  const model = decode(bytes, label);
  const external = drawInExternalData(model, path, label);
  makeDense(model.graph!, label);
  orderNodes(model.graph!, label);
  nameNodes(model.graph!);
  return { path, label, hash: () => contentHash(bytes, ...external), model };
}

function decode(bytes: Uint8Array, label: string): ModelProto {
  const remedy =
    'Export or copy the file again; a download that stopped half-way, or a Git LFS pointer, looks like this.';
  let model: ModelProto;
  try {
    model = decodeModel(bytes);
  } catch (error) {
    throw new InputError(
      `models: ${label}: no ONNX model, or a truncated one (${bytes.length} bytes: ${(error as Error).message}).`,
      remedy,
    );
  }
  if (!model.graph || model.irVersion <= 0n || model.graph.output.length === 0)
    throw new InputError(`models: ${label}: no ONNX model (${bytes.length} bytes without a graph).`, remedy);
  return model;
}

/** Replaces references to external data by the data; returns the bytes of each tensor, for the hash. */
function drawInExternalData(model: ModelProto, path: string, label: string): Uint8Array[] {
  const files = new Map<string, Buffer>();
  const drawn: Uint8Array[] = [];
  let total = 0;
  for (const tensor of tensorsWithin(model.graph!)) {
    if (tensor.dataLocation !== DataLocation.EXTERNAL) continue;
    const entry = (key: string) => tensor.externalData.find((pair) => pair.key === key)?.value;
    const location = entry('location') ?? '';
    const expected = join(dirname(path), location);
    if (!existsSync(expected) || !statSync(expected).isFile()) {
      throw new InputError(
        `models: ${label}: the weights "${tensor.name}" lie in an external file that is missing: ${expected}.`,
        'Put that file beside the model; ONNX keeps weights of large models in it.',
      );
    }
    const file = files.get(expected) ?? readFileSync(expected);
    files.set(expected, file);
    const offset = Number(entry('offset') ?? 0);
    const length = Number(entry('length') ?? file.length - offset);
    if (offset + length > file.length) {
      throw new InputError(
        `models: ${label}: the weights "${tensor.name}" end at byte ${offset + length} of ${expected}, which has ${file.length}.`,
        'Copy the external data file again: it is truncated, or belongs to another model.',
      );
    }
    total += length;
    if (total > largestModelBytes) {
      throw new InputError(
        `models: ${label}: its weights exceed 2 GiB, which one ONNX file cannot hold.`,
        'Use a smaller model, or one with weights of fewer bits.',
      );
    }
    tensor.rawData = file.subarray(offset, offset + length);
    tensor.dataLocation = DataLocation.DEFAULT;
    tensor.externalData = [];
    drawn.push(tensor.rawData);
  }
  return drawn;
}

const partsOf = ({ values, indices }: SparseTensorProto): TensorProto[] =>
  [values, indices].filter((tensor) => tensor !== undefined);

function* tensorsWithin(graph: GraphProto): Generator<TensorProto> {
  for (const inner of graphsWithin(graph)) {
    yield* inner.initializer;
    for (const sparse of inner.sparseInitializer) yield* partsOf(sparse);
    for (const { t, sparseTensor } of inner.node.flatMap((node) => node.attribute)) {
      if (t) yield t;
      if (sparseTensor) yield* partsOf(sparseTensor);
    }
  }
}

/** Gives every node of the top graph a name of its own, so that messages and schedules can name it; tells if any changed. */
export function nameNodes(graph: GraphProto): boolean {
  let changed = false;
  const taken = new Set<string>();
  const given = new Map<string, number>();
  for (const { name } of graph.node) given.set(name, (given.get(name) ?? 0) + 1);
  graph.node.forEach((node, index) => {
    let name = node.name;
    if (name === '' || taken.has(name)) {
      const base = name || node.opType;
      let counter = index;
      do name = `${base}_${counter++}`;
      while (taken.has(name) || given.has(name));
      changed = true;
    }
    taken.add(name);
    node.name = name;
  });
  return changed;
}
