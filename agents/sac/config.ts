// Soft Actor-Critic's settings. A field's description is the help text the command line prints for it.
import * as z from 'zod';

export const sacConfigSchema = z
  .strictObject({
    hidden: z
      .array(z.int().positive().max(4096))
      .min(1)
      .max(8)
      .default([64, 64])
      .describe('widths of the hidden layers, of the policy and of each critic'),
    learningRate: z
      .number()
      .positive()
      .max(1)
      .default(1e-3)
      .describe('step size of Adam, for policy, critics and temperature'),
    gamma: z.number().min(0).max(1).default(0.99).describe('discount factor'),
    tau: z.number().gt(0).max(1).default(0.005).describe('how far target networks move towards the critics per update'),
    batchSize: z.int().positive().max(65_536).default(256).describe('transitions per update'),
    bufferSize: z.int().positive().max(1e7).default(100_000).describe('transitions the replay buffer holds'),
    learningStarts: z
      .int()
      .nonnegative()
      .max(1e9)
      .default(1000)
      .describe('environment steps with uniformly random actions before the first update'),
    trainEvery: z.int().positive().max(1e9).default(8).describe('environment steps between rounds of updates'),
    updates: z.int().positive().max(1e6).default(8).describe('updates in each round'),
    rewardScale: z.number().positive().max(1e6).default(1).describe('constant that rewards are multiplied by'),
    initialAlpha: z.number().positive().max(1e6).default(1).describe('temperature to start with'),
    targetEntropy: z
      .number()
      .nullable()
      .default(null)
      .describe('entropy the temperature is tuned for, in nats; null is minus the number of action dimensions'),
  })
  .describe('Soft Actor-Critic (Haarnoja et al. 2018, arXiv 1812.05905)');

export type SacConfig = z.infer<typeof sacConfigSchema>;
