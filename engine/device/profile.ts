// A device profile: one variant of a board, every number resolved to the program's units, with the weakest source.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { canonicalJson, contentHash } from '../../base/files/hash.js';
import { packageRoot } from '../../base/files/paths.js';
import { parseQuantity, type Quantity } from '../../base/units/quantity.js';
import type { Granularity, OpClass } from '../../models/graph.js';
import { opClasses } from '../../models/graph.js';
import {
  type Axes,
  axisNames,
  type Cases,
  type ProfileFile,
  profileFileSchema,
  type Sourced,
  type SourceKind,
  weaker,
} from './profile-schema.js';

export interface DeviceModel {
  readonly name: string;
  readonly kind: 'cpu' | 'gpu';
  /** Arithmetic ceiling of each operator class: the device's ceiling times the class's efficiency. */
  readonly flopPerMs: Readonly<Record<OpClass, number>>;
  readonly bytesPerMs: number;
  readonly launchMs: number;
}

export interface DeviceProfile {
  readonly version: 1;
  readonly name: string;
  /** `profile://name?mode=...&precision=...&launch=...&transfer=...`, every axis given. */
  readonly uri: string;
  /** Of the resolved numbers. */
  readonly hash: string;
  readonly axes: Axes;
  /** `eager` launches each operator, `graph` each fused unit. */
  readonly granularity: Granularity;
  readonly devices: readonly [DeviceModel, DeviceModel];
  readonly syncMs: number;
  readonly transfer: readonly [MoveModel, MoveModel];
  /** Weakest kind among the numbers. */
  readonly weakestSource: SourceKind;
}

export interface MoveModel {
  readonly latencyMs: number;
  readonly bytesPerMs: number;
}

const shippedFolder = join(packageRoot, 'engine', 'device', 'profiles');

export function shippedProfiles(): string[] {
  return readdirSync(shippedFolder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort();
}

/**
 * Resolves `profile://jetson-agx-orin?mode=maxn` or `file:///path/own.json?mode=maxn`; axes that are not given take the
 * file's first value.
 * @throws InputError when profile, axis or axis value is unknown, or the file breaks the schema.
 */
export function loadProfile(uri: string): DeviceProfile {
  const { file, path, query } = openProfile(uri);
  const axes = chooseAxes(file, query, uri);
  return resolveProfile(file, axes, path);
}

/** Every variant of a profile, as full URIs, in the file's order. */
export function profileVariants(uri: string): string[] {
  const { file, path } = openProfile(uri);
  let variants: Partial<Axes>[] = [{}];
  for (const axis of axisNames) {
    variants = variants.flatMap((partial) => file.axes[axis].map((value) => ({ ...partial, [axis]: value })));
  }
  return variants.map((axes) => fullUri(file, axes as Axes, path));
}

interface OpenedProfile {
  readonly file: ProfileFile;
  /** null for a shipped profile. */
  readonly path: string | null;
  readonly query: URLSearchParams;
}

function openProfile(uri: string): OpenedProfile {
  const [address = '', queryText = ''] = uri.split('?', 2);
  const query = new URLSearchParams(queryText);
  if (address.startsWith('profile://')) {
    const name = address.slice('profile://'.length).replace(/\/$/, '');
    const known = shippedProfiles();
    if (!known.includes(name)) throw new InputError(`profile "${name}" is unknown.`, didYouMean(name, known));
    return { file: readProfile(join(shippedFolder, `${name}.json`)), path: null, query };
  }
  const path = address.startsWith('file://') ? fileURLToPath(address) : address;
  return { file: readProfile(path), path, query };
}

function readProfile(path: string): ProfileFile {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new InputError(
      `profile ${path}: cannot be read: ${(error as Error).message}.`,
      `Give profile://${shippedProfiles().join(' or profile://')}, or the path of a profile's JSON file.`,
    );
  }
  const parsed = profileFileSchema.safeParse(json);
  if (!parsed.success) {
    throw new InputError(
      `profile ${path}: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`,
      'docs/profiles.md describes the format.',
    );
  }
  return parsed.data;
}

function chooseAxes(file: ProfileFile, query: URLSearchParams, uri: string): Axes {
  for (const key of query.keys()) {
    if (!(axisNames as readonly string[]).includes(key)) {
      throw new InputError(`profile ${uri}: axis "${key}" is unknown.`, didYouMean(key, axisNames));
    }
  }
  const choose = (axis: keyof Axes): string => {
    const values: readonly string[] = file.axes[axis];
    const value = query.get(axis) ?? values[0]!;
    if (!values.includes(value)) {
      throw new InputError(`profile ${uri}: ${axis} "${value}" is unknown.`, didYouMean(value, values));
    }
    return value;
  };
  return Object.fromEntries(axisNames.map((axis) => [axis, choose(axis)])) as Axes;
}

function fullUri(file: ProfileFile, axes: Axes, path: string | null): string {
  const query = axisNames.map((axis) => `${axis}=${axes[axis]}`).join('&');
  return `${path === null ? `profile://${file.name}` : `file://${path}`}?${query}`;
}

/** Chooses each number's case and converts it. */
export function resolveProfile(file: ProfileFile, axes: Axes, path: string | null = null): DeviceProfile {
  let weakestSource: SourceKind = 'measured';
  const pick = (cases: Cases, where: string): Sourced => {
    const matching = cases.filter(({ when = {} }) =>
      axisNames.every((axis) => when[axis] === undefined || when[axis] === axes[axis]),
    );
    if (matching.length !== 1) {
      throw new InputError(
        `profile ${file.name}: ${where} has ${matching.length} cases for ${JSON.stringify(axes)}, not one.`,
        'Each variant needs exactly one matching case.',
      );
    }
    weakestSource = weaker(weakestSource, matching[0]!.kind);
    return matching[0]!;
  };
  const number = (cases: Cases, quantity: Quantity, where: string): number =>
    parseQuantity(pick(cases, where).value, quantity, `profile ${file.name}: ${where}`);
  const device = (model: ProfileFile['devices'][number]): DeviceModel => {
    const ceiling = number(model.compute, 'flopPerMs', `${model.kind}.compute`);
    const efficiency = (opClass: OpClass): number => {
      const cases = model.efficiency[opClass];
      return cases ? Number(pick(cases, `${model.kind}.efficiency.${opClass}`).value) : 1;
    };
    return {
      name: model.name,
      kind: model.kind,
      flopPerMs: Object.fromEntries(opClasses.map((opClass) => [opClass, ceiling * efficiency(opClass)])) as Record<
        OpClass,
        number
      >,
      bytesPerMs: number(model.bandwidth, 'bytesPerMs', `${model.kind}.bandwidth`),
      launchMs: number(model.launch, 'latencyMs', `${model.kind}.launch`),
    };
  };
  const move = (model: ProfileFile['transfer'][number], to: number): MoveModel => ({
    latencyMs: number(model.latency, 'latencyMs', `transfer to ${to}: latency`),
    bytesPerMs: number(model.bandwidth, 'bytesPerMs', `transfer to ${to}: bandwidth`),
  });
  const numbers = {
    version: 1 as const,
    name: file.name,
    axes,
    granularity: axes.launch === 'eager' ? ('operator' as const) : ('fused' as const),
    devices: [device(file.devices[0]), device(file.devices[1])] as const,
    syncMs: number(file.sync, 'latencyMs', 'sync'),
    transfer: [move(file.transfer[0], 0), move(file.transfer[1], 1)] as const,
  };
  return { ...numbers, uri: fullUri(file, axes, path), weakestSource, hash: contentHash(canonicalJson(numbers)) };
}
