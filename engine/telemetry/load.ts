// CPU load from /proc/stat. The kernel counts clock ticks since boot per core and state; a load is the share of ticks
// between two readings that were not idle.
import { KernelFiles, type Reading } from './reading.js';

/** Ticks since boot. */
export interface CoreTicks {
  readonly core: number;
  readonly busy: number;
  readonly total: number;
}

/** Load of a core between two readings. */
export interface CoreLoad {
  readonly core: number;
  /** Fraction of the time, 0 to 1; null where no tick has passed. */
  readonly busyFraction: number | null;
}

/**
 * The `cpuN` lines: user, nice, system, idle, iowait, irq, softirq, steal, then guest times, which user and nice already
 * contain (Documentation/filesystems/proc.rst, section 1.7). Idle and iowait are not busy; time that a hypervisor
 * stole is, because no program of this machine could use it.
 */
export function parseProcStat(text: string): CoreTicks[] {
  return [...text.matchAll(/^cpu(\d+) +([\d ]+)$/gm)].map((match) => {
    const ticks = match[2]!.trim().split(/ +/).map(Number).slice(0, 8);
    const total = ticks.reduce((sum, value) => sum + value, 0);
    return { core: Number(match[1]), busy: total - (ticks[3] ?? 0) - (ticks[4] ?? 0), total };
  });
}

/** Cores that are online, from /proc/stat. */
export function readCoreTicks(root?: string): Reading<readonly CoreTicks[]> {
  const files = new KernelFiles(root);
  const text = files.text('proc/stat');
  const cores = text === null ? [] : parseProcStat(text);
  if (text !== null && cores.length === 0) files.missing('/proc/stat', 'has no cpuN line');
  return files.reading(cores);
}

/** Loads of the cores that both readings have. A core that went offline and came back may count backwards: clamped. */
export function loadBetween(before: readonly CoreTicks[], after: readonly CoreTicks[]): CoreLoad[] {
  const earlier = new Map(before.map((ticks) => [ticks.core, ticks]));
  return after.flatMap(({ core, busy, total }) => {
    const start = earlier.get(core);
    if (!start) return [];
    const elapsed = total - start.total;
    return [{ core, busyFraction: elapsed > 0 ? Math.min(1, Math.max(0, (busy - start.busy) / elapsed)) : null }];
  });
}
