// CPU, integrated GPU and both together on one chip: OpenVINO's benchmark table, release 2024.1, Apache-2.0. Both together is its
// MULTI device: whole inferences go to whichever device is free.
import { asPublished, readTable, type TableRow } from './table.js';

/** Throughput of one model on one chip at int8, inferences/s. */
export interface PairThroughput {
  readonly model: string;
  readonly chip: string;
  /** Thermal design power of the chip, W. */
  readonly tdpW: number;
  readonly cpuPerS: number;
  readonly gpuPerS: number;
  readonly bothPerS: number;
}

const devices = { cpu: 'cpuPerS', igpu: 'gpuPerS', 'cpu+igpu': 'bothPerS' } as const;

/**
 * Models for which all three int8 throughputs are given and none is flagged as contradicting itself.
 * @throws InputError when the file is not the published one
 */
export function readPairThroughputs(path: string): PairThroughput[] {
  const rows = readTable(path, ['model', 'chip', 'tdpW', 'device', 'throughputInt8', 'flag']);
  const groups = new Map<string, TableRow[]>();
  for (const row of rows) {
    const key = `${row.text('model')}\n${row.text('chip')}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group as [TableRow];
    const found: Partial<Record<(typeof devices)[keyof typeof devices], number>> = {};
    for (const row of group) {
      const column = (devices as Record<string, (typeof devices)[keyof typeof devices] | undefined>)[
        row.text('device')
      ];
      if (!column || row.cells.throughputInt8 === '' || row.cells.flag !== '') continue;
      if (found[column] !== undefined) row.fail('device', `is ${row.text('device')} a second time`, asPublished);
      found[column] = row.number('throughputInt8', { positive: true });
    }
    const { cpuPerS, gpuPerS, bothPerS } = found;
    if (cpuPerS === undefined || gpuPerS === undefined || bothPerS === undefined) return [];
    const tdpW = first.number('tdpW', { positive: true });
    return [{ model: first.text('model'), chip: first.text('chip'), tdpW, cpuPerS, gpuPerS, bothPerS }];
  });
}
