// Reads the load of this machine from its kernel, for environments whose inferences are executed and measured.
import type { LoadLevel } from '../load-process.js';
import { readIntegratedGpu } from './clocks.js';
import { type CoreTicks, loadBetween, readCoreTicks } from './load.js';

/** Where a monitor looks; the defaults are this machine and this process. */
export interface Watched {
  /** The folder that stands for `/`. */
  readonly root?: string;
  readonly nowMs?: () => number;
  /** CPU time of this process, all threads. */
  readonly ownMs?: () => number;
}

const processMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

export class LoadMonitor {
  readonly #periodMs: number;
  readonly #watched: Required<Pick<Watched, 'nowMs' | 'ownMs'>> & Pick<Watched, 'root'>;
  #ticks: readonly CoreTicks[];
  #atMs: number;
  #ownMs: number;
  #level: LoadLevel = { cpu: 0, gpu: 0, memory: 0 };

  /** @param periodMs least time between two readings */
  constructor(periodMs: number, { root, nowMs = () => performance.now(), ownMs = processMs }: Watched = {}) {
    this.#periodMs = periodMs;
    this.#watched = { ...(root !== undefined && { root }), nowMs, ownMs };
    this.#ticks = readCoreTicks(root).value;
    this.#atMs = nowMs();
    this.#ownMs = ownMs();
  }

  /**
   * The latest reading. The CPU's load leaves out this process; the integrated GPU's includes it, because the work of one
   * process cannot be separated there. Memory load is not known. Zero where nothing can be read.
   */
  get level(): LoadLevel {
    return this.#level;
  }

  /** Reads again if the period is over and the kernel's counters have moved (they count ticks, mostly of 10 ms). */
  read(): void {
    const { root, nowMs, ownMs } = this.#watched;
    const atMs = nowMs();
    if (atMs - this.#atMs < this.#periodMs) return;
    const ticks = readCoreTicks(root).value;
    const fractions = loadBetween(this.#ticks, ticks).flatMap(({ busyFraction }) => busyFraction ?? []);
    if (fractions.length === 0) return;
    const busyMs = (fractions.reduce((a, b) => a + b, 0) / fractions.length) * ticks.length * (atMs - this.#atMs);
    const own = ownMs();
    const others = (busyMs - (own - this.#ownMs)) / (ticks.length * (atMs - this.#atMs));
    const gpu = readIntegratedGpu(root).value?.busyFraction ?? 0;
    this.#level = { cpu: Math.min(1, Math.max(0, others)), gpu, memory: 0 };
    this.#ticks = ticks;
    this.#atMs = atMs;
    this.#ownMs = own;
  }
}
