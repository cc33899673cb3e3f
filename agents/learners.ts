// The learners by their names in configs and result files. Plug-ins register theirs as the package registers its own.
import type { ZodObject } from 'zod';
import { didYouMean, InputError } from '../base/errors/input-error.js';
import { Box } from '../env/gym/spaces/box.js';
import { Discrete } from '../env/gym/spaces/discrete.js';
import type { Space } from '../env/gym/spaces/space.js';
import type { Agent } from './agent.js';
import { ppoConfigSchema } from './ppo/config.js';
import { sacConfigSchema } from './sac/config.js';

/** What every learner is made from. */
export interface LearnerSetup {
  readonly observation: Space<Float32Array>;
  readonly action: Space<unknown>;
  /** The learner's own fields, unchecked; what they leave out is the default. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** What runs the learning step: ONNX Runtime, or eager TensorFlow.js. */
  readonly backend: 'compiled' | 'tfjs';
  /** Environments that it acts for at once. */
  readonly envs: number;
  /** Environment steps of the whole training; null: unknown. */
  readonly steps: number | null;
}

export interface LearnerEntry {
  /** The kinds of action spaces that it learns on. */
  readonly actions: readonly ('box' | 'discrete')[];
  /** Fields with their defaults; descriptions are the help that the command line prints. */
  readonly config: ZodObject;
  readonly summary: string;
  /** @throws InputError when the config breaks the schema */
  create(setup: LearnerSetup): Promise<Agent>;
}

const entries = new Map<string, LearnerEntry>();

/** @throws InputError when the name is taken */
export function registerLearner(name: string, entry: LearnerEntry): void {
  if (entries.has(name))
    throw new InputError(`learner "${name}" is registered already.`, 'Choose another name: names keep their meaning.');
  entries.set(name, entry);
}

/** In order of registration. */
export const learnerNames = (): string[] => [...entries.keys()];

/** @throws InputError when there is none */
export function learnerNamed(name: string): LearnerEntry {
  const entry = entries.get(name);
  if (!entry) throw new InputError(`learner "${name}" is unknown.`, didYouMean(name, learnerNames()));
  return entry;
}

/**
 * A learner for an environment's spaces, its networks drawn from `seed`.
 * @throws InputError when the name is unknown, the learner does not know such actions, or a field is bad
 */
export async function createLearner(
  name: string,
  {
    config = {},
    seed = 0,
    backend = 'compiled',
    envs = 1,
    steps = null,
    ...spaces
  }: Partial<LearnerSetup> & Pick<LearnerSetup, 'observation' | 'action'>,
): Promise<Agent> {
  const entry = learnerNamed(name);
  const { action } = spaces;
  const kind = action instanceof Box ? 'box' : action instanceof Discrete ? 'discrete' : null;
  if (kind === null || !entry.actions.includes(kind))
    throw new InputError(
      `learner "${name}": it learns on ${entry.actions.join(' and ')} actions, not on ${action}.`,
      'Choose another learner or another environment.',
    );
  return entry.create({ ...spaces, config, seed, backend, envs, steps });
}

registerLearner('sac', {
  actions: ['box'],
  config: sacConfigSchema,
  summary: 'Soft Actor-Critic with automatic temperature',
  // TensorFlow.js takes half a second to load, and only learning needs it.
  create: async ({ observation, action, ...setup }) => {
    const { low, high } = action.flatBounds();
    const { createSac } = await import('./sac/sac.js');
    return createSac({ observationSize: observation.flatSize, action: { low: [...low], high: [...high] }, ...setup });
  },
});

registerLearner('ppo', {
  actions: ['box', 'discrete'],
  config: ppoConfigSchema,
  summary: 'Proximal Policy Optimisation with masked actions',
  create: async ({ observation, action, ...setup }) => {
    const { low, high } = action.flatBounds();
    const actions =
      action instanceof Discrete ? { n: action.n, start: action.start } : { low: [...low], high: [...high] };
    const { createPpo } = await import('./ppo/ppo.js');
    return createPpo({ observationSize: observation.flatSize, action: actions, ...setup });
  },
});
