// A co-running load among the options of an environment or wrapper, where it is JSON.
import { z } from 'zod';

const level = {
  cpu: z.number(),
  gpu: z.number(),
  memory: z.number(),
  cpuClock: z.number().optional(),
  gpuClock: z.number().optional(),
  cpuCelsius: z.number().optional(),
  gpuCelsius: z.number().optional(),
  memoryUsed: z.number().optional(),
};

/** Checks the form only; `checkLoad` checks the values. Null: no load. */
export const loadSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('markov'),
      states: z.array(z.strictObject({ ...level, meanMs: z.number() })).readonly(),
    }),
    z.strictObject({
      kind: z.literal('recorded'),
      samples: z.array(z.strictObject({ ...level, atMs: z.number() })).readonly(),
    }),
  ])
  .nullable();
