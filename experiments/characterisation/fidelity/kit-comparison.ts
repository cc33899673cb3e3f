// What a board kit measured of units, whole models and schedules, and what a simulator says of the same.
import { quantile } from '../../../base/statistics/quantile.js';
import type { Executor } from '../../../engine/executor.js';
import { Schedule } from '../../../engine/schedule.js';
import { createProfiledSimulator } from '../../../engine/simulator/profiled.js';
import { createSimulator } from '../../../engine/simulator/simulator.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { CostTable } from '../../../predictor/cost-table.js';
import type { DeviceProfile } from '../../../predictor/profiles/profile.js';
import type { ProfileTable } from '../../../predictor/tables/profile-table.js';
import { undisturbed } from '../../../predictor/tables/unit-times.js';
import type { KitModel, KitReading, KitSchedule, KitTimes } from '../kit/reading.js';
import type { ComparedSchedule, ComparedUnit } from './machine-comparison.js';
import { type MachineFidelity, machineFidelity } from './machine-fidelity.js';
import { aloneMs } from './simulated-model.js';

export type Mechanism = KitSchedule['mechanism'];

/** A simulator of a model in serial execution, for one mechanism. */
export interface SimulatedMechanism {
  readonly executor: Executor;
  readonly costs: CostTable;
  /** Whether its costs are this kit's measured units, which are then not compared with themselves. */
  readonly ownUnits: boolean;
  readonly hash: string;
}

/** A row of `kit-*.csv`; errors in percent of what was measured. */
export type KitFidelity = Pick<
  MachineFidelity,
  | 'model'
  | 'devices'
  | 'profileHash'
  | 'unitCount'
  | 'scheduleCount'
  | 'scheduleMeanPercent'
  | 'scheduleWithin10Percent'
  | 'noisePercent'
  | 'regretPercent'
> & {
  /** What it was simulated from: a profile's URI, `own units`, `other models`. */
  readonly simulatedBy: string;
  readonly mechanism: Mechanism;
  /** Units by themselves; null where they are the kit's own. */
  readonly unitMeanPercent: number | null;
  readonly unitWithin10Percent: number | null;
  /** The whole model on one device; null where neither device ran all of it. */
  readonly wholeMeanPercent: number | null;
  /** Null where fewer than three schedules were measured, or they differ by less than the noise. */
  readonly tau: number | null;
  readonly tauCeiling: number | null;
};

export interface KitComparison extends KitFidelity {
  readonly schedules: readonly ComparedSchedule[];
}

/** The simulator of a profile. */
export function profileMechanism(graph: OperatorGraph, profile: DeviceProfile): SimulatedMechanism {
  const executor = createSimulator(profile);
  return { executor, costs: executor.costs(graph), ownUnits: false, hash: profile.hash };
}

/** The simulator of a model from measurements of its own units, one by one. */
export function tableMechanism(graph: OperatorGraph, table: ProfileTable, ownUnits: boolean): SimulatedMechanism {
  const executor = createProfiledSimulator(graph, table, () => {
    throw new RangeError('a kit measures no split units');
  });
  return { executor, costs: executor.costs, ownUnits, hash: table.hash };
}

/** Compares a simulator with a kit; null where the kit measured no schedule by the mechanism. */
export function compareWithKit(
  reading: KitReading,
  { uri, graph }: KitModel,
  mechanism: Mechanism,
  simulatedBy: string,
  { executor, costs, ownUnits, hash }: SimulatedMechanism,
): KitComparison | null {
  const schedules = measuredSchedules(reading, uri, graph, mechanism).map(
    ({ name, devices, times }): ComparedSchedule => {
      const trace = executor.run(graph, Schedule.of(graph, devices), {
        seed: 0,
        execution: 'serial',
        mode: 'measured',
        load: null,
        memoryBudgetBytes: null,
      });
      return {
        name,
        simulatedMs: 'error' in trace ? Number.NaN : trace.makespanMs,
        measuredMs: times.lowMs,
        passMs: halves(times),
      };
    },
  );
  if (schedules.length === 0) return null;
  const profile = reading.unitMeasurements.find(({ model }) => model === uri);
  const units =
    mechanism === 'units' && !ownUnits
      ? (profile?.units ?? []).flatMap(({ unit, device, lane }): ComparedUnit[] => {
          const simulatedMs = aloneMs(costs, unit, device);
          if (!lane || simulatedMs === null) return [];
          // The archive has one time for each unit, so the noise of units is unknown.
          return [{ unit, device, simulatedMs, measuredMs: lane.lowMs, passMs: [lane.lowMs, lane.lowMs] }];
        })
      : [];
  const row = machineFidelity({ model: uri, devices: reading.machine.key.devices, hash }, { schedules, units });
  const known = (value: number): number | null => (Number.isNaN(value) ? null : value);
  return {
    model: uri,
    devices: row.devices,
    simulatedBy,
    profileHash: hash,
    mechanism,
    unitCount: units.length,
    unitMeanPercent: known(row.unitMeanPercent),
    unitWithin10Percent: known(row.unitWithin10Percent),
    wholeMeanPercent: known(row.wholeMeanPercent),
    scheduleCount: schedules.length,
    scheduleMeanPercent: row.scheduleMeanPercent,
    scheduleWithin10Percent: row.scheduleWithin10Percent,
    noisePercent: row.noisePercent,
    tau: schedules.length < 3 ? null : known(row.tau),
    tauCeiling: schedules.length < 3 ? null : known(row.tauCeiling),
    regretPercent: row.regretPercent,
    schedules,
  };
}

interface Measured {
  readonly name: string;
  readonly devices: readonly (0 | 1)[];
  readonly times: KitTimes;
}

/** In one session, the whole model on one device is measured by itself too, and more often: that stands for both. */
function measuredSchedules(
  { schedules, wholeModels }: KitReading,
  uri: string,
  { units }: OperatorGraph,
  mechanism: Mechanism,
): Measured[] {
  const named = (devices: readonly (0 | 1)[]): string | null =>
    (['cpu-only', 'gpu-only'] as const).find((_, device) =>
      units.every(({ id, onlyOn }) => devices[id] === (onlyOn ?? device)),
    ) ?? null;
  const wholes =
    mechanism === 'session'
      ? wholeModels.flatMap(({ model, device, ...times }): Measured[] =>
          model === uri && units.every(({ onlyOn }) => onlyOn === null || onlyOn === device)
            ? [{ name: named(units.map(() => device))!, devices: units.map(() => device), times }]
            : [],
        )
      : [];
  const others = schedules
    .filter((one) => one.model === uri && one.mechanism === mechanism)
    .map(({ devices, ...times }, at): Measured => ({ name: named(devices) ?? `cut ${at}`, devices, times }));
  return [...wholes, ...others.filter(({ name }) => !wholes.some((whole) => whole.name === name))];
}

/** Every other time and the rest: two measurements of the same; of a single time both are that. */
function halves({ samplesMs, lowMs }: KitTimes): [number, number] {
  if (samplesMs.length < 2) return [lowMs, lowMs];
  const half = (parity: number) => samplesMs.filter((_, at) => at % 2 === parity);
  return [quantile(half(0), undisturbed), quantile(half(1), undisturbed)];
}
