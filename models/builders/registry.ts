// The built-in networks: each is written once as real ONNX, with seeded weights, and then lies in the cache.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { contentHash } from '../../base/files/hash.js';
import { cacheDirectory } from '../../base/files/paths.js';
import { DataType, encodeModel, type ModelProto } from '../../base/onnx/proto.js';
import type { DeclaredInput } from '../shapes.js';
import { mobilenetV2, mobilenetV3Small } from './mobilenet.js';
import type { NetworkSettings } from './network.js';
import { randomCnn } from './random-cnn.js';
import { resnet18 } from './resnet.js';
import { swinT } from './swin.js';
import { vitB16 } from './vit.js';

type Builder = (settings: NetworkSettings, size: number) => ModelProto;

const builders: Readonly<Record<string, Builder>> = {
  'mobilenetv3-small': mobilenetV3Small,
  mobilenetv2: mobilenetV2,
  resnet18,
  'vit-b16': vitB16,
  'swin-t': swinT,
};

export const builderNames: readonly string[] = Object.keys(builders);

/** Networks that nobody published: their seed decides the architecture too. */
const generators: Readonly<Record<string, Builder>> = { 'random-cnn': randomCnn };
export const generatorNames: readonly string[] = Object.keys(generators);
const all: Readonly<Record<string, Builder>> = { ...builders, ...generators };

/** URI parameters of a built-in network beside `batch`, with their defaults. */
const defaults = { seed: 0, size: 224, sparsity: 0 } as const;
export const builderParameters: readonly string[] = Object.keys(defaults);

/** Changes when a builder emits other nodes or weights for the same parameters. */
const buildersVersion = 1;

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
  const build = Object.hasOwn(all, name) ? all[name] : undefined;
  if (!build) throw new InputError(`models: there is no built-in model "${name}".`, didYouMean(name, Object.keys(all)));
  const { seed, size, sparsity } = { ...defaults, ...given };
  check(name, 'seed', seed, Number.isSafeInteger(seed) && seed >= 0, 'a whole number of 0 or more');
  check(name, 'size', size, Number.isInteger(size) && size >= 32 && size % 32 === 0, 'a multiple of 32');
  check(name, 'sparsity', sparsity, sparsity >= 0 && sparsity < 1, 'a fraction from 0 up to, not including, 1');

  const stem = join(
    cacheDirectory(),
    'models',
    `${name}-seed${seed}-size${size}-sparsity${sparsity}-v${buildersVersion}`,
  );
  const path = `${stem}.onnx`;
  // The hash is written last: where it lies, the whole model lies.
  if (!existsSync(`${stem}.hash`)) {
    const bytes = encodeModel(build({ name, seed, sparsity }, size));
    writeFileAtomic(path, bytes);
    writeFileAtomic(`${stem}.hash`, contentHash(bytes));
  }
  return {
    path,
    hash: readFileSync(`${stem}.hash`, 'utf8'),
    declared: [{ name: 'input', elemType: DataType.FLOAT, dims: ['batch', 3, size, size] }],
    parameters: Object.entries({ seed, size, sparsity }).filter(
      ([key, value]) => key === 'seed' || value !== defaults[key as keyof typeof defaults],
    ),
  };
}

function check(model: string, parameter: string, value: number, holds: boolean, rule: string): void {
  if (!holds) throw new InputError(`models: ${model}: ${parameter} is ${value}.`, `Give ${rule}.`);
}
