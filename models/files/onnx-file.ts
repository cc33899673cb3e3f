// Reads an ONNX file with its external data, and names every node. Faults are reported with the file's and the node's name
// before ONNX Runtime sees the file.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import { contentHash } from '../../base/files/hash.js';
import { renameUnpassable } from '../../base/onnx/names.js';
import { decodeModel, type GraphProto, type ModelProto } from '../../base/onnx/proto.js';
import { drawInExternalData, largestModelBytes, tooLarge } from './external-data.js';
import { orderNodes } from './node-order.js';
import { makeDense } from './sparse-initializers.js';
import { validateModel } from './validate-onnx.js';

export interface OnnxFile {
  readonly path: string;
  /** How messages call it. */
  readonly label: string;
  /** Size of the file and its external data. */
  readonly bytes: number;
  /** Of the file and its external data. */
  readonly hash: () => string;
  readonly model: ModelProto;
}

/** @throws InputError when the file is missing, no ONNX model, damaged or cut short, or when its external data is. */
export function readOnnxFile(path: string): OnnxFile {
  const label = basename(path);
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new InputError(
      `models: ${path}: there is no such file.`,
      'Give the path of an .onnx file, or a model:// URI.',
    );
  }
  if (statSync(path).size > largestModelBytes) throw tooLarge(label);
  const bytes = readFileSync(path);
  const model = decode(bytes, label);
  validateModel(model, label);
  const external = drawInExternalData(model.graph!, path, label);
  if (external.length > 0) validateModel(model, label);
  makeDense(model.graph!, label);
  orderNodes(model.graph!, label);
  nameNodes(model.graph!);
  renameUnpassable(model.graph!);
  return {
    path,
    label,
    bytes: external.reduce((sum, { length }) => sum + length, bytes.length),
    hash: () => contentHash(bytes, ...external),
    model,
  };
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

/** Gives every node of the top graph a unique name, so that messages and schedules can name it. Returns whether any changed. */
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
