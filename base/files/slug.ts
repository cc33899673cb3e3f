// Names of files after names that people chose: in letters that every file system takes, and still one for each name.
import { contentHash } from './hash.js';

/** Beside what a folder and an ending add, well below the limit of file systems. */
const mostCharacters = 120;

/**
 * The name with `-` in place of every character but letters, digits, `.`, `-` and `_`. If letters were replaced, a hash is
 * appended, so that different names stay different; blanks and the dots between parts of a short name do not count.
 */
export function slug(name: string): string {
  const lost = /[^\w.\-\s·]/.test(name) || name.length > mostCharacters || !/\w/.test(name);
  return lost ? hashed(name) : folded(name);
}

/** A slug for each of the names, different ones for different names, on file systems that fold case too. */
export function slugs(names: Iterable<string>): Map<string, string> {
  const distinct = [...new Set(names)];
  const taken = new Map<string, number>();
  for (const name of distinct) taken.set(key(name), (taken.get(key(name)) ?? 0) + 1);
  return new Map(distinct.map((name) => [name, taken.get(key(name)) === 1 ? slug(name) : hashed(name)]));
}

const key = (name: string): string => slug(name).toLowerCase();
const folded = (name: string): string => name.replaceAll(/[^\w.-]+/g, '-').slice(0, mostCharacters);
const hashed = (name: string): string => `${folded(name)}-${contentHash(name).slice(0, 8)}`;
