// The rates of tasks that run at the same time: cores, device 1, power and memory bandwidth are shared, in that order.
import type { Mechanism } from '../../conditions.js';
import type { LoadLevel } from '../../load-process.js';
import { cpuLane, queueLane, type Task } from './program.js';

/** What all lanes of a board share. */
export interface SharedResources {
  /** Cores of device 0; a kernel alone uses them all. */
  readonly cores: number;
  /** Ceiling of the memory's throughput, for all devices together. */
  readonly bytesPerMs: number;
  /**
   * Factors on the time of device 0's kernels while device 1 computes, and of device 1's while device 0 does, each at least 1:
   * whatever nothing else here explains. None where they are not given.
   */
  readonly interference?: readonly [number, number];
  /** Speed that a budget of power leaves to both devices while both compute; 1 where none is given. */
  readonly powerRate?: number;
}

/**
 * Progress of each running task per unit of time, 1 being its speed alone.
 * @param launching whether the launching thread keeps a core busy: it launches, or polls for what it has launched.
 */
export function progressRates(
  running: readonly Task[],
  launching: boolean,
  { cpu, gpu, memory }: LoadLevel,
  { cores, bytesPerMs, interference = [1, 1], powerRate = 1 }: SharedResources,
  without: readonly Mechanism[],
): number[] {
  const lost = launching && !without.includes('launching-core');
  const computing = running.filter(onCpu).length;
  const lanes = without.includes('core-sharing') ? 1 : Math.max(1, computing);
  const cpuRate = (coresLeft(cores, lost) * (1 - cpu)) / (cores * lanes);
  const rates = running.map((task) => (onCpu(task) ? cpuRate : onDevice1(task) ? 1 - gpu : 1));
  if (computing > 0 && running.some(onDevice1) && !without.includes('interference'))
    running.forEach((task, i) => {
      if (onCpu(task)) rates[i]! *= powerRate / interference[0];
      else if (onDevice1(task)) rates[i]! *= powerRate / interference[1];
    });
  if (without.includes('contention')) return rates;
  const demands = running.map(({ trafficBytes, workMs }, i) => (workMs > 0 ? (trafficBytes / workMs) * rates[i]! : 0));
  const level = fairLevel(demands, bytesPerMs * (1 - memory));
  return rates.map((rate, i) => (demands[i]! > level ? rate * (level / demands[i]!) : rate));
}

/** The launching thread takes a whole core; the only one it shares evenly with the kernel. */
export function coresLeft(cores: number, lost: boolean): number {
  return lost ? Math.max(cores - 1, cores / 2) : cores;
}

/**
 * Max-min fairness (Bertsekas, Gallager, "Data Networks", 2nd edition, 6.5.2): demands up to the level are met, the others
 * get the level each, so that all together are the capacity; infinite where it suffices.
 */
export function fairLevel(demands: readonly number[], capacity: number): number {
  if (demands.reduce((sum, demand) => sum + demand, 0) <= capacity) return Number.POSITIVE_INFINITY;
  let left = capacity;
  const ascending = demands.toSorted((a, b) => a - b);
  for (const [met, demand] of ascending.entries()) {
    const level = left / (ascending.length - met);
    if (demand > level) return level;
    left -= demand;
  }
  return Number.POSITIVE_INFINITY;
}

const onCpu = ({ kind, lane }: Task): boolean => kind === 'compute' && lane >= cpuLane(0);
const onDevice1 = ({ kind, lane }: Task): boolean => kind === 'compute' && lane === queueLane;
