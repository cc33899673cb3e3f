// The settings of Proximal Policy Optimisation. A field's description is the help text the command line prints for it.
import * as z from 'zod';

export const ppoConfigSchema = z
  .strictObject({
    hidden: z
      .array(z.int().positive().max(4096))
      .min(1)
      .max(8)
      .default([64, 64])
      .describe('widths of the hidden layers, of the policy and of the value network'),
    learningRate: z.number().positive().max(1).default(3e-4).describe('step size of Adam'),
    learningRateDecay: z
      .boolean()
      .default(true)
      .describe('whether the step size falls linearly to 0 over the training, where its length is known'),
    gamma: z.number().min(0).max(1).default(0.99).describe('discount factor'),
    lambda: z.number().min(0).max(1).default(0.95).describe('of generalised advantage estimation'),
    rolloutSteps: z
      .int()
      .positive()
      .max(1e7)
      .default(1024)
      .describe('steps, of all environments together, between rounds of updates'),
    epochs: z.int().positive().max(1000).default(10).describe('passes over the steps in each round'),
    batchSize: z.int().positive().max(65_536).default(64).describe('steps per update'),
    clip: z.number().positive().max(1).default(0.2).describe('how far the ratio of probabilities may leave 1'),
    entropyWeight: z.number().nonnegative().max(1e3).default(0).describe('weight of the entropy in the loss'),
    valueWeight: z.number().nonnegative().max(1e3).default(0.5).describe("weight of the value network's squared error"),
    gradientNorm: z.number().positive().max(1e6).default(0.5).describe('longest gradient; longer ones are scaled down'),
    rewardScale: z.number().positive().max(1e6).default(1).describe('constant that rewards are multiplied by'),
    initialStd: z
      .number()
      .positive()
      .max(100)
      .default(1)
      .describe('of a Box: standard deviation to start with, before the tanh that keeps actions in their bounds'),
  })
  .refine(({ batchSize, rolloutSteps }) => batchSize <= rolloutSteps, {
    path: ['batchSize'],
    error: 'batchSize is larger than rolloutSteps',
  })
  .describe('Proximal Policy Optimisation (Schulman et al. 2017, arXiv 1707.06347)');

export type PpoConfig = z.infer<typeof ppoConfigSchema>;
