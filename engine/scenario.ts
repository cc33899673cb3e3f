// A scenario: a model on a device pair, simulated or real, ready for planners, executors and environments.
import { didYouMean, InputError } from '../base/errors/input-error.js';
import { checkOptions } from '../base/errors/options.js';
import type { OperatorGraph } from '../models/graph.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import { openSliceSource, type SliceSource } from '../models/parts/slice.js';
import { channelRanges } from '../models/parts/split.js';
import { type ModelOptions, modelOptionNames } from '../models/uri.js';
import type { CostTable } from '../predictor/cost-table.js';
import { precisionNotes } from '../predictor/profiles/precision.js';
import { type DeviceProfile, loadProfile } from '../predictor/profiles/profile.js';
import type { SourceKind } from '../predictor/profiles/profile-schema.js';
import { unfittedNotes } from '../predictor/profiles/unfitted.js';
import { isTableUri, loadTable, type ProfileTable } from '../predictor/tables/profile-table.js';
import type { Conditions, SerialConditions } from './conditions.js';
import type { Executor } from './executor.js';
import {
  type Hardware,
  hardwareExecutors,
  hardwareHash,
  hardwareUri,
  type LaneLimits,
  parseHardwareUri,
} from './runtime/hardware.js';
import { type JournalOptions, journaled } from './runtime/journal.js';
import { measureCosts } from './runtime/measuring/measured-costs.js';
import type { RangesOf } from './segments/segments.js';
import { createProfiledSimulator } from './simulator/profiled.js';
import { createSimulator, type Simulator } from './simulator/simulator.js';

/** The platform of the model, as in the result columns `profile`, `profileHash` and `weakestSource`. */
export interface Platform {
  /** Short, for names of files: `jetson-agx-orin_maxn_fp32_eager_direct`, `lanes_cpu:1+cpu:1`. */
  readonly name: string;
  /** A profile's, every axis given, or the hardware's: `lanes://cpu:1+cpu:1`. */
  readonly uri: string;
  /** Of the profile's numbers, or of the machine's devices and their drivers. */
  readonly hash: string;
  readonly weakestSource: SourceKind;
  /** Caveats that every result on this platform must show. */
  readonly notes?: readonly string[];
}

export interface Scenario {
  readonly model: LoadedModel;
  readonly platform: Platform;
  /** Units that one device cannot run are marked as the other's. */
  readonly graph: OperatorGraph;
  readonly executor: Executor;
  /** The simulator's own; on hardware estimates, measured when the scenario is opened. */
  readonly costs: CostTable;
  readonly conditions: Conditions;
}

export interface SimulatedScenario extends Scenario {
  readonly executor: Simulator;
  readonly conditions: SerialConditions;
}

export interface ScenarioOptions extends ModelOptions {
  /** Of the executor `lanes`: lanes of device 0, and units in a segment. */
  readonly lanes?: LaneLimits;
  /** Default `serial`. */
  readonly execution?: Conditions['execution'];
  /** Where an executor on hardware writes down what it is about to run, and what crashed before. */
  readonly journal?: Pick<JournalOptions, 'path' | 'crashes'>;
}

const scenarioOptionNames = {
  ...modelOptionNames,
  lanes: true,
  execution: true,
  journal: true,
} as const satisfies Record<keyof ScenarioOptions, true>;
export const executions: readonly Conditions['execution'][] = ['serial', 'overlap'];

/** The granularity of units on hardware: what ONNX Runtime fuses is one unit, as it runs as one kernel. */
export const hardwareGranularity = 'fused';

/**
 * @param platform a profile's URI, or the hardware's (`platformUri` makes it of options). Hardware takes seconds: its
 * devices are probed and its costs measured. `executor.close()` ends its threads.
 * @throws InputError when an option is unknown, the model or the profile cannot be loaded, a device does not run, or the model has nothing to
 * schedule.
 */
export async function openScenario(model: string, platform: string, given: ScenarioOptions = {}): Promise<Scenario> {
  checkOptions('openScenario', given, scenarioOptionNames);
  const { journal, lanes, execution = 'serial', ...options } = given;
  if (!executions.includes(execution)) {
    throw new InputError(
      `openScenario: the execution is ${JSON.stringify(execution)}.`,
      didYouMean(String(execution), executions),
    );
  }
  const loaded = await loadModel(model, options);
  if (isTableUri(platform)) return profiledScenario(loaded, loadTable(platform), execution);
  const hardware = parseHardwareUri(platform);
  const opened = hardware
    ? measuredScenario(loaded, hardware, journal, lanes)
    : scenarioOf(loaded, loadProfile(platform));
  return { ...opened, conditions: { ...opened.conditions, execution } };
}

