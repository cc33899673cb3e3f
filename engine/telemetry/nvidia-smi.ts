// NVIDIA cards by nvidia-smi, the program that comes with the driver. One call takes tens of milliseconds, so it is made
// between measurements, or by a sampler thread.
import { spawnSync } from 'node:child_process';
import type { Reading, Unavailable } from './reading.js';

/** What a card says of itself; null is what nvidia-smi shows as [N/A] or [Not Supported]. */
export interface NvidiaCard {
  readonly index: number;
  readonly name: string;
  /** Of the whole card. Since Ampere an average over the last second (nvidia-smi --help-query-gpu, power.draw). */
  readonly powerMw: number | null;
  /** Share of the last sample period in which a kernel ran, 0 to 1. */
  readonly busyFraction: number | null;
  readonly mhz: number | null;
  readonly memoryUsedBytes: number | null;
  readonly celsius: number | null;
}

const fields = ['index', 'name', 'power.draw', 'utilization.gpu', 'clocks.sm', 'memory.used', 'temperature.gpu'];
const timeLimitMs = 10_000;

/** Lines of `--format=csv,noheader,nounits` with the fields above: W, %, MHz, MiB, degrees Celsius. */
export function parseNvidiaSmi(text: string): NvidiaCard[] {
  return text.split('\n').flatMap((line) => {
    const cells = line.split(',').map((cell) => cell.trim());
    if (cells.length !== fields.length || !/^\d+$/.test(cells[0]!)) return [];
    const scaled = (cell: number, factor: number, divisor = 1) => {
      const value = cells[cell] === '' ? Number.NaN : Number(cells[cell]);
      return Number.isFinite(value) ? (value * factor) / divisor : null;
    };
    return [
      {
        index: Number(cells[0]),
        name: cells[1]!,
        powerMw: scaled(2, 1000),
        busyFraction: scaled(3, 1, 100),
        mhz: scaled(4, 1),
        memoryUsedBytes: scaled(5, 2 ** 20),
        celsius: scaled(6, 1),
      },
    ];
  });
}

/** @param command the program, by name or path. */
export function readNvidiaCards(command = 'nvidia-smi'): Reading<readonly NvidiaCard[]> {
  const { error, status, stdout, stderr } = spawnSync(
    command,
    [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'],
    { encoding: 'utf8', timeout: timeLimitMs },
  );
  const failed = (why: string) => ({ value: [], unavailable: [{ what: 'NVIDIA cards', why }] });
  if (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return failed(`${command} is not installed`);
    return failed(`${command} ${code === 'ETIMEDOUT' ? `did not answer in ${timeLimitMs} ms` : `failed: ${code}`}`);
  }
  const said = `${stdout}${stderr}`.trim().split('\n')[0]!;
  if (status !== 0) return failed(`${command} ended with ${status}: ${said}`);
  const cards = parseNvidiaSmi(stdout);
  return cards.length > 0 ? { value: cards, unavailable: cards.flatMap(silent) } : failed(`${command} said: ${said}`);
}

function silent({ index, powerMw }: NvidiaCard): Unavailable[] {
  return powerMw === null ? [{ what: `power of NVIDIA card ${index}`, why: 'nvidia-smi shows none for it' }] : [];
}
