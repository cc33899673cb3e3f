// `device kit`: a folder that measures a board without Node. Beside the Python script and its instructions it holds, for each model,
// the whole model with every node labelled by its unit, each unit as a model of its own, inputs and the outputs they give.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { InputError } from '../../../base/errors/input-error.js';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { canonicalJson, contentHash } from '../../../base/files/hash.js';
import { packageRoot } from '../../../base/files/paths.js';
import { writePlainNames } from '../../../base/onnx/names.js';
import { StringStringEntryProtoSchema } from '../../../base/onnx/onnx_pb.js';
import { DataLocation, decodeModel, encodeModel, type ModelProto } from '../../../base/onnx/proto.js';
import { openSession, type Tensor } from '../../../base/onnx/session.js';
import { Rng } from '../../../base/random/rng.js';
import { requireTensorOutputs } from '../../../engine/runtime/checks/tensor-outputs.js';
import { labelNodes } from '../../../engine/runtime/session/annotate.js';
import { hardwareGranularity } from '../../../engine/scenario.js';
import { seededFeeds } from '../../../models/analysis/feeds.js';
import type { LoadedModel } from '../../../models/load.js';
import { sliceSourceOf, sliceUnits } from '../../../models/parts/slice.js';
import { describeSystem } from '../../results/system.js';
import type { KitManifest } from './manifest.js';
import { drawPlacements } from './placements.js';

/** Weights from this size on lie in one file that the whole model and its units share; shapes and the like stay inside. */
const sharedWeightBytes = 1024;
/** ONNX Runtime maps weights into memory where they begin on a page. */
const weightAlignment = 4096;

/**
 * Writes the kit of `models` into `folder`, which is made.
 * @param schedules how many placements of each model are measured; the first two are all units on either device
 * @throws InputError when the folder holds something else, two models have one name, or a model has inputs or units that cannot
 * be handed over (strings, sequences).
 */
export async function writeKit(
  folder: string,
  models: readonly LoadedModel[],
  schedules: number,
): Promise<KitManifest> {
  if (existsSync(folder) && readdirSync(folder).length > 0 && !existsSync(join(folder, 'kit.py'))) {
    throw new InputError(`kit: ${folder} is not empty, and no kit.`, 'Name a folder that does not exist yet.');
  }
  const entries: KitManifest['models'] = [];
  for (const model of models) entries.push(await writeModel(folder, model, nameOf(model, entries), schedules));
  const content = { version: 1, gym: describeSystem().version, models: entries } as const;
  const manifest: KitManifest = { ...content, kit: contentHash(canonicalJson(content)) };
  for (const name of ['kit.py', 'README.md'])
    writeFileAtomic(join(folder, name), readFileSync(join(packageRoot, 'python', 'kit', name)));
  writeFileAtomic(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return manifest;
}

/** A file's or a built-in network's name, made unique by a number. */
function nameOf({ uri }: LoadedModel, before: KitManifest['models']): string {
  const plain = basename(uri.split('?')[0]!)
    .replace(/\.onnx$/, '')
    .replaceAll(/[^\w.-]/g, '_')
    // Neither hidden nor `..`, which is another folder.
    .replace(/^(\.|$)/, 'model$1');
  const taken = (name: string) => before.some((entry) => entry.name.toLowerCase() === name.toLowerCase());
  for (let number = 2, name = plain; ; name = `${plain}-${number++}`) if (!taken(name)) return name;
}

async function writeModel(
  folder: string,
  model: LoadedModel,
  name: string,
  schedules: number,
): Promise<KitManifest['models'][number]> {
  requireTensorOutputs(model, 'kit');
  const graph = model.graph(hardwareGranularity);
  if (graph.units.length === 0)
    throw new InputError(`kit: ${model.uri}: nothing is left to run once constants are folded.`, 'Leave it out.');
  const own = join('models', name);
  const into = join(folder, own);
  const proto = decodeModel(readFileSync(model.basicPath));
  writeFileAtomic(join(into, 'weights.bin'), moveWeightsOut(proto, 'weights.bin'));
  const source = sliceSourceOf(proto);
  const unitFiles = graph.units.map(({ id }) => {
    const file = `unit-${String(id).padStart(4, '0')}.onnx`;
    writeFileAtomic(join(into, file), sliceUnits(source, graph, [id]).bytes);
    return file;
  });
  labelNodes(proto, new Map(graph.units.flatMap(({ id, nodes }) => nodes.map((node) => [node, `u${id}`] as const))));
  // Its profile is read. Inputs and outputs stay: the kit's script feeds them by name.
  writePlainNames(proto, new Set([...proto.graph!.input, ...proto.graph!.output].map(({ name: own }) => own)));
  writeFileAtomic(join(into, 'model.onnx'), encodeModel(proto));
  const feeds = seededFeeds(model.inputs, 0);
  const session = await openSession(model.basicPath, { level: 'all' });
  const outputs = await session.run(feeds);
  await session.release();
  const random = Rng.of(0, 'kit', graph.hash);
  return {
    name,
    folder: own.replaceAll('\\', '/'),
    uri: model.uri,
    modelHash: model.modelHash,
    graph,
    inputs: writeArrays(join(into, 'inputs.bin'), feeds, model.uri),
    outputs: writeArrays(join(into, 'expected.bin'), outputs, model.uri),
    unitFiles,
    schedules: drawPlacements(graph, schedules, random),
  };
}

/** Takes the large weights out of the model, in place, and leaves where they lie in the file `location`; returns its content. */
function moveWeightsOut(model: ModelProto, location: string): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const tensor of model.graph!.initializer) {
    const { rawData } = tensor;
    if (rawData.length < sharedWeightBytes) continue;
    const padding = -at & (weightAlignment - 1);
    parts.push(new Uint8Array(padding), rawData);
    const offset = at + padding;
    at = offset + rawData.length;
    tensor.rawData = new Uint8Array(0);
    tensor.dataLocation = DataLocation.EXTERNAL;
    tensor.externalData = Object.entries({ location, offset: String(offset), length: String(rawData.length) }).map(
      ([key, value]) => create(StringStringEntryProtoSchema, { key, value }),
    );
  }
  return Buffer.concat(parts);
}

/** Writes tensors one after the other; returns where each lies, with the names of their types in numpy. */
function writeArrays(path: string, tensors: Readonly<Record<string, Tensor>>, label: string) {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const entries = Object.entries(tensors).map(([name, { type, data, dims }]) => {
    if (!ArrayBuffer.isView(data))
      throw new InputError(`kit: ${label}: "${name}" holds strings, which no device takes.`, 'Leave the model out.');
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const entry = { name, type, shape: [...dims], offset };
    parts.push(bytes);
    offset += bytes.length;
    return entry;
  });
  writeFileAtomic(path, Buffer.concat(parts));
  return entries;
}
