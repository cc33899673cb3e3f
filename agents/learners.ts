// The learners by their names in configs and result files.
import type { ZodObject } from 'zod';
import type { Agent } from './agent.js';
import { sacConfigSchema } from './sac/config.js';

/** What every learner is made from. */
export interface LearnerSetup {
  readonly observationSize: number;
  readonly action: { readonly low: readonly number[]; readonly high: readonly number[] };
  /** The learner's own fields, unchecked. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly backend: 'compiled' | 'tfjs';
}

export interface LearnerEntry {
  /** @throws InputError when the config breaks the learner's schema. */
  readonly create: (setup: LearnerSetup) => Promise<Agent>;
  readonly config: ZodObject;
  readonly summary: string;
}

export const learners = {
  sac: {
    // TensorFlow.js takes half a second to load, and only learning needs it.
    create: async (setup) => (await import('./sac/sac.js')).createSac(setup),
    config: sacConfigSchema,
    summary: 'Soft Actor-Critic with automatic temperature',
  },
} as const satisfies Record<string, LearnerEntry>;

export type LearnerName = keyof typeof learners;

export function createLearner(name: LearnerName, setup: LearnerSetup): Promise<Agent> {
  return learners[name].create(setup);
}
