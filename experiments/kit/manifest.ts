// What lies in a kit's folder and in the archive that it leaves: the files' schemas, which the Python script shares by form.
import { z } from 'zod';
import type { OperatorGraph } from '../../models/graph.js';

const ms = z.array(z.number().nonnegative());
const device = z.union([z.literal(0), z.literal(1)]);
const index = z.int().nonnegative();
/** A device per unit. */
const placement = z.string().regex(/^[01]+$/, 'is no placement: a 0 or 1 per unit');

/** Only what the reader looks at; the hash vouches for the rest. */
const graph = z
  .looseObject({
    hash: z.string(),
    granularity: z.enum(['operator', 'fused']),
    units: z.array(z.looseObject({ id: index, name: z.string() })),
    tensors: z.array(z.looseObject({ id: index, name: z.string(), bytes: z.number() })),
  })
  .transform((value) => value as unknown as OperatorGraph);

/** Where an array lies in a file of arrays. */
const array = z.object({
  name: z.string(),
  /** As numpy calls it. */
  type: z.string(),
  shape: z.array(index),
  offset: index,
});

export const kitManifest = z.object({
  version: z.literal(1),
  /** The version of the package that wrote it. */
  gym: z.string(),
  /** Of everything else in it: archives of one kit have the same. */
  kit: z.string(),
  models: z.array(
    z.object({
      name: z.string(),
      folder: z.string(),
      uri: z.string(),
      modelHash: z.string(),
      graph,
      inputs: z.array(array),
      outputs: z.array(array),
      unitFiles: z.array(z.string()),
      schedules: z.array(placement),
    }),
  ),
});

const clock = z.object({ mhz: z.number().nullable(), limitMhz: z.number().nullable() });
const state = z.object({
  cpuClocks: z.array(clock.extend({ core: index })),
  gpuClock: clock.extend({ device: z.string() }).nullable(),
  celsius: z.record(z.string(), z.number()),
  powerMw: z.record(z.string(), z.number()),
  load1: z.number().nullable(),
});

export const kitMachine = z.object({
  key: z.object({ kit: z.string(), devices: z.string(), quick: z.boolean() }),
  /** ISO 8601, when the measurement began. */
  date: z.string(),
  /** From the device tree: NVIDIA Jetson AGX Orin Developer Kit; null elsewhere. */
  board: z.string().nullable(),
  /** Of NVIDIA's Linux for Tegra. */
  release: z.string().nullable(),
  /** From nvpmodel: MAXN, 15W. */
  powerMode: z.string().nullable(),
  cpu: z.string(),
  cores: z.int().positive(),
  vectorExtension: z.string().nullable(),
  memoryKb: z.number().nullable(),
  platform: z.string(),
  kernel: z.string(),
  python: z.string(),
  numpy: z.string(),
  onnxRuntime: z.string(),
  providers: z.array(z.string()),
  trtexec: z.boolean(),
  state,
});

/** What came of a stage, or why nothing did: a value or an error. */
const stage = <T extends z.ZodType>(value: T) =>
  z.object({ value: value.nullable(), error: z.string().nullable(), seconds: z.number(), before: state, after: state });

const event = z.object({
  cat: z.string(),
  name: z.string(),
  ts: z.number(),
  dur: z.number(),
  args: z.object({ op_name: z.string().optional(), provider: z.string().optional() }).optional(),
});

const schedules = z.array(
  z.object({
    schedule: index,
    /** As it ran: units that only the CPU runs are there. */
    placement,
    mechanism: z.enum(['units', 'session']),
    ms,
    events: z.array(event).optional(),
    error: z.string().nullable(),
    difference: z.number().nullable(),
  }),
);

export const kitCrossings = stage(z.array(z.object({ bytes: z.int().positive(), to: device, ms })));

export const kitModelResult = z.object({
  name: z.string(),
  stages: z.object({
    units: stage(
      z.object({
        rounds: z.int().positive(),
        warmUpRounds: index,
        unitMs: z.array(z.tuple([ms, ms])),
        moves: z.array(z.object({ tensor: index, to: device, ms })),
        unsupported: z.array(z.object({ unit: index, device, reason: z.string() })),
        /** Null where a unit ran nowhere, so that there are no outputs. */
        difference: z.number().nullable(),
      }),
    ),
    whole: stage(
      z.array(
        z.object({
          device,
          ms,
          error: z.string().nullable(),
          difference: z.number().nullable(),
          powerMw: z.record(z.string(), z.number()).nullable(),
        }),
      ),
    ),
    kernels: stage(z.array(z.object({ device, events: z.array(event), error: z.string().nullable() }))),
    schedules: stage(schedules),
    sessions: stage(schedules),
    /** Not asked for where the kit ran with --quick. */
    trtexec: stage(
      z.object({
        version: z.string().nullable(),
        files: z.record(z.string(), z.unknown()),
        arguments: z.array(z.string()),
      }),
    ).optional(),
  }),
});

export type KitManifest = z.infer<typeof kitManifest>;
export type KitMachine = z.infer<typeof kitMachine>;
export type KitModelResult = z.infer<typeof kitModelResult>;
export type KitEntry = KitManifest['models'][number];
export type KitStages = KitModelResult['stages'];
/** What a stage measured. */
export type KitStage<Name extends keyof KitStages> = NonNullable<NonNullable<KitStages[Name]>['value']>;
