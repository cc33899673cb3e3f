// How much of a file is read: a small file can claim, or unpack to, more than any machine has.
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { InputError } from '../errors/input-error.js';
import { isSystemError } from '../errors/system-error.js';

const setting = 'SPAROA_GYM_FILE_MB';
const defaultMb = 256;

/**
 * The most bytes of a file that is no model, unpacked: an array, a picture as a tensor. `SPAROA_GYM_FILE_MB` sets it.
 * @throws InputError when the setting is no positive number
 */
export function fileLimit(): number {
  const text = process.env[setting];
  const mb = text ? Number(text) : defaultMb;
  if (!(mb > 0 && Number.isFinite(mb)))
    throw new InputError(`${setting} is "${text}".`, `Give a number of megabytes, such as ${defaultMb}.`);
  return Math.floor(mb * 1e6);
}

/** The most bytes of a text (JSON, CSV, YAML, archives of these): a quarter, since it grows when it is parsed. */
export const textLimit = (): number => Math.floor(fileLimit() / 4);

/** @throws InputError when `bytes` are more than `most`; `what` has them */
export function checkSize(what: string, bytes: number, most: number): void {
  if (bytes <= most) return;
  const mb = (value: number) => (value / 1e6).toFixed(1);
  throw new InputError(
    `${what} takes ${mb(bytes)} MB, more than the limit of ${mb(most)} MB.`,
    `Give a smaller one, or raise the limit: ${setting}=${Math.ceil((fileLimit() / 1e6) * (bytes / most))}.`,
  );
}

/**
 * The content of a file of at most `most` bytes. Of a pipe or device, which has no size, no more is read.
 * @throws InputError when it has more, and the system's own error when it cannot be read
 */
export function readLimited(path: string, most: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const stat = fstatSync(file);
    if (stat.isFile() || stat.isDirectory()) {
      checkSize(path, stat.size, most);
      return readFileSync(file);
    }
    const parts: Buffer[] = [];
    for (let size = 0; ; ) {
      const part = Buffer.alloc(65536);
      const count = readSync(file, part);
      if (count === 0) return Buffer.concat(parts);
      parts.push(part.subarray(0, count));
      size += count;
      checkSize(path, size, most);
    }
  } catch (error) {
    // Errors of reading do not know what they read.
    throw isSystemError(error) ? Object.assign(error, { path }) : error;
  } finally {
    closeSync(file);
  }
}
