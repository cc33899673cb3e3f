// Profiles by URI: `profile://name?axis=value` for those that ship, a path or `file://` for the user's own.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { packageRoot } from '../../base/files/paths.js';
import { type Axes, axisNames, type ProfileFile, profileFileSchema } from './profile-schema.js';

const shippedFolder = join(packageRoot, 'engine', 'device', 'profiles');

export function shippedProfiles(): string[] {
  return readdirSync(shippedFolder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort();
}

export interface OpenedProfile {
  readonly file: ProfileFile;
  /** The URI without its query. */
  readonly address: string;
  /** Values of the axes that the query gives. */
  readonly axes: Partial<Axes>;
  /** Numbers that the query replaces, by name: `device1.launch` -> `20us`. */
  readonly overrides: ReadonlyMap<string, string>;
}

/**
 * Reads the profile and its URI's query; every key that is no axis replaces the number of that name.
 * @throws InputError when the profile or an axis value is unknown, or the file cannot be read or breaks the schema.
 */
export function openProfile(uri: string): OpenedProfile {
  const [address = '', query = ''] = uri.split('?', 2);
  const { file, canonical } = locate(address);
  const axes: Partial<Record<keyof Axes, string>> = {};
  const overrides = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(query)) {
    const axis = axisNames.find((name) => name === key);
    if (!axis) {
      overrides.set(key, value);
      continue;
    }
    const values: readonly string[] = file.axes[axis];
    if (!values.includes(value)) {
      throw new InputError(`profile ${uri}: ${axis} "${value}" is unknown.`, didYouMean(value, values));
    }
    axes[axis] = value;
  }
  return { file, address: canonical, axes: axes as Partial<Axes>, overrides };
}

function locate(address: string): { file: ProfileFile; canonical: string } {
  if (!address.startsWith('profile://')) {
    const path = resolve(address.startsWith('file://') ? fileURLToPath(address) : address);
    return { file: readProfile(path), canonical: pathToFileURL(path).href };
  }
  const name = address.slice('profile://'.length).replace(/\/$/, '');
  const known = shippedProfiles();
  if (!known.includes(name)) throw new InputError(`profile "${name}" is unknown.`, didYouMean(name, known));
  return { file: readProfile(join(shippedFolder, `${name}.json`)), canonical: `profile://${name}` };
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
