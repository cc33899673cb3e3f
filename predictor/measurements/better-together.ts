// Pipelines of CPU and GPU chunks, measured: BetterTogether (IISWC 2025), github ucsc-redwood/better-together, MIT. The first stage
// of every chunk was not executed, so work is of the stages that were: columns `executed...`.
import { join } from 'node:path';
import { median } from '../../base/statistics/quantile.js';
import { asPublished, readTable, type TableRow } from './table.js';

export interface MeasuredChunk {
  /** `little`, `medium`, `big`, `gpu`: a kind of core, or the GPU. */
  readonly processor: string;
  /** Sums over the stages executed: times of each while nothing else ran, and while every processor ran the same stage, ms. */
  readonly isolatedMs: number;
  readonly interferenceMs: number;
  /** Mean over tasks, median over runs, ms. */
  readonly measuredMs: number;
}

/** A schedule on a device; medians over runs. */
export interface MeasuredPipeline {
  readonly device: string;
  readonly application: string;
  readonly schedule: string;
  readonly chunks: readonly MeasuredChunk[];
  /** Tasks that circulate: the most seen in flight on the device. */
  readonly buffers: number;
  readonly steadyMs: number;
  readonly makespanMs: number;
}

/** Tasks of each measured schedule. */
export const measuredTasks = 100;

const names = ['device', 'application', 'schedule'] as const;
const keyOf = (row: TableRow): string => names.map((name) => row.text(name)).join('\n');

/**
 * Schedules whose chunks and times are all given; others are passed over.
 * @param folder with schedules.csv, measured_chunks.csv and measured_schedules.csv
 * @throws InputError when a file cannot be read, or a row breaks its format
 */
export function readPipelines(folder: string): MeasuredPipeline[] {
  const chunkMs = new Map<string, number[]>();
  for (const row of readTable(join(folder, 'measured_chunks.csv'), [...names, 'chunk', 'processor', 'meanMs']))
    push(chunkMs, `${keyOf(row)}\n${row.number('chunk', { integer: true })}`, row.number('meanMs'));
  const steady = new Map<string, number[]>();
  const makespan = new Map<string, number[]>();
  const buffers = new Map<string, number>();
  const times = ['makespanMs', 'steadyMsPerTask', 'maxTasksInFlight'];
  for (const row of readTable(join(folder, 'measured_schedules.csv'), [...names, ...times])) {
    push(steady, keyOf(row), row.number('steadyMsPerTask', { positive: true }));
    push(makespan, keyOf(row), row.number('makespanMs', { positive: true }));
    const device = row.text('device');
    const inFlight = row.number('maxTasksInFlight', { positive: true, integer: true });
    buffers.set(device, Math.max(buffers.get(device) ?? 1, inFlight));
  }
  return [...schedulesOf(join(folder, 'schedules.csv'))].flatMap(([key, rows]): MeasuredPipeline[] => {
    const chunks = rows.flatMap((row, chunk) => chunkOf(row, chunkMs.get(`${key}\n${chunk}`)));
    const measured = steady.get(key);
    if (measured === undefined || chunks.length < rows.length) return [];
    const [device, application, schedule] = names.map((name) => rows[0]!.text(name)) as [string, string, string];
    return [
      {
        ...{ device, application, schedule, chunks, buffers: buffers.get(device)! },
        steadyMs: median(measured),
        makespanMs: median(makespan.get(key)!),
      },
    ];
  });
}

/** Rows of each schedule, by chunk. */
function schedulesOf(path: string): Map<string, TableRow[]> {
  const columns = ['chunk', 'processor', 'executedIsolatedMs', 'executedInterferenceMs'];
  const schedules = new Map<string, TableRow[]>();
  for (const row of readTable(path, [...names, ...columns])) {
    const rows = schedules.get(keyOf(row)) ?? [];
    if (row.number('chunk', { integer: true }) !== rows.length)
      row.fail('chunk', `is ${row.text('chunk')}, not ${rows.length}, the next one of the schedule`, asPublished);
    schedules.set(keyOf(row), [...rows, row]);
  }
  return schedules;
}

/** Nothing where a time is not given. */
function chunkOf(row: TableRow, measured: readonly number[] | undefined): MeasuredChunk[] {
  const { executedIsolatedMs, executedInterferenceMs } = row.cells;
  if (measured === undefined || executedIsolatedMs === '' || executedInterferenceMs === '') return [];
  return [
    {
      processor: row.text('processor'),
      isolatedMs: row.number('executedIsolatedMs'),
      interferenceMs: row.number('executedInterferenceMs'),
      measuredMs: median(measured),
    },
  ];
}

function push(map: Map<string, number[]>, key: string, value: number): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}
