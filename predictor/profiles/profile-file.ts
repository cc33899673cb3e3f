// Profiles by URI: `profile://name?axis=value` for those that ship, a path or `file://` for the user's own.
import { readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { readLimited, textLimit } from '../../base/files/limits.js';
import { packageRoot } from '../../base/files/paths.js';
import { formatUri, parseUri, type UriParts } from '../../base/files/uri.js';
import { type Axes, axisNames, type ProfileFile, profileFileSchema } from './profile-schema.js';
import { unsupportedOf, unsupportedParameter } from './unsupported.js';

const shippedFolder = join(packageRoot, 'predictor', 'profiles', 'boards');

export function shippedProfiles(): string[] {
  return readdirSync(shippedFolder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort();
}

/** Paths of profiles that plug-ins add, by name. */
const registered = new Map<string, string>();

/** Makes `profile://name` the profile of a JSON file. @throws InputError when the name is taken */
export function registerProfile(name: string, path: string): void {
  if (profileNames().includes(name))
    throw new InputError(`profile "${name}" is registered already.`, 'Choose another name.');
  registered.set(name, resolve(path));
}

/** What `profile://` takes: shipped profiles, and those of plug-ins. */
export const profileNames = (): string[] => [...shippedProfiles(), ...registered.keys()];

export interface OpenedProfile {
  readonly file: ProfileFile;
  /** The canonical URI of a variant: its axes, then the numbers that are replaced. */
  uri(axes: Axes): string;
  /** Values of the axes that the query gives. */
  readonly axes: Partial<Axes>;
  /** Numbers that the query replaces, by name: `device1.launch` -> `20us`. */
  readonly overrides: ReadonlyMap<string, string>;
  /** Operator types that device 1 is said not to run: `unsupported=LRN;Softmax`. */
  readonly unsupported: readonly string[];
  /** Which draw of the numbers with a prior: `member=3`; null for their stated values. */
  readonly member: number | null;
}

/**
 * Reads the profile and its URI's query; every key that is no axis, and neither `unsupported` nor `member`, replaces
 * the number of that name.
 * @throws InputError when the profile or an axis value is unknown, or the file cannot be read or breaks the schema.
 */
export function openProfile(uri: string): OpenedProfile {
  const { scheme, name, parameters } = partsOf(uri);
  const file = readProfile(scheme === 'profile' ? shippedPath(name) : name);
  const axes: Partial<Record<keyof Axes, string>> = {};
  const overrides = new Map<string, string>();
  const unsupported = unsupportedOf(parameters, uri);
  const member = memberOf(parameters, uri);
  for (const [key, value] of parameters) {
    if (key === 'unsupported' || key === 'member') continue;
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
  return {
    file,
    uri: (chosen) =>
      formatUri(scheme ?? 'file', name, [
        ...axisNames.map((axis) => [axis, chosen[axis]] as const),
        ...overrides,
        ...unsupportedParameter(unsupported),
        ...(member === null ? [] : [['member', String(member)] as const]),
      ]),
    axes: axes as Partial<Axes>,
    overrides,
    unsupported,
    member,
  };
}

function memberOf(parameters: URLSearchParams, uri: string): number | null {
  const text = parameters.get('member');
  if (text === null) return null;
  if (!/^\d{1,9}$/.test(text))
    throw new InputError(
      `profile ${uri}: member is "${text}".`,
      'Give a whole number of 0 or more: it names one draw.',
    );
  return Number(text);
}

function partsOf(uri: string): UriParts {
  const remedy = `Give profile://${shippedProfiles().join(' or profile://')}, or the path of a profile's JSON file.`;
  let parts: UriParts;
  try {
    parts = parseUri(uri);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`profile "${uri}": no file URI: ${(error as Error).message}.`, remedy);
  }
  if (parts.scheme === 'profile') return { ...parts, name: parts.name.replace(/\/$/, '') };
  if (parts.scheme === 'file' || parts.scheme === null) return parts;
  throw new InputError(`profile "${uri}": profiles have no scheme "${parts.scheme}://".`, remedy);
}

function shippedPath(name: string): string {
  const known = profileNames();
  if (!known.includes(name)) throw new InputError(`profile "${name}" is unknown.`, didYouMean(name, known));
  return registered.get(name) ?? join(shippedFolder, `${name}.json`);
}

function readProfile(path: string): ProfileFile {
  let json: unknown;
  try {
    json = JSON.parse(readLimited(path, textLimit()).toString());
  } catch (error) {
    if (error instanceof InputError) throw error;
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
