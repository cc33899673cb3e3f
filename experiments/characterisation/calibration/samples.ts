// From unit measurements to what predictors learn. A unit has two times on a device: by itself, as lanes run it step by step, and
// within a session that holds its neighbours too, where ONNX Runtime fuses further and keeps layouts.

import type { OpClass, OperatorGraph } from '../../../models/graph.js';
import { fillUnitRow, rowFeatures, unitFeatures } from '../../../predictor/features/unit-features.js';
import { absorbedMs } from '../../../predictor/latency/absorbing.js';
import { nonNegativeLeastSquares } from '../../../predictor/latency/least-squares.js';
import { type Samples, samplesOf } from '../../../predictor/latency/samples.js';
import type { ProfiledModel } from './sources.js';

/** `units`: each unit by itself. `segments`: as a part of one session with others. */
export const calibrationModes = ['segments', 'units'] as const;
export type CalibrationMode = (typeof calibrationModes)[number];

/** Measured units of one mode on one device. */
export interface UnitSamples {
  readonly samples: Samples;
  /** [rows] */
  readonly models: readonly string[];
  readonly classes: readonly OpClass[];
  readonly names: readonly string[];
  /** [rows] Whether another kernel did the unit's work: it counts in sums only. */
  readonly absorbed: readonly boolean[];
}

/** Null where nothing was measured. */
export function unitSamples(
  models: readonly ProfiledModel[],
  mode: CalibrationMode,
  device: 0 | 1,
): UnitSamples | null {
  const times = mode === 'units' ? models.map((model) => aloneMs(model, device)) : withinMs(models, device);
  const features = mode === 'units' ? unitFeatures : rowFeatures;
  const row = new Float64Array(rowFeatures.length);
  const found = models.flatMap(({ graph, profile }, at) =>
    graph.units.flatMap((unit) => {
      const latencyMs = times[at]!.get(unit.id);
      if (latencyMs === undefined || !(latencyMs > 0)) return [];
      fillUnitRow(graph, unit.id, 1, row);
      const x = [...row.subarray(0, features.length)];
      return [{ x, latencyMs, model: profile.model, opClass: unit.opClass, name: unit.name }];
    }),
  );
  if (found.length === 0) return null;
  return {
    samples: samplesOf(features, found),
    models: found.map(({ model }) => model),
    classes: found.map(({ opClass }) => opClass),
    names: found.map(({ name }) => name),
    absorbed: found.map(({ latencyMs }) => latencyMs === absorbedMs),
  };
}

export function aloneMs({ profile }: ProfiledModel, device: 0 | 1): Map<number, number> {
  return new Map(
    profile.units.flatMap(({ unit, device: on, lane }) => (on === device && lane ? [[unit, lane.lowMs]] : [])),
  );
}

/**
 * Per model, the times of units within a session, which add up to the model's. A kernel's time is booked to its heaviest unit,
 * the others are absorbed, and a change of layout to the unit of the kernel that it serves. What the session takes beyond
 * (calls, and changes of layout where they are not separate) is shared out among all of these, by a cost of each and by their
 * bytes: two constants of the device, fitted to all models.
 */
function withinMs(models: readonly ProfiledModel[], device: 0 | 1): Map<number, number>[] {
  const sessions = models.map(({ graph, profile, unmappedMs = 0 }) => {
    const kernels = [...profile.kernels, ...(profile.reorders ?? [])]
      .filter((kernel) => kernel.device === device && kernel.units.length > 0)
      .map(({ units, ms }) => ({ unit: heaviest(graph, units), ms, bytes: bytesOf(graph, units) }));
    const kernelMs = kernels.reduce((sum, { ms }) => sum + ms, 0);
    const bytes = kernels.reduce((sum, kernel) => sum + kernel.bytes, 0);
    const wholeMs = profile.wholeMs[device];
    return {
      kernels,
      bytes,
      kernelMs,
      wholeMs,
      restMs: wholeMs === null ? 0 : Math.max(0, wholeMs - kernelMs - unmappedMs),
    };
  });
  const timed = sessions.filter(({ wholeMs, kernels }) => wholeMs !== null && kernels.length > 0);
  const [perKernel, perByte] = nonNegativeLeastSquares(
    [
      Float64Array.from(timed, ({ kernels, wholeMs }) => kernels.length / wholeMs!),
      Float64Array.from(timed, ({ bytes, wholeMs }) => bytes / wholeMs!),
    ],
    Float64Array.from(timed, ({ restMs, wholeMs }) => restMs / wholeMs!),
  ) as [number, number];
  return models.map(({ graph, profile, unmappedMs }, at) => {
    const { kernels, wholeMs, restMs } = sessions[at]!;
    if (wholeMs === null || kernels.length === 0) return new Map();
    const timed =
      unmappedMs === undefined
        ? graph.units.map(({ id }) => id)
        : profile.kernels.flatMap((kernel) => (kernel.device === device ? kernel.units : []));
    const ms = new Map(timed.map((unit) => [unit, absorbedMs]));
    const parts = kernels.map(({ bytes }) => perKernel + perByte * bytes);
    const total = parts.reduce((sum, part) => sum + part, 0);
    kernels.forEach((kernel, k) => {
      const before = ms.get(kernel.unit)!;
      const share = total > 0 ? parts[k]! / total : 1 / kernels.length;
      ms.set(kernel.unit, (before === absorbedMs ? 0 : before) + kernel.ms + share * restMs);
    });
    return ms;
  });
}

function heaviest(graph: OperatorGraph, units: readonly number[]): number {
  return units.reduce((best, unit) => (graph.units[unit]!.flops > graph.units[best]!.flops ? unit : best));
}

function bytesOf(graph: OperatorGraph, units: readonly number[]): number {
  return units.reduce((sum, unit) => sum + graph.units[unit]!.bytesRead + graph.units[unit]!.bytesWritten, 0);
}
