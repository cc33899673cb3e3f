// What lies in a kit's folder and in the archive that it leaves: the files' schemas, which the Python script shares by form.
import { z } from 'zod';
import { list, ownVersion } from '../../../base/files/json.js';
import { type OperatorGraph, opClasses } from '../../../models/graph.js';

const ms = list(z.number().nonnegative());
const device = z.union([z.literal(0), z.literal(1)]);
const index = z.int().nonnegative();
const count = z.number().nonnegative();
/** A device per unit. */
const placement = z.string().regex(/^[01]+$/, 'is no placement: a 0 or 1 per unit');

/** With whatever else a later version says of units and tensors: the hash is of all that. */
const graph = z
  .looseObject({
    hash: z.string(),
    granularity: z.enum(['operator', 'fused']),
    units: list(
      z.looseObject({
        id: index,
        name: z.string(),
        opClass: z.enum(opClasses),
        nodes: list(z.string()),
        opTypes: list(z.string()),
        inputs: list(index),
        outputs: list(index),
        macs: count,
        flops: count,
        bytesRead: count,
        bytesWritten: count,
        weightBytes: count,
        intensity: count,
        activationSparsity: count.nullable(),
        weightSparsity: count,
        splitAxis: index.nullable(),
        channelReach: z.union([count, z.literal('stacked')]).nullable(),
        onlyOn: device.nullable(),
      }),
    ),
    tensors: list(
      z.looseObject({
        id: index,
        name: z.string(),
        type: z.string(),
        shape: list(index),
        bytes: count,
        producer: index.nullable(),
        consumers: list(index),
        graphOutput: z.boolean(),
      }),
    ),
  })
  .transform((value) => value as unknown as OperatorGraph);

/** Below the kit's folder on any system, and no hidden file. */
const plainName = z.string().regex(/^(?!\.)[\w.-]+$/, 'is no plain name of letters, digits, ".", "-" and "_"');

/** Where an array lies in a file of arrays. */
const array = z.object({
  name: z.string(),
  /** As numpy calls it. */
  type: z.string(),
  shape: list(index),
  offset: index,
});

export const kitManifest = z.object({
  version: ownVersion(1),
  /** The version of the package that wrote it. */
  gym: z.string(),
  /** Of everything else in it: archives of one kit have the same. */
  kit: z.string(),
  models: list(
    z.object({
      name: plainName,
      folder: z.string().regex(/^models\/(?!\.)[\w.-]+$/, 'is no folder below models/'),
      uri: z.string(),
      modelHash: z.string(),
      graph,
      inputs: list(array),
      outputs: list(array),
      unitFiles: list(plainName),
      schedules: list(placement),
    }),
  ),
});

const clock = z.object({ mhz: z.number().nullable(), limitMhz: z.number().nullable() });
const state = z.object({
  cpuClocks: list(clock.extend({ core: index })),
  gpuClock: clock.extend({ device: z.string() }).nullable(),
  celsius: z.record(z.string(), z.number()),
  powerMw: z.record(z.string(), z.number()),
  load1: z.number().nullable(),
});

export const kitMachine = z.object({
  key: z.object({
    kit: z.string(),
    devices: z.string().regex(/^[^+]+\+[^+]+$/, 'is not two devices, such as cpu:6+cuda:0'),
    quick: z.boolean(),
  }),
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
  providers: list(z.string()),
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

const schedules = list(
  z.object({
    schedule: index,
    /** As it ran: units that only the CPU runs are there. */
    placement,
    mechanism: z.enum(['units', 'session']),
    ms,
    events: list(event).optional(),
    error: z.string().nullable(),
    difference: z.number().nullable(),
  }),
);

export const kitCrossings = stage(list(z.object({ bytes: z.int().positive(), to: device, ms })));

export const kitModelResult = z.object({
  name: z.string(),
  stages: z.object({
    units: stage(
      z.object({
        rounds: z.int().positive(),
        warmUpRounds: index,
        unitMs: list(z.tuple([ms, ms])),
        moves: list(z.object({ tensor: index, to: device, ms })),
        unsupported: list(z.object({ unit: index, device, reason: z.string() })),
        /** Null where a unit ran nowhere, so that there are no outputs. */
        difference: z.number().nullable(),
      }),
    ),
    whole: stage(
      list(
        z.object({
          device,
          ms,
          error: z.string().nullable(),
          difference: z.number().nullable(),
          powerMw: z.record(z.string(), z.number()).nullable(),
        }),
      ),
    ),
    kernels: stage(list(z.object({ device, events: list(event), error: z.string().nullable() }))),
    schedules: stage(schedules),
    sessions: stage(schedules),
    /** Not asked for where the kit ran with --quick. */
    trtexec: stage(
      z.object({
        version: z.string().nullable(),
        files: z.record(z.string(), z.unknown()),
        arguments: list(z.string()),
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
