// The file format of device profiles. A profile holds every variant of a board (power mode, precision, launch mode,
// transfer mode); each number is a quantity with its source, chosen by the axes it depends on.
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { opClasses } from '../../models/graph.js';
import { type NumberKind, profileNumber } from './profile-numbers.js';

/** How sure a number is, weakest last. */
export const sourceKinds = ['measured', 'fitted', 'datasheet', 'paper', 'derived', 'assumed'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** The weaker of two kinds: a result carries the weakest among the numbers it used. */
export function weaker(a: SourceKind, b: SourceKind): SourceKind {
  return sourceKinds.indexOf(a) > sourceKinds.indexOf(b) ? a : b;
}

/** It stands in URIs, CSV cells and names of files. */
const modeSchema = z.string().regex(/^[\w.-]+$/, 'a mode is made of letters, digits, ".", "-" and "_"');

const axesSchema = z.strictObject({
  mode: modeSchema,
  precision: z.enum(['fp32', 'fp16']),
  /** `eager`: a framework launches each operator; `runtime`: a compiled one each fused unit; `graph`: launches are captured. */
  launch: z.enum(['eager', 'runtime', 'graph']),
  transfer: z.enum(['direct', 'copy']),
});
export type Axes = z.infer<typeof axesSchema>;
export const axisNames = ['mode', 'precision', 'launch', 'transfer'] as const satisfies readonly (keyof Axes)[];

/** How far a number that nobody measured here may be off. */
const priorSchema = z.strictObject({
  /** `log-uniform`: anywhere from value / factor to value x factor; `log-normal`: 95 % of it there. */
  distribution: z.enum(['log-uniform', 'log-normal']),
  factor: z.number().gt(1).max(1e6),
  /** Where the width comes from. */
  source: z.string().min(10),
});
export type Prior = z.infer<typeof priorSchema>;

/** Kinds that may carry a prior: what was measured or fitted here, or published by the maker, is held. */
export const uncertainKinds: readonly SourceKind[] = ['paper', 'derived', 'assumed'];

const sourcedSchema = z
  .strictObject({
    /** The axis values under which this number holds; an axis that is not named does not matter. */
    when: axesSchema.partial().optional(),
    /** A mathjs unit ("204.8 GB/s"), or a bare number for a ratio. */
    value: z.string(),
    source: z.string().min(10),
    kind: z.enum(sourceKinds),
    /** For ensembles; without one the number is held. */
    prior: priorSchema.optional(),
  })
  .refine(({ kind, prior }) => prior === undefined || uncertainKinds.includes(kind), {
    message: `a prior belongs to a number that is ${uncertainKinds.join(', ')}`,
    path: ['prior'],
  });
export type Sourced = z.infer<typeof sourcedSchema>;

/**
 * Checks a number for every variant of the profile: exactly one of its cases must apply, and the value and the ends of its
 * prior must obey the rule of its quantity.
 */
const casesOf = (kind: NumberKind) =>
  z
    .array(
      sourcedSchema.superRefine(({ value, prior }, context) => {
        const { factor } = prior ?? { factor: 1 };
        try {
          for (const scale of [1, 1 / factor, factor])
            profileNumber(value, kind, kind, scale, scale === 1 ? value : `x${scale} of ${value} by its prior`);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          context.addIssue({ code: 'custom', message: error.problem, path: ['value'] });
        }
      }),
    )
    .min(1);
export type Cases = z.infer<ReturnType<typeof casesOf>>;

const deviceSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['cpu', 'gpu']),
  /** Ceiling of arithmetic throughput, FLOP/s. */
  compute: casesOf('compute'),
  /** Ceiling of memory throughput, bytes/s. */
  bandwidth: casesOf('bandwidth'),
  /** Fraction of the compute ceiling that an operator class reaches; 1 where a class is not named. */
  efficiency: z.partialRecord(z.enum(opClasses), casesOf('efficiency')).default({}),
  /** Host time to dispatch one unit. */
  launch: casesOf('launch'),
});

const moveSchema = z.strictObject({ latency: casesOf('latency'), bandwidth: casesOf('bandwidth') });

/** A latency predictor of the units on a device, launches included; it replaces the ceilings. */
const predictorCaseSchema = z.strictObject({
  when: axesSchema.partial().optional(),
  device: z.union([z.literal(0), z.literal(1)]),
  /** Classes of units that it was fitted to, if not all: other classes keep the ceilings. */
  classes: z.array(z.enum(opClasses)).min(1).optional(),
  /** Variants in which it predicts split units too, in place of their own predictor. */
  partsOf: axesSchema.partial().optional(),
  source: z.string().min(10),
  kind: z.enum(sourceKinds),
  /** As `LatencyPredictor.toJSON` gives it. */
  predictor: z.unknown(),
});

