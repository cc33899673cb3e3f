// Registers SparOA/Branches-v0: from plain options (URIs and numbers) to the environment.
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { concurrencyRule } from '../../engine/memory/concurrency.js';
import type { ModelChoice } from '../randomisation/model-choice.js';
import { registerScheduling, type SchedulingOptions, type WithModels } from '../register.js';
import { BranchesEnv } from './branches-env.js';
import { branchesBlocks } from './branches-observation.js';
import type { BranchesEnvOptions } from './branches-problem.js';

/** A list may also be given as text, as trajectories.csv holds it: `ready,slot`. */
const blocksSchema = z
  .union([z.string().transform((text) => text.split(',')), z.array(z.string())])
  .pipe(z.array(z.enum(branchesBlocks)).min(1))
  .refine((blocks) => new Set(blocks).size === blocks.length, 'names a block twice');

/** How the environment presents a scenario; part of every replayable row. */
export const branchesEnvOptionsSchema = z.strictObject({
  lanes: z.int().min(1).max(concurrencyRule.maxThreads).default(2).describe('lanes of the CPU'),
  budget: z
    .number()
    .min(1)
    .nullable()
    .default(2)
    .describe("for branches that run together, in units of the largest branch's memory; null: no limit"),
  window: z.int().min(1).max(64).default(8).describe('ready branches to choose from'),
  observation: blocksSchema.optional().describe(`a list of: ${branchesBlocks.join(', ')}`),
});

export interface BranchesOptions extends Partial<BranchesEnvOptions>, Omit<SchedulingOptions, 'execution'> {}

declare module '../gym/registry.js' {
  interface Registry {
    'SparOA/Branches-v0':
      | { options: BranchesOptions; env: BranchesEnv }
      | { options: WithModels<BranchesOptions>; env: ModelChoice<number> };
  }
}

registerScheduling<BranchesEnvOptions, number>('SparOA/Branches-v0', {
  summary: 'one inference, slot by slot: which branches run together under a memory budget',
  schema: branchesEnvOptionsSchema,
  execution: 'overlap',
  // A segment of several units may need more than each of its branches: under a budget every unit is a segment.
  opening: ({ lanes, budget }) => ({ lanes: { cpuLanes: lanes, ...(budget !== null && { maxSegmentUnits: 1 }) } }),
  build: (scenario, options) => {
    const { graph, executor, costs, conditions } = scenario;
    if (executor.kind === 'measured' && !scenario.platform.uri.startsWith('lanes://')) {
      executor.close();
      throw new InputError(
        `SparOA/Branches-v0: ${scenario.platform.uri} runs one unit at a time.`,
        'Use the executor "lanes" or the simulator.',
      );
    }
    return new BranchesEnv({ graph, executor, costs, conditions, scenario, ...options });
  },
});
