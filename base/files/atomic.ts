// A reader never sees half a file: write beside the target, then rename over it.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { threadId } from 'node:worker_threads';

/** Writes `data` to `path` atomically, making its folders. */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  writeAtomic(path, (temporary) => writeFileSync(temporary, data));
}

/** Lets `write` make the file under a temporary name, then renames it to `path`. */
export function writeAtomic(path: string, write: (temporary: string) => void): void {
  const temporary = temporaryName(path);
  try {
    write(temporary);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** A name beside `path` that no other process or thread uses. */
export function temporaryName(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  return `${path}.${process.pid}.${threadId}.${(counter += 1)}.tmp`;
}
let counter = 0;
