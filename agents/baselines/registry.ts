// The planners by their names in configs and result files.
import { optimum } from '../bounds/optimum.js';
import { listScheduling } from './list-scheduling.js';
import type { Planner } from './planner.js';
import { cpuOnly, gpuOnly, greedy, random } from './simple.js';
import { staticThreshold, staticThresholdTuned } from './threshold.js';

export interface PlannerEntry {
  readonly plan: Planner;
  /** One line for tables and `list`. */
  readonly summary: string;
  /** Whether it draws from its stream, and so is run once per seed. */
  readonly stochastic: boolean;
}

export const planners = {
  'cpu-only': { plan: cpuOnly, summary: 'every unit on the CPU', stochastic: false },
  'gpu-only': { plan: gpuOnly, summary: 'every unit that the GPU can run on the GPU', stochastic: false },
  random: { plan: random, summary: 'each unit on either device with equal probability', stochastic: true },
  greedy: { plan: greedy, summary: 'each unit where it finishes first, given where its inputs lie', stochastic: false },
  heft: {
    plan: listScheduling(0),
    summary: 'list scheduling by upward rank (HEFT); in the regime overlap with splits',
    stochastic: false,
  },
  'static-threshold': {
    plan: staticThreshold,
    summary: "GPU iff flops >= and sparsity <= the model's medians",
    stochastic: false,
  },
  'static-threshold-tuned': {
    plan: staticThresholdTuned,
    summary: 'the same rule with the pair found by grid search',
    stochastic: false,
  },
  optimum: {
    plan: optimum,
    summary: 'the provable optimum over placements in the serial regime (minimum cut)',
    stochastic: false,
  },
} as const satisfies Record<string, PlannerEntry>;

export type PlannerName = keyof typeof planners;
