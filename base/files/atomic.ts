// A reader never sees half a file, not even after the power failed: write beside the target, flush, then rename over it.
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { threadId } from 'node:worker_threads';
import { systemError } from '../errors/system-error.js';

/**
 * Writes `data` to `path` atomically, making its folders.
 * @throws InputError when the system refuses: a full disk, a missing right
 */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  try {
    const temporary = temporaryName(path);
    try {
      const file = openSync(temporary, 'wx');
      try {
        writeFileSync(file, data);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    flushFolder(dirname(path));
  } catch (error) {
    throw systemError(error, path) ?? error;
  }
}

/** The rename is in the folder; Windows and some file systems cannot flush one. */
function flushFolder(folder: string): void {
  try {
    const file = openSync(folder, 'r');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch {
    // The file itself is whole either way.
  }
}

/**
 * Makes a folder and those around it, where they are missing. Node's own recursive `mkdirSync` never returns where the
 * system says of a folder that is there that it is not, as Linux does of `/proc`.
 * @throws InputError when the system refuses
 */
export function makeFolder(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    if (dirname(path) !== path) makeFolder(dirname(path));
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      if (statSync(path).isDirectory()) return;
      // A file is there: what matters is that it is no folder.
      Object.assign(error as Error, { code: 'ENOTDIR', errno: -constants.errno.ENOTDIR });
    }
    throw systemError(error, path) ?? error;
  }
}

/** A name beside `path` that no other process or thread uses; the folder is made. */
export function temporaryName(path: string): string {
  makeFolder(dirname(path));
  return `${path}.${process.pid}.${threadId}.${(counter += 1)}.tmp`;
}
let counter = 0;
