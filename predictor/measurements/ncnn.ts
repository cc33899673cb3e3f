// Times of networks by ncnn's own benchmark on CPU and GPU of many chips: github.com/Tencent/ncnn, benchmark/README.md,
// BSD-3-Clause, and the graphs that it ran, benchmark/models/*.param. Rows come from many contributors, years and versions.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readTable } from './table.js';

/** One network on one processor. */
export interface NcnnTime {
  readonly chip: string;
  readonly processor: 'cpu' | 'gpu';
  /** The processor as the source names it; empty where it does not. */
  readonly cpu: string;
  /** The driver's name and class of the GPU; empty for a CPU. */
  readonly gpu: string;
  readonly gpuClass: string;
  readonly threads: number;
  readonly cores: 'all' | 'little' | 'big';
  readonly model: string;
  /** Mean of the loops, ms. */
  readonly meanMs: number;
}

/** A graph that the benchmark ran, and the size of its input. */
export interface NcnnNetwork {
  readonly model: string;
  readonly path: string;
  /** Of the input, batch first. */
  readonly inputShape: readonly [1, number, number, number];
}

const coreSets = ['all', 'little', 'big'] as const;

/** @throws InputError when the file cannot be read or a row breaks its format */
export function readNcnnTimes(folder: string): NcnnTime[] {
  const columns = ['chip', 'cpu', 'deviceKind', 'gpu', 'gpuClass', 'threads', 'powersave', 'model', 'avgMs'];
  return readTable(join(folder, 'ncnn.csv'), columns).map((row) => {
    const processor = row.choice('deviceKind', ['cpu', 'gpu']);
    return {
      chip: row.text('chip'),
      processor,
      cpu: row.cells.cpu ?? '',
      gpu: processor === 'gpu' ? row.text('gpu') : '',
      gpuClass: processor === 'gpu' ? row.text('gpuClass') : '',
      threads: row.number('threads', { positive: true, integer: true }),
      cores: coreSets[Number(row.choice('powersave', ['0', '1', '2']))]!,
      model: row.text('model'),
      meanMs: row.number('avgMs', { positive: true }),
    };
  });
}

/** The networks whose graph is in the folder. @throws InputError when the list cannot be read or breaks its format */
export function readNcnnNetworks(folder: string): NcnnNetwork[] {
  const size = { positive: true, integer: true } as const;
  return readTable(join(folder, 'params', 'models.csv'), ['model', 'file', 'inputW', 'inputH', 'inputC'])
    .map((row) => ({
      model: row.text('model'),
      path: join(folder, 'params', row.text('file')),
      inputShape: [1, row.number('inputC', size), row.number('inputH', size), row.number('inputW', size)] as const,
    }))
    .filter(({ path }) => existsSync(path));
}
