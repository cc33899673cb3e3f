// The shape that names of models and profiles share: an address, and a query of parameters. Canonical ones hold no comma,
// space or quotation mark, because they stand in CSV cells and are pasted into shells between single quotes.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { InputError } from '../errors/input-error.js';

export interface UriParts {
  /** The scheme before `://`; null for a path. */
  readonly scheme: string | null;
  /** What follows the scheme; of a file, its absolute path. */
  readonly name: string;
  readonly parameters: URLSearchParams;
}

/**
 * Takes apart `model://name?key=value`, `file:///path?key=value` or a path, which may hold question marks of its own.
 * @param lists parameters that may stand there several times
 * @throws InputError when any other does, and TypeError when a file URI names no path of this machine.
 */
export function parseUri(uri: string, lists: readonly string[] = []): UriParts {
  const scheme = /^([a-z]+):\/\//.exec(uri)?.[1] ?? null;
  if (scheme === null) {
    const at = existsSync(uri) ? -1 : uri.lastIndexOf('?');
    const [path, query] = at < 0 ? [uri, ''] : [uri.slice(0, at), uri.slice(at + 1)];
    return { scheme, name: resolve(path), parameters: parametersOf(query, uri, lists) };
  }
  const at = uri.indexOf('?');
  const [location, query] = at < 0 ? [uri, ''] : [uri.slice(0, at), uri.slice(at + 1)];
  const name = scheme === 'file' ? fileURLToPath(location) : location.slice(`${scheme}://`.length);
  return { scheme, name, parameters: parametersOf(query, uri, lists) };
}

function parametersOf(query: string, uri: string, lists: readonly string[]): URLSearchParams {
  const parameters = new URLSearchParams(query);
  const keys = [...parameters.keys()];
  const twice = keys.find((key, at) => keys.indexOf(key) < at && !lists.includes(key));
  if (twice === undefined) return parameters;
  throw new InputError(`"${uri}": the parameter "${twice}" is given twice.`, 'Give it once.');
}

/** The canonical URI; parameters in the order given. `name` is an absolute path where the scheme is `file`. */
export function formatUri(
  scheme: string,
  name: string,
  parameters: Iterable<readonly [key: string, value: string | number]> = [],
): string {
  const address = scheme === 'file' ? plain(pathToFileURL(name).href) : `${scheme}://${name}`;
  const query = [...parameters].map(([key, value]) => `${encode(key)}=${encode(String(value))}`).join('&');
  return query === '' ? address : `${address}?${query}`;
}

const encode = (part: string): string => plain(encodeURIComponent(part).replaceAll('%2F', '/').replaceAll('%3A', ':'));
/** What a file URI may hold by its standard, but a CSV cell or a quoted shell word had better not. */
const plain = (address: string): string => address.replaceAll(',', '%2C').replaceAll('"', '%22').replaceAll("'", '%27');
