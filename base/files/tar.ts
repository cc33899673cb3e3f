// Reading a .tar.gz of regular files, as Python's tarfile writes it in the ustar format (POSIX.1-1988): blocks of 512 bytes,
// a header and then the content of each file.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { InputError } from '../errors/input-error.js';

const blockBytes = 512;

/**
 * The files of an archive, by name.
 * @throws InputError when it cannot be read, is no gzip or was cut short, or a header's sum of bytes is wrong.
 */
export function readTarGz(path: string): Map<string, Uint8Array> {
  const remedy = 'Copy the archive again; a transfer that stopped half-way looks like this.';
  let bytes: Buffer;
  try {
    bytes = gunzipSync(readFileSync(path));
  } catch (error) {
    throw new InputError(`${path}: cannot be read as .tar.gz: ${(error as Error).message}.`, remedy);
  }
  const files = new Map<string, Uint8Array>();
  let at = 0;
  while (at + blockBytes <= bytes.length) {
    const header = bytes.subarray(at, at + blockBytes);
    if (header.every((byte) => byte === 0)) return files;
    const text = (from: number, length: number) =>
      header
        .toString('latin1', from, from + length)
        .replace(/[\0 ]+$/, '')
        .replace(/\0.*/s, '');
    // The sum is made with spaces in its own place (bytes 148 to 155).
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    if (sum !== Number.parseInt(text(148, 8), 8))
      throw new InputError(`${path}: the header at byte ${at} is damaged: its sum of bytes is wrong.`, remedy);
    const size = Number.parseInt(text(124, 12), 8);
    const content = bytes.subarray(at + blockBytes, at + blockBytes + size);
    if (content.length < size)
      throw new InputError(`${path}: ends ${size - content.length} bytes before the end of ${text(0, 100)}.`, remedy);
    const type = text(156, 1);
    if (type === '0' || type === '') files.set([text(345, 155), text(0, 100)].filter(Boolean).join('/'), content);
    at += blockBytes * (1 + Math.ceil(size / blockBytes));
  }
  throw new InputError(`${path}: ends without the two empty blocks that end an archive.`, remedy);
}
