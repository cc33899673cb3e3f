// A simulator of one model, made of the model's own table or of a profile of this machine, to be compared with the machine.
import { InputError } from '../../../base/errors/input-error.js';
import { formatDevicePair, parseDevicePair } from '../../../engine/runtime/devices/device-pair.js';
import { createLanesExecutor } from '../../../engine/runtime/lanes/executor.js';
import { profiledScenario, type Scenario, scenarioOf, withSupport } from '../../../engine/scenario.js';
import type { LoadedModel } from '../../../models/load.js';
import type { CostTable } from '../../../predictor/cost-table.js';
import type { ProfileTable } from '../../../predictor/tables/profile-table.js';
import { fusedVariants } from '../fused-variants.js';

export interface SimulatedModel {
  /** A profile's URI, or `own profile`. */
  readonly simulatedBy: string;
  readonly devices: string;
  readonly hash: string;
  /** In overlap execution. */
  readonly scenario: Scenario;
  /** Simulated time of a unit by itself, ms; null where the table or profile has none. */
  readonly unitMs: (unit: number, device: 0 | 1) => number | null;
}

/** @throws InputError when the table is of another model */
export function simulatedByTable(model: LoadedModel, table: ProfileTable): SimulatedModel {
  const alone = new Map(table.units.map(({ unit, device, lane }) => [2 * unit + device, lane?.lowMs]));
  return {
    simulatedBy: 'own profile',
    devices: table.devices,
    hash: table.hash,
    scenario: profiledScenario(model, table, 'overlap'),
    unitMs: (unit, device) => alone.get(2 * unit + device) ?? null,
  };
}

/**
 * A profile that `device calibrate` has written here: schedules in its mode `segments`, units by themselves in its mode `units`.
 * @throws InputError when its devices are not this machine's, or it has no variant of fused units
 */
export function simulatedByProfile(model: LoadedModel, uri: string): SimulatedModel {
  const fused = fusedVariants(uri, 'fidelity:');
  const variant = (mode: string) => fused.find(({ axes }) => axes.mode === mode);
  const profile = variant('segments') ?? fused[0];
  const devices = devicesOf(uri, profile.devices.map(({ name }) => name).join('+'));
  const scenario = scenarioOf(model, profile);
  const lanes = createLanesExecutor({ model, pair: devices });
  try {
    const graph = withSupport(scenario.graph, lanes.supported(scenario.graph));
    const alone = variant('units');
    const unitCosts = alone && scenarioOf(model, alone).costs;
    return {
      simulatedBy: profile.uri,
      devices,
      hash: profile.hash,
      scenario: {
        ...scenario,
        graph,
        costs: scenario.executor.costs(graph),
        conditions: { ...scenario.conditions, execution: 'overlap' },
      },
      unitMs: (unit, device) => (unitCosts ? aloneMs(unitCosts, unit, device) : null),
    };
  } finally {
    lanes.close();
  }
}

/** A unit by itself, launched and waited for, ms; null where the costs do not know it. */
export function aloneMs(costs: CostTable, unit: number, device: 0 | 1): number | null {
  const ms = costs.unitMs(unit, device, 1) + costs.launchMs(device) + (device === 1 ? costs.syncMs : 0);
  return Number.isFinite(ms) ? ms : null;
}

function devicesOf(uri: string, names: string): string {
  try {
    return formatDevicePair(parseDevicePair(names));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(
      `fidelity: ${uri} is of the devices ${names}, which this machine does not execute on.`,
      'Give a profile that `sparoa-gym device calibrate` has written here, or --kit with the archive of a kit.',
    );
  }
}
