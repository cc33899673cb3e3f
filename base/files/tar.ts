// Reading a .tar.gz of regular files, as Python's tarfile writes it in the ustar format (POSIX.1-1988): blocks of 512 bytes,
// a header and then the content of each file.
import { gunzipSync } from 'node:zlib';
import { InputError } from '../errors/input-error.js';
import { checkSize, readLimited, textLimit } from './limits.js';

const blockBytes = 512;

/**
 * The files of an archive, by name. Unpacking stops at the limit on the size of text files.
 * @throws InputError when it cannot be read, is no gzip, too large or cut short, a header is damaged, or a name leaves the
 * archive's folder or is there twice. The system's own error where there is no such file.
 */
export function readTarGz(path: string): Map<string, Uint8Array> {
  const remedy = 'Copy the archive again; a transfer that stopped half-way looks like this.';
  const damaged = (problem: string) => new InputError(`${path}: ${problem}.`, remedy);
  const packed = readLimited(path, textLimit());
  let bytes: Buffer;
  try {
    bytes = gunzipSync(packed, { maxOutputLength: textLimit() });
  } catch (error) {
    // A gzip file ends with the size of its content.
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      checkSize(`${path}: unpacked`, Math.max(textLimit() + 1, packed.readUInt32LE(packed.length - 4)), textLimit());
    throw damaged(`cannot be read as .tar.gz: ${(error as Error).message}`);
  }
  const files = new Map<string, Uint8Array>();
  let at = 0;
  while (at + blockBytes <= bytes.length) {
    const header = bytes.subarray(at, at + blockBytes);
    if (header.every((byte) => byte === 0)) return files;
    const text = (from: number, length: number) =>
      header
        .toString('utf8', from, from + length)
        .replace(/\0.*$/s, '')
        .trim();
    /** Octal digits; NaN for whatever else stands there. */
    const octal = (from: number, length: number) =>
      /^[0-7]+$/.test(text(from, length)) ? Number.parseInt(text(from, length), 8) : Number.NaN;
    // The sum is made with spaces in its own place (bytes 148 to 155).
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    if (sum !== octal(148, 8)) throw damaged(`the header at byte ${at} is damaged: its sum of bytes is wrong`);
    const size = octal(124, 12);
    if (Number.isNaN(size)) throw damaged(`the header at byte ${at} has the size "${text(124, 12)}"`);
    const name = [text(345, 155), text(0, 100)].filter(Boolean).join('/');
    const content = bytes.subarray(at + blockBytes, at + blockBytes + size);
    if (content.length < size) throw damaged(`ends ${size - content.length} bytes before the end of ${name}`);
    const type = text(156, 1);
    if (type === '0' || type === '') {
      if (leavesFolder(name)) throw damaged(`holds "${name}", which is no name of a file in its folder`);
      if (files.has(name)) throw damaged(`holds ${name} twice`);
      files.set(name, content);
    }
    at += blockBytes * (1 + Math.ceil(size / blockBytes));
  }
  throw damaged('ends without the two empty blocks that end an archive');
}

/** On any system: backslashes and drives count, too. */
const leavesFolder = (name: string): boolean =>
  name === '' || /[\\:\0]/.test(name) || name.split('/').some((part) => part === '' || part === '..' || part === '.');
