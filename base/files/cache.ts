// Values kept in the cache. An entry is a line with the hash of what follows, and JSON; one that was cut or changed is none,
// and is made again. Keys hold what an entry depends on, so one that is whole needs no further check.
import { readFileSync } from 'node:fs';
import { writeFileAtomic } from './atomic.js';
import { contentHash } from './hash.js';

/** The value at `path`; null where there is none, or not a whole one. */
export function readCached<T>(path: string): T | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  return text.slice(0, end) === contentHash(body) ? (JSON.parse(body) as T) : null;
}

/** @throws InputError when the system refuses, naming the setting of the cache's folder */
export function writeCached(path: string, value: unknown): void {
  const body = JSON.stringify(value);
  writeFileAtomic(path, `${contentHash(body)}\n${body}`);
}
