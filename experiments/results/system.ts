// Describes the machine of a run: machines with equal fields give byte-identical result files.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { contentHash } from '../../base/files/hash.js';
import { packageRoot } from '../../base/files/paths.js';

export interface SystemDescription {
  readonly version: string;
  readonly platform: string;
  readonly node: string;
  readonly onnxRuntime: string;
  readonly cpu: string;
  readonly cores: number;
  /** The widest vector extension that the kernel reports; null if unknown. */
  readonly vectorExtension: string | null;
  /** Of the lockfile; null in an installed package. */
  readonly lockfileHash: string | null;
}

export function describeSystem(): SystemDescription {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  return {
    version,
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    onnxRuntime: ort.env.versions.node ?? 'unknown',
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    vectorExtension: vectorExtension(),
    lockfileHash: readOptional(join(packageRoot, 'package-lock.json'), (bytes) => contentHash(bytes)),
  };
}

function vectorExtension(): string | null {
  return readOptional('/proc/cpuinfo', (bytes) => {
    const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(bytes.toString())?.[1]?.trim().split(' '));
    return ['avx512f', 'avx2', 'avx', 'sse4_2', 'sve', 'asimd'].find((flag) => flags.has(flag)) ?? null;
  });
}

function readOptional<T>(path: string, parse: (bytes: Buffer) => T): T | null {
  try {
    return parse(readFileSync(path));
  } catch {
    return null;
  }
}