/**
 * The scenario of a profiled model, simulated from its own measurements.
 * @throws InputError when the table is of another model.
 */
export function profiledScenario(
  model: LoadedModel,
  table: ProfileTable,
  execution: Conditions['execution'],
): Scenario {
  const whole = schedulable(model, model.graph(table.granularity));
  let source: SliceSource | null = null;
  const rangesOf: RangesOf = (unit, share) => channelRanges((source ??= openSliceSource(model)), whole, unit, share);
  const executor = createProfiledSimulator(whole, table, rangesOf);
  return {
    model,
    platform: {
      name: `table_${table.devices}_${table.hash}`,
      uri: table.uri,
      hash: table.hash,
      weakestSource: 'measured',
    },
    graph: withSupport(whole, executor.supported(whole)),
    executor,
    costs: execution === 'overlap' ? executor.segmentCosts.costs : executor.costs,
    conditions: { seed: 0, execution, mode: 'measured', load: null, memoryBudgetBytes: null },
  };
}

/**
 * The scenario of a simulated board.
 * @throws InputError when the model has nothing to schedule.
 */
export function scenarioOf(model: LoadedModel, profile: DeviceProfile): SimulatedScenario {
  const graph = keepOffDevice1(schedulable(model, model.graph(profile.granularity)), profile.unsupported);
  const executor = createSimulator(profile);
  const { uri, hash, weakestSource } = profile;
  const notes = [...profile.notes, ...precisionNotes(graph, profile), ...unfittedNotes(graph, profile)];
  return {
    model,
    platform: { name: [profile.name, ...Object.values(profile.axes)].join('_'), uri, hash, weakestSource, notes },
    graph,
    executor,
    costs: executor.costs(graph),
    conditions: { seed: 0, execution: 'serial', mode: profile.axes.mode, load: null, memoryBudgetBytes: null },
  };
}

function measuredScenario(
  model: LoadedModel,
  hardware: Hardware,
  journal: ScenarioOptions['journal'] = undefined,
  lanes: LaneLimits = {},
): Scenario {
  const whole = keepOffDevice1(schedulable(model, model.graph(hardwareGranularity)), hardware.unsupported);
  const uri = hardwareUri(hardware);
  const hash = hardwareHash(hardware);
  const { create, stepwise } = hardwareExecutors[hardware.executor];
  const created = create(model, hardware.pair, lanes);
  const executor = journal ? journaled(created, { ...journal, model: model.uri, stepwise }) : created;
  const conditions = { seed: 0, execution: 'serial', mode: 'measured', load: null, memoryBudgetBytes: null } as const;
  try {
    const graph = withSupport(whole, executor.supported(whole));
    return {
      model,
      platform: { name: uri.replace('://', '_'), uri, hash, weakestSource: 'measured' },
      graph,
      executor,
      costs: measureCosts(executor, graph, conditions, stepwise ? undefined : 1),
      conditions,
    };
  } catch (error) {
    executor.close();
    throw error;
  }
}

function schedulable(model: LoadedModel, graph: OperatorGraph): OperatorGraph {
  if (graph.units.length > 0) return graph;
  throw new InputError(
    `models: ${model.uri}: nothing is left to schedule once constants are folded.`,
    'Give a model that computes something from its inputs.',
  );
}

/** The same graph, with units that hold an operator of these types marked as device 0's. */
function keepOffDevice1(graph: OperatorGraph, opTypes: readonly string[]): OperatorGraph {
  if (opTypes.length === 0) return graph;
  const kept = graph.units.map((unit) =>
    unit.opTypes.some((opType) => opTypes.includes(opType)) ? { ...unit, onlyOn: 0 as const } : unit,
  );
  return { ...graph, units: kept };
}

/** The same graph, with each unit that only one of the devices supports marked as that device's. */
export function withSupport(graph: OperatorGraph, supported: Uint8Array): OperatorGraph {
  const units = graph.units.map((unit) => {
    const [on0, on1] = [supported[2 * unit.id], supported[2 * unit.id + 1]];
    if (!on0 && !on1)
      throw new InputError(`devices: neither runs unit ${unit.id} "${unit.name}".`, 'Choose another device pair.');
    return on0 && on1 ? unit : { ...unit, onlyOn: on0 ? (0 as const) : (1 as const) };
  });
  return { ...graph, units };
}