/** Kinds that a number of power may have: no meter has separated the states of a board. */
const powerKinds: readonly SourceKind[] = ['derived', 'assumed'];

/** Power is an interval: a mid value with a prior. */
const powerCases = casesOf('power').refine(
  (cases) => cases.every(({ kind, prior }) => prior && powerKinds.includes(kind)),
  {
    message: `power is ${powerKinds.join(' or ')}, and has a prior`,
  },
);

export const powerSchema = z.strictObject({
  idle: powerCases,
  /** While only device 0, or only device 1, works: launches and waits for it included. */
  device0: powerCases,
  device1: powerCases,
  /** While a tensor moves between devices. */
  moving: powerCases,
});

const spreadSchema = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });

/** A file made without this package, and how much of its time was found among the model's units. */
const importSchema = z.strictObject({
  tool: z.enum(['trtexec', 'onnxruntime']),
  file: z.string(),
  model: z.string(),
  /** Executions that its times are of; null where it does not say. */
  runs: z.int().nullable(),
  mappedPercent: z.number(),
  /** Copies and changes of layout between layers. */
  reformatPercent: z.number(),
});
export type ImportSummary = z.infer<typeof importSchema>;

/** How a profile was measured: the report that `device calibrate` writes beside it, in short. */
const calibrationSchema = z.strictObject({
  /** ISO 8601, of the first measurement; `unknown` where files do not say. */
  date: z.string(),
  /** As the machine describes itself: processor, cores, versions. */
  system: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
  devices: z.string(),
  /** Models that were measured, and measured units of them on each device. */
  models: z.int(),
  units: z.tuple([z.int(), z.int()]),
  /** Files that were made elsewhere. */
  imported: z.array(importSchema).optional(),
  /** The profile variant that supplies what was not measured. */
  refines: z.string().optional(),
  /** For each mode and device the predictor, its residuals, and its errors on models that were left out; in percent, null where one was measured. */
  errors: z.array(
    z.strictObject({
      mode: modeSchema,
      device: z.union([z.literal(0), z.literal(1)]),
      predictor: z.string(),
      residualMedianPercent: z.number(),
      unitMedianPercent: z.number().nullable(),
      unitMeanPercent: z.number().nullable(),
      modelMeanPercent: z.number().nullable(),
    }),
  ),
  /** Dense time over the time with 0.99 zeros, by operator class; 1 is no gain. */
  sparsityGain: z.array(
    z.strictObject({
      opClass: z.string(),
      zeros: z.enum(['weights', 'activations']),
      device: z.union([z.literal(0), z.literal(1)]),
      gain: spreadSchema,
    }),
  ),
});
export type CalibrationSummary = z.infer<typeof calibrationSchema>;

export const profileFileSchema = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  description: z.string(),
  /** Caveats that every result from it must show. */
  notes: z.array(z.string()).optional(),
  /** Values of each axis; the first is the default. */
  axes: z.strictObject({
    mode: z.array(modeSchema).min(1),
    precision: z.array(axesSchema.shape.precision).min(1),
    launch: z.array(axesSchema.shape.launch).min(1),
    transfer: z.array(axesSchema.shape.transfer).min(1),
  }),
  devices: z.tuple([deviceSchema, deviceSchema]),
  /** Host time to wait for one synchronous launch on device 1, beyond its kernel. */
  sync: casesOf('sync'),
  /** Moving one tensor to device 0 and to device 1: latency + bytes / bandwidth. */
  transfer: z.tuple([moveSchema, moveSchema]),
  /** Resources shared by units that run at the same time, for overlap execution. */
  shared: z
    .strictObject({
      /** Cores of device 0, all of which its compute ceiling takes. */
      cores: casesOf('cores'),
      /** Ceiling of the memory's throughput for both devices together, bytes/s. */
      bandwidth: casesOf('bandwidth'),
      /** Factors on the time of device 0's kernels while device 1 computes, and of device 1's while device 0 does; 1 where not given. */
      interference: z.tuple([casesOf('interference'), casesOf('interference')]).optional(),
      /** What the whole system may draw while both devices compute; no limit where not given. Needs `power`. */
      powerBudget: casesOf('power').optional(),
    })
    .optional(),
  /** Power of the whole system at its supply, W; without it, executions have no energy. */
  power: powerSchema.optional(),
  predictors: z.array(predictorCaseSchema).optional(),
  calibration: calibrationSchema.optional(),
});
export type ProfileFile = z.infer<typeof profileFileSchema>;
