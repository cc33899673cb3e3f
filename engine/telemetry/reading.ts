// How telemetry reads: every value comes from a small text file of the kernel, and every file may be missing, forbidden
// or fail. A reader never throws and never invents: what it could not read is listed with the reason.
//
// All paths hang on a root folder, so that a recorded tree can stand for a machine.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Something that could not be read, and why. */
export interface Unavailable {
  readonly what: string;
  readonly why: string;
}

/** What a reader found. Parts that could not be read are null or left out of `value`, and listed. */
export interface Reading<T> {
  readonly value: T;
  readonly unavailable: readonly Unavailable[];
}

/** What failing to read a kernel file means, by error code. */
const meanings: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  EAGAIN: 'has no value now: the part it describes is asleep or powered off',
  ENODATA: 'has no value: the channel is switched off',
  ENODEV: 'has no device behind it',
  EIO: 'failed: the device did not answer',
};

/** Reads files under one root and keeps a list of those that could not be read. */
export class KernelFiles {
  readonly #unavailable: Unavailable[] = [];

  /** @param root the folder that stands for `/`. */
  constructor(readonly root: string = '/') {}

  get unavailable(): readonly Unavailable[] {
    return this.#unavailable;
  }

  /** The trimmed text of a file, without the NUL that ends device-tree strings; null when it cannot be read. */
  text(path: string): string | null {
    try {
      return readFileSync(join(this.root, path), 'utf8').replace(/\0+$/, '').trim();
    } catch (error) {
      return this.missing(`/${path}`, meaningOf(error));
    }
  }

  /** The number a file begins with; null when there is none. */
  number(path: string): number | null {
    const text = this.text(path);
    if (text === null) return null;
    const value = Number.parseFloat(text);
    return Number.isFinite(value)
      ? value
      : this.missing(`/${path}`, `holds "${text.slice(0, 40)}", which is no number`);
  }

  /** Names in a folder that match `pattern`, numbers in natural order; none when the folder cannot be read. */
  list(path: string, pattern: RegExp): string[] {
    try {
      const names = readdirSync(join(this.root, path)).filter((name) => pattern.test(name));
      return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    } catch (error) {
      this.missing(`/${path}`, meaningOf(error));
      return [];
    }
  }

  exists(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  /** Lists something as unavailable; returns null for convenience. */
  missing(what: string, why: string): null {
    this.#unavailable.push({ what, why });
    return null;
  }

  reading<T>(value: T): Reading<T> {
    return { value, unavailable: this.#unavailable };
  }
}

function meaningOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return meanings[code ?? ''] ?? `cannot be read: ${code ?? message}`;
}
