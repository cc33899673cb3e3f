// `device profile`: a model measured unit by unit on this machine, as files: JSON for programs, CSV for people, and a figure.
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { writeCsv } from '../../base/files/csv.js';
import { ownVersion } from '../../base/files/json.js';
import type { Conditions } from '../../engine/conditions.js';
import { type DevicePair, formatDevicePair } from '../../engine/runtime/devices/device-pair.js';
import { createLanesExecutor } from '../../engine/runtime/lanes/executor.js';
import { sampledSchedules } from '../../engine/runtime/measuring/segment-samples.js';
import { patienceMs } from '../../engine/runtime/measuring/slowdown.js';
import { profileUnits, warmUpRounds } from '../../engine/runtime/measuring/unit-measurement.js';
import { createSessionExecutor } from '../../engine/runtime/session/executor.js';
import { hardwareGranularity, withSupport } from '../../engine/scenario.js';
import type { OperatorGraph, Unit } from '../../models/graph.js';
import type { LoadedModel } from '../../models/load.js';
import { unitMeasurementSchema } from '../../predictor/tables/profile-table.js';
import type { UnitMeasurement } from '../../predictor/tables/unit-times.js';
import type { WrittenFigure } from '../report/figures/drawing.js';
import { writeFigure } from '../report/figures/figure.js';
import { shortName } from '../report/figures/labels.js';
import { describeSystem, type SystemDescription } from '../results/system.js';
import { unitTimesFigure } from './figures/unit-times.js';

export interface ModelMeasurement extends UnitMeasurement {
  readonly version: 1;
  readonly kind: 'measured';
  /** ISO 8601, when the measurement began. */
  readonly date: string;
  readonly system: SystemDescription;
  /** The model's full URI. */
  readonly model: string;
  readonly modelHash: string;
  readonly graphHash: string;
  readonly granularity: OperatorGraph['granularity'];
  readonly devices: string;
  readonly rounds: number;
  readonly warmUpRounds: number;
}

export const modelMeasurementSchema: z.ZodType<ModelMeasurement> = unitMeasurementSchema.extend({
  version: ownVersion(1),
  kind: z.literal('measured'),
  date: z.string(),
  system: z.object({
    version: z.string(),
    platform: z.string(),
    node: z.string(),
    onnxRuntime: z.string(),
    cpu: z.string(),
    cores: z.number(),
    vectorExtension: z.string().nullable(),
    lockfileHash: z.string().nullable(),
  }),
  modelHash: z.string(),
  rounds: z.int().nonnegative(),
  warmUpRounds: z.int().nonnegative(),
});

const conditions: Conditions = { seed: 0, execution: 'overlap', mode: 'measured', load: null, memoryBudgetBytes: null };

/**
 * Measures every unit of the model on both devices, and the moves between them.
 * @param rounds times that each unit is measured on each device
 * @param inSegments whether segments of several units are measured too: most of the time
 * @throws InputError when a device does not run, or runs no unit
 */
export function profileModel(
  model: LoadedModel,
  pair: DevicePair,
  rounds: number,
  inSegments = true,
): ModelMeasurement {
  const date = new Date().toISOString();
  // With a placement and its complement from before, the next placement has all its sessions already.
  const lanes = createLanesExecutor({ model, pair, maxSegmentUnits: 1, cachedPlans: 3 });
  const segments = inSegments ? createLanesExecutor({ model, pair, cachedPlans: sampledSchedules }) : null;
  const sessions = createSessionExecutor(model, formatDevicePair(pair), { plans: 2, patienceMs });
  try {
    const whole = model.graph(hardwareGranularity);
    const graph = withSupport(whole, lanes.supported(whole));
    return {
      version: 1,
      kind: 'measured',
      date,
      system: describeSystem(),
      model: model.uri,
      modelHash: model.modelHash,
      graphHash: graph.hash,
      granularity: hardwareGranularity,
      devices: formatDevicePair(pair),
      rounds,
      warmUpRounds,
      ...profileUnits(lanes, segments, sessions, graph, conditions, rounds),
    };
  } finally {
    lanes.close();
    segments?.close();
    sessions.close();
  }
}

/** Writes `profile.json`, `units.csv`, `kernels.csv`, `moves.csv` and the figure `units.svg` and `.png`, which is returned. */
export async function writeModelMeasurement(
  folder: string,
  { units, tensors }: OperatorGraph,
  profile: ModelMeasurement,
): Promise<WrittenFigure> {
  writeFileAtomic(join(folder, 'profile.json'), `${JSON.stringify(profile, null, 2)}\n`);
  const unitRows = profile.units.map(({ unit, device, lane }) => {
    const { name, opTypes, opClass, flops, bytesRead, bytesWritten } = units[unit]!;
    return {
      unit,
      name,
      opTypes: opTypes.join('+'),
      opClass,
      flops,
      bytesRead,
      bytesWritten,
      device,
      laneMs: lane?.medianMs ?? null,
      laneMsLow: lane?.lowMs ?? null,
      laneMsHigh: lane?.highMs ?? null,
      samples: lane?.samples ?? 0,
    };
  });
  writeCsv(join(folder, 'units.csv'), unitColumns, unitRows);
  const kernelRows = profile.kernels.map(({ device, units: run, ms }) => ({
    device,
    units: run.join('+'),
    names: run.map((unit) => units[unit]!.name).join('+'),
    ms,
  }));
  writeCsv(join(folder, 'kernels.csv'), kernelColumns, kernelRows);
  const moveRows = profile.moves.map(({ tensor, to, bytes, medianMs, lowMs, highMs, samples }) => {
    return { tensor, name: tensors[tensor]!.name, to, bytes, ms: medianMs, msLow: lowMs, msHigh: highMs, samples };
  });
  writeCsv(join(folder, 'moves.csv'), moveColumns, moveRows);
  return writeFigure(folder, 'units', unitTimesFigure(figureData(units, profile)));
}

const unitColumns = [
  ...(['unit', 'name', 'opTypes', 'opClass', 'flops', 'bytesRead', 'bytesWritten', 'device'] as const),
  ...(['laneMs', 'laneMsLow', 'laneMsHigh', 'samples'] as const),
] as const;
const kernelColumns = ['device', 'units', 'names', 'ms'] as const;
const moveColumns = ['tensor', 'name', 'to', 'bytes', 'ms', 'msLow', 'msHigh', 'samples'] as const;

function figureData(units: readonly Unit[], profile: ModelMeasurement) {
  const [first, second] = profile.devices.split('+') as [string, string];
  const devices = (first === second ? [`${first} #0`, `${second} #1`] : [first, second]) as [string, string];
  const times = (device: 0 | 1) =>
    new Map(profile.units.flatMap((time) => (time.device === device && time.lane ? [[time.unit, time.lane]] : [])));
  const [on0, on1] = [times(0), times(1)];
  const points = units.flatMap(({ id, opClass }) => {
    const [firstMs, secondMs] = [on0.get(id)?.medianMs, on1.get(id)?.medianMs];
    return firstMs && secondMs ? [{ opClass, firstMs, secondMs }] : [];
  });
  return {
    model: shortName(profile.model),
    devices,
    points,
    provenance: [
      `measured on ${profile.system.cpu}, ${profile.date.slice(0, 10)}; medians of ${profile.rounds} executions`,
      ...(first.startsWith('cpu') && second.startsWith('cpu') ? ['two CPUs: no heterogeneity, only spread'] : []),
    ],
  };
}
