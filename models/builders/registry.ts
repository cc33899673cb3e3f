// The built-in networks: each is written once as real ONNX, with seeded weights, and then lies in the cache.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { readCached, writeCached } from '../../base/files/cache.js';
import { contentHash } from '../../base/files/hash.js';
import { cacheDirectory } from '../../base/files/paths.js';
import { DataType, encodeModel, type ModelProto } from '../../base/onnx/proto.js';
import type { DeclaredInput } from '../files/shapes.js';
import {
  type ModelBuilderEntry,
  modelBuilder,
  modelNames,
  type NetworkSettings,
  registerModelBuilder,
} from './entries.js';
import { mobilenetV1, mobilenetV2, mobilenetV3Small } from './mobilenet.js';
import { randomCnn } from './random-cnn.js';
import { resnet18, resnet50vd } from './resnet.js';
import { shufflenet } from './shufflenet.js';
import { squeezenet } from './squeezenet.js';
import { swinT } from './swin.js';
import { vitB16 } from './vit.js';
import { yoloxS } from './yolox.js';
import { yunet } from './yunet.js';

/** A network of this package. */
interface Builder extends Omit<ModelBuilderEntry, 'build' | 'version'> {
  readonly build: (settings: NetworkSettings, width: number, height: number) => ModelProto;
}

const builders: Readonly<Record<string, Builder>> = {
  mobilenetv1: { build: mobilenetV1, size: 224 },
  'mobilenetv3-small': { build: mobilenetV3Small, size: 224 },
  mobilenetv2: { build: mobilenetV2, size: 224 },
  resnet18: { build: resnet18, size: 224 },
  'resnet50-vd': { build: resnet50vd, size: 224 },
  'vit-b16': { build: vitB16, size: 224 },
  'swin-t': { build: swinT, size: 224 },
  'yolox-s': { build: yoloxS, size: 640 },
  squeezenet: { build: squeezenet, size: 224 },
  shufflenet: { build: shufflenet, size: 224 },
  yunet: { build: yunet, size: 320, oblong: true },
};

export const builderNames: readonly string[] = Object.keys(builders);

/** Networks that nobody published: their seed decides the architecture too. */
const generators: Readonly<Record<string, Builder>> = {
  'random-cnn': { build: randomCnn, size: 224, oblong: true },
};
export const generatorNames: readonly string[] = Object.keys(generators);

for (const [name, { build, ...entry }] of Object.entries({ ...builders, ...generators }))
  registerModelBuilder(name, { ...entry, build: (...settings) => encodeModel(build(...settings)) });

/** URI parameters of a built-in network beside `batch`; `height` is `size` unless given. */
export const builderParameters: readonly string[] = ['seed', 'size', 'height', 'sparsity'];

/** Changes when a builder emits other nodes or weights for the same parameters. */
const buildersVersion = 3;

export interface BuiltModel {
  readonly path: string;
  readonly hash: string;
  readonly declared: readonly DeclaredInput[];
  /** As the canonical URI says them: the seed always, the others where they are not the default. */
  readonly parameters: readonly (readonly [string, number])[];
}

/**
 * The file of a built-in network, written on first use.
 * @throws InputError for an unknown name or a parameter out of range.
 */
export function buildModel(name: string, given: Readonly<Record<string, number>>): BuiltModel {
  const builder = modelBuilder(name);
  if (!builder) throw new InputError(`models: there is no built-in model "${name}".`, didYouMean(name, modelNames()));
  const { seed, size, sparsity } = { seed: 0, size: builder.size, sparsity: 0, ...given };
  const height = given.height ?? size;
  check(name, 'seed', seed, Number.isSafeInteger(seed) && seed >= 0, 'a whole number of 0 or more');
  check(name, 'size', size, Number.isInteger(size) && size >= 32 && size % 32 === 0, 'a multiple of 32');
  check(name, 'height', height, Number.isInteger(height) && height >= 32 && height % 32 === 0, 'a multiple of 32');
  if (!builder.oblong)
    check(name, 'height', height, height === size, `no height: its images are square, ${size} pixels a side`);
  check(name, 'sparsity', sparsity, sparsity >= 0 && sparsity < 1, 'a fraction from 0 up to, not including, 1');

  const stem = join(
    cacheDirectory(),
    'models',
    `${name}-seed${seed}-size${size}${height === size ? '' : `x${height}`}-sparsity${sparsity}-v${builder.version ?? buildersVersion}`,
  );
  const path = `${stem}.onnx`;
  // The hash is written last: where it lies, the model of that size lies too.
  let written = readCached<{ hash: string; bytes: number }>(`${stem}.json`);
  if (!written || statSync(path, { throwIfNoEntry: false })?.size !== written.bytes) {
    const bytes = builder.build({ name, seed, sparsity }, size, height);
    written = { hash: contentHash(bytes), bytes: bytes.length };
    writeFileAtomic(path, bytes);
    writeCached(`${stem}.json`, written);
  }
  return {
    path,
    hash: written.hash,
    declared: [{ name: 'input', elemType: DataType.FLOAT, dims: ['batch', 3, height, size] }],
    parameters: Object.entries({ seed, size, height, sparsity }).filter(
      ([key, value]) => key === 'seed' || value !== { size: builder.size, height: size, sparsity: 0 }[key],
    ),
  };
}

function check(model: string, parameter: string, value: number, holds: boolean, rule: string): void {
  if (!holds) throw new InputError(`models: ${model}: ${parameter} is ${value}.`, `Give ${rule}.`);
}
