// Why one schedule takes longer than another: the difference of their latencies, part by part.
import type { Schedule } from '../../engine/schedule.js';
import type { OpClass, OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import type { KernelLimit } from '../../predictor/profiles/roofline.js';
import type { TimeUses } from './time-use.js';

/**
 * - `launch`, `copy`, `wait`, `idle`: as in `TimeUses`;
 * - `arithmetic`, `memory`: kernels that the arithmetic rate, or the memory bandwidth, of the device limits;
 * - `kernel`: kernels whose time is measured or predicted, so that no limit is known;
 * - `parallel`: the rest of computing: what goes on at the same time slows units down, and spares what is hidden behind it.
 */
export const costNames = ['launch', 'copy', 'wait', 'idle', 'arithmetic', 'memory', 'kernel', 'parallel'] as const;
export type CostName = (typeof costNames)[number];

export interface Execution {
  readonly name: string;
  readonly schedule: Schedule;
  readonly latencyMs: number;
  readonly uses: TimeUses;
}

export interface Comparison {
  readonly slower: string;
  readonly faster: string;
  /** At least 0; the parts add up to it. */
  readonly differenceMs: number;
  /** What the slower one spends more, ms; negative where it spends less. */
  readonly parts: Readonly<Record<CostName, number>>;
  /** The largest part; null where there is no difference. */
  readonly decisive: CostName | null;
  /** Of kernels alone, by class of unit, those that differ most first. */
  readonly classes: readonly { readonly opClass: OpClass; readonly ms: number }[];
}

export type LimitOf = (unit: number, device: 0 | 1) => KernelLimit | null;

/** @param limitOf what limits a kernel; null: not known */
export function compare(
  graph: OperatorGraph,
  costs: CostTable,
  limitOf: LimitOf,
  a: Execution,
  b: Execution,
): Comparison {
  const [slower, faster] = a.latencyMs >= b.latencyMs ? [a, b] : [b, a];
  const more = (activity: 'compute' | 'launch' | 'copy' | 'wait' | 'idle') =>
    slower.uses.total[activity] - faster.uses.total[activity];
  const parts = {
    launch: more('launch'),
    copy: more('copy'),
    wait: more('wait'),
    idle: more('idle'),
    arithmetic: 0,
    memory: 0,
    kernel: 0,
    parallel: more('compute'),
  };
  const classes = new Map<OpClass, number>();
  for (const { id, opClass } of graph.units) {
    const [slow, fast] = [kernelOf(costs, id, slower.schedule), kernelOf(costs, id, faster.schedule)];
    const ms = slow.ms - fast.ms;
    if (ms === 0) continue;
    // What takes longer is what the limit of that device makes long.
    parts[limitOf(id, (ms > 0 ? slow : fast).device) ?? 'kernel'] += ms;
    parts.parallel -= ms;
    classes.set(opClass, (classes.get(opClass) ?? 0) + ms);
  }
  const largest = costNames.reduce((best, name) => (parts[name] > parts[best] ? name : best));
  return {
    slower: slower.name,
    faster: faster.name,
    differenceMs: slower.latencyMs - faster.latencyMs,
    parts,
    decisive: slower.latencyMs > faster.latencyMs ? largest : null,
    classes: [...classes]
      .map(([opClass, ms]) => ({ opClass, ms }))
      .sort((one, other) => Math.abs(other.ms) - Math.abs(one.ms)),
  };
}

/** The kernel alone, and the device that it takes longest on. */
function kernelOf(costs: CostTable, unit: number, { share }: Schedule): { ms: number; device: 0 | 1 } {
  const fraction = share[unit]!;
  const on0 = fraction < 1 ? costs.unitMs(unit, 0, 1 - fraction) : 0;
  const on1 = fraction > 0 ? costs.unitMs(unit, 1, fraction) : 0;
  return on1 > on0 || fraction === 1 ? { ms: on1, device: 1 } : { ms: on0, device: 0 };
}
