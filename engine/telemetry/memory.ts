// Memory of the machine (/proc/meminfo) and of this process (/proc/self/statm), in bytes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelFiles, type Reading } from './reading.js';

export interface MachineMemory {
  readonly totalBytes: number;
  /** What new programs can have without swapping, by the kernel's estimate. */
  readonly availableBytes: number;
  readonly swapTotalBytes: number;
  readonly swapFreeBytes: number;
}

export interface ProcessMemory {
  /** Address space; most of it is never touched. */
  readonly virtualBytes: number;
  /** Pages in memory, shared ones included. */
  readonly residentBytes: number;
  /** The part of `residentBytes` that files or shared memory back. */
  readonly sharedBytes: number;
}

/**
 * /proc/meminfo says kB and means 1024 bytes (Documentation/filesystems/proc.rst).
 * @returns null when MemTotal or MemAvailable is missing. A machine without swap lines has none.
 */
export function parseMeminfo(text: string): MachineMemory | null {
  const kib = new Map([...text.matchAll(/^(\w+): +(\d+) kB$/gm)].map((match) => [match[1]!, Number(match[2])]));
  const total = kib.get('MemTotal');
  const available = kib.get('MemAvailable');
  if (total === undefined || available === undefined) return null;
  return {
    totalBytes: total * 1024,
    availableBytes: available * 1024,
    swapTotalBytes: (kib.get('SwapTotal') ?? 0) * 1024,
    swapFreeBytes: (kib.get('SwapFree') ?? 0) * 1024,
  };
}

/** /proc/self/statm counts pages: size, resident, shared, then fields that are 0 or of no use here (proc(5)). */
export function parseStatm(text: string, pageBytes: number): ProcessMemory | null {
  const [size, resident, shared] = text.trim().split(/ +/).map(Number);
  if (!Number.isFinite(size) || !Number.isFinite(resident) || !Number.isFinite(shared)) return null;
  return { virtualBytes: size! * pageBytes, residentBytes: resident! * pageBytes, sharedBytes: shared! * pageBytes };
}

/** AT_PAGESZ, entry 6 of the auxiliary vector: pairs of 64-bit words (getauxval(3)). Null where it is not there. */
export function parsePageBytes(auxiliaryVector: Uint8Array): number | null {
  const view = new DataView(auxiliaryVector.buffer, auxiliaryVector.byteOffset, auxiliaryVector.byteLength);
  for (let at = 0; at + 16 <= view.byteLength; at += 16) {
    if (view.getBigUint64(at, true) === 6n) return Number(view.getBigUint64(at + 8, true));
  }
  return null;
}

export function readMachineMemory(root?: string): Reading<MachineMemory | null> {
  const files = new KernelFiles(root);
  const text = files.text('proc/meminfo');
  const memory = text === null ? null : parseMeminfo(text);
  if (text !== null && memory === null) files.missing('/proc/meminfo', 'has no MemTotal and MemAvailable');
  return files.reading(memory);
}

export function readProcessMemory(root?: string): Reading<ProcessMemory | null> {
  const files = new KernelFiles(root);
  const text = files.text('proc/self/statm');
  if (text === null) return files.reading(null);
  const pageBytes = readPageBytes(files.root);
  if (pageBytes === null) {
    return files.reading(
      files.missing('/proc/self/statm', 'counts pages, and /proc/self/auxv does not say their size'),
    );
  }
  return files.reading(parseStatm(text, pageBytes) ?? files.missing('/proc/self/statm', 'is not three numbers'));
}

function readPageBytes(root: string): number | null {
  try {
    return parsePageBytes(readFileSync(join(root, 'proc/self/auxv')));
  } catch {
    return null;
  }
}
