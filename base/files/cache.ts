// Values kept in the cache. An entry is a line with the hash of what follows, then JSON; a truncated or changed entry counts
// as absent and is computed again. The key contains all that the value depends on, so an intact entry is never out of date.
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
