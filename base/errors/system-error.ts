// Errors of the operating system (a full disk, a missing permission, a port in use) that the user can fix: one line names the
// path and the reason, one the setting to change.
import { tmpdir } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { cacheDirectory, isWithin } from '../files/paths.js';
import { InputError } from './input-error.js';

type SystemError = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };

/** Calls that change what is on the disk; `open` does so with some reasons only. */
const writing = ['mkdir', 'mkdtemp', 'write', 'rename', 'fsync', 'ftruncate', 'copyfile', 'unlink', 'rm', 'rmdir'];
const writingReasons = ['ENOSPC', 'EROFS', 'EDQUOT', 'EFBIG', 'ETXTBSY'];

/** Messages of V8 and of native code for too little memory. */
const memoryMessages =
  /allocation failed|Invalid (array|typed array|array buffer|string) length|string longer than|bad_alloc/i;

/**
 * The error for the user where `error` is the system's; null where it is anything else, such as a defect.
 * @param path what was read or written, where the error does not know it or has a temporary name
 */
export function systemError(error: unknown, path?: string): InputError | null {
  if (!(error instanceof Error)) return null;
  if (!isSystemError(error)) {
    if (!memoryMessages.test(error.message)) return null;
    return new InputError(`there is not enough memory: ${error.message}.`, 'Take a smaller batch, input or model.');
  }
  const { code, syscall } = error;
  const reason = getSystemErrorMap().get(error.errno!)?.[1] ?? code;
  if (syscall === 'listen' || syscall === 'bind') {
    const where = error.port === undefined ? (error.address ?? 'the socket') : `${error.address ?? ''}:${error.port}`;
    return new InputError(`${where}: cannot be listened on: ${reason}.`, 'Choose another port (--socket).');
  }
  const place = path ?? error.path ?? 'a file';
  const written = path !== undefined || writing.includes(syscall!) || writingReasons.includes(code!);
  const verb = written ? 'written' : 'read';
  return new InputError(`${place}: cannot be ${verb}: ${reason}.`, remedyFor(place, written, code!));
}

export function isSystemError(error: unknown): error is SystemError {
  const { code, errno, syscall } = error as SystemError;
  return typeof code === 'string' && typeof errno === 'number' && typeof syscall === 'string';
}

function remedyFor(path: string, written: boolean, code: string): string {
  const mend = code === 'ENOSPC' || code === 'EDQUOT' ? 'Free some space' : 'Make it a folder that can be written';
  if (isWithin(path, cacheDirectory())) return `${mend}, or set SPAROA_GYM_CACHE to another folder for the cache.`;
  if (isWithin(path, tmpdir()) && /[\\/]sparoa-/.test(path.slice(tmpdir().length)))
    return `${mend}, or set TMPDIR to another folder for temporary files.`;
  if (written) return `${mend}, or choose another one (--out).`;
  return code === 'EMFILE' || code === 'ENFILE'
    ? 'Close other programs, or raise the limit on open files (ulimit -n).'
    : 'Check the path, and the right to read it.';
}
