// The entry point: loads a model by its name. Analysing a model takes seconds and depends only on the file, the shapes and the
// inputs, so the result is cached under a key of exactly these.
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { didYouMean, InputError } from '../base/errors/input-error.js';
import { checkOptions } from '../base/errors/options.js';
import { canonicalJson, contentHash } from '../base/files/hash.js';
import { cacheDirectory } from '../base/files/paths.js';
import { own } from '../base/functions/own.js';
import { analysisVersion } from './analysis/analysis.js';
import { readAnalysis } from './analysis/analysis-cache.js';
import { analyseSupervised } from './analysis/supervised-analysis.js';
import { builderNames, builderParameters, buildModel } from './builders/registry.js';
import { controlValues } from './files/control-inputs.js';
import { readInputs, type UserInput } from './files/inputs.js';
import { readOnnxFile } from './files/onnx-file.js';
import {
  type BoundInput,
  batchIsFree,
  batchOf,
  bindShapes,
  type DeclaredInput,
  declaredInputs,
} from './files/shapes.js';
import type { LoadedModel, ModelInput } from './model-facts.js';
import { isNcnnPath } from './ncnn/import.js';
import { ncnnModel } from './ncnn/model.js';
import { formatModelUri, type ModelOptions, type ModelReference, modelOptionNames, parseModelUri } from './uri.js';

export type { LoadedModel } from './model-facts.js';

/** Where a model comes from, before its shapes are known. */
interface Source {
  readonly reference: ModelReference;
  readonly path: string;
  readonly hash: string;
  readonly declared: readonly DeclaredInput[];
  readonly randomWeights: boolean;
  /** Builder parameters that the URI names. */
  readonly parameters: readonly (readonly [string, number])[];
  /** Size of the file and its external data. */
  readonly bytes: number;
}

/**
 * Loads a model by URI or path: ONNX, or the text of an ncnn graph (.param), which has no weights and is simulated only.
 * @throws InputError when an option is unknown, the name is not understood, the file cannot be read or is no such model, ONNX Runtime has no
 * operator for one of its nodes, external data is missing, or a dimension other than the batch is free.
 */
export async function loadModel(uri: string, options: ModelOptions = {}): Promise<LoadedModel> {
  checkOptions('loadModel', options, modelOptionNames);
  const parsed = parseModelUri(uri, options, builderParameters);
  if (parsed.scheme === 'file' && isNcnnPath(parsed.name)) return ncnnModel(parsed);
  const source = openSource(parsed);
  const { reference, declared } = source;
  const label = reference.scheme === 'file' ? basename(source.path) : reference.name;
  const given = readInputs(reference.inputs, declared, label);
  const bound = bindShapes(
    declared,
    { batch: reference.batch, shape: withInputShapes(reference, given, label) },
    label,
  );
  const inputs = bound.map((input) => modelInput(input, given));
  const key = contentHash(
    canonicalJson({
      model: source.hash,
      inputs: inputs.map(({ name, shape, fill }) => ({ name, shape, fill })),
      given: given.map(({ name, hash }) => ({ name, hash })),
      onnxRuntime: ort.env.versions.node ?? '',
      analysisVersion,
    }),
  );
  const folder = join(cacheDirectory(), 'analysis', key);
  const basicPath = join(folder, 'basic.onnx');
  const files = given.filter(({ fill }) => fill === null);
  let analysis = readAnalysis(folder);
  if (!analysis) {
    const paths = files.map(({ name, path }) => [name, path] as const);
    await analyseSupervised(
      { path: source.path, inputs, files: Object.fromEntries(paths), label, folder },
      source.bytes,
    );
    analysis = readAnalysis(folder)!;
  }
  return {
    uri: canonicalUri(source, bound, given),
    path: source.path,
    basicPath,
    modelHash: source.hash,
    randomWeights: source.randomWeights,
    batch: batchOf(bound),
    batchIsFree: files.length === 0 && (reference.scheme === 'model' || batchIsFree(declared)),
    inputs,
    totals: analysis.totals,
    warnings: [...analysis.warnings, ...bound.flatMap((input) => assumed(input, given))],
    graph: (granularity) => analysis[granularity],
  };
}

function openSource(reference: ModelReference): Source {
  if (reference.scheme === 'model') {
    const built = buildModel(reference.name, reference.parameters);
    return { reference, ...built, randomWeights: true, bytes: statSync(built.path).size };
  }
  if (!existsSync(reference.name) && builderNames.includes(basename(reference.name))) {
    throw new InputError(
      `models: ${reference.name}: there is no such file.`,
      didYouMean(
        `model://${basename(reference.name)}`,
        builderNames.map((name) => `model://${name}`),
      ),
    );
  }
  const file = readOnnxFile(reference.name);
  const declared = declaredInputs(file.model.graph!, file.label);
  return {
    reference,
    path: file.path,
    hash: file.hash(),
    declared,
    randomWeights: false,
    parameters: [],
    bytes: file.bytes,
  };
}

function modelInput({ name, elemType, shape, control }: BoundInput, given: readonly UserInput[]): ModelInput {
  const own = given.find((input) => input.name === name);
  const fill = own ? own.fill : control ? controlValues[control.kind] : null;
  return { name, elemType, shape, ...(fill !== null && { fill }) };
}

/** What is said of an input that governs control flow and that nobody gave. */
function assumed({ name, control }: BoundInput, given: readonly UserInput[]): string[] {
  if (!control || given.some((input) => input.name === name)) return [];
  const other = control.kind === 'condition' ? 0 : 100;
  return [
    `Input "${name}", the ${control.kind} of ${control.reader}, is ${controlValues[control.kind]}: give another by --input ${name}=${other}.`,
  ];
}

/** A user's input has a shape, which says what the file leaves open. */
function withInputShapes(
  reference: ModelReference,
  given: readonly UserInput[],
  label: string,
): Record<string, readonly number[]> {
  for (const { name, path, tensor } of given) {
    const shape = own(reference.shape, name);
    if (shape && shape.join() !== tensor.dims.join()) {
      throw new InputError(
        `models: ${label}: input "${name}" is given the shape [${shape.join(', ')}], but ${path} has [${tensor.dims.join(', ')}].`,
        'Leave the shape out: the file determines it.',
      );
    }
  }
  const shapes = Object.fromEntries(given.map(({ name, tensor }) => [name, tensor.dims]));
  return Object.assign(Object.create(null), reference.shape, shapes);
}

function canonicalUri(source: Source, inputs: readonly BoundInput[], given: readonly UserInput[]): string {
  const { scheme, name } = source.reference;
  return formatModelUri(scheme, name, [
    ['batch', batchOf(inputs)],
    ...source.parameters,
    ...inputs.filter((input) => input.shapeChosen).map((input) => [`shape.${input.name}`, input.shape] as const),
    ...given.map((input) => [`input.${input.name}`, input.path] as const),
  ]);
}
