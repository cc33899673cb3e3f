// What stays the same from one stream of inferences to the next: models at each batch size, the board in each power mode,
// levels of load, and what one inference costs in each case of them.
import { InputError } from '../../base/errors/input-error.js';
import type { SerialConditions } from '../../engine/conditions.js';
import type { Executor } from '../../engine/executor.js';
import { type LoadLevel, type LoadProcess, sameLevel, steadyLoad } from '../../engine/load-process.js';
import { parseHardwareUri } from '../../engine/runtime/hardware.js';
import { openScenario, type Scenario, type SimulatedScenario, scenarioOf } from '../../engine/scenario.js';
import type { OperatorGraph } from '../../models/graph.js';
import { type LoadedModel, loadModel } from '../../models/load.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { loadProfile, type PowerModel } from '../../predictor/profiles/profile.js';
import { type SourceKind, weaker } from '../../predictor/profiles/profile-schema.js';
import type { Observation } from '../observations/observation-block.js';
import { shareObservation } from '../observations/observation-spaces.js';
import { singleDeviceMj, singleDeviceMs } from '../rewards/single-device.js';
import { type StreamEnvOptions, streamEnvId } from './options.js';

/** One model at one batch size in one power mode. */
export interface StreamScenario extends Pick<Scenario, 'graph' | 'executor'> {
  readonly conditions: SerialConditions;
  /** The simulator's under a load; on hardware as measured when it was opened. */
  readonly costsUnder: (load: LoadProcess | null) => CostTable;
  /** Null on hardware, and where the profile does not state power. */
  readonly power: PowerModel | null;
}

/** One inference under constant conditions: its graph, executor and costs. */
export interface StreamCase {
  readonly index: number;
  readonly graph: OperatorGraph;
  readonly executor: Executor;
  /** Serial, with the present power mode and load. */
  readonly conditions: SerialConditions;
  readonly costs: CostTable;
  /** Latency of each single device; on hardware a median, and Infinity where the device fails. */
  readonly singleMs: readonly [number, number];
  /** Energy of each single device; null where no power is known. */
  readonly singleMj: readonly [number, number] | null;
  readonly observation: Observation;
}

/** The description of a setting in results. */
export interface StreamIdentity {
  /** Joined by `;`, with models in the options' order and batches within. */
  readonly model: string;
  readonly modelHash: string;
  /** The profile of the options, or the hardware's URI. */
  readonly profile: string;
  /** One for each power mode, joined by `;`. */
  readonly profileHash: string;
  readonly weakestSource: SourceKind;
}

const idle: LoadLevel = { cpu: 0, gpu: 0, memory: 0 };

export class StreamSetting {
  readonly options: StreamEnvOptions;
  readonly identity: StreamIdentity;
  readonly modes: readonly string[];
  readonly levels: readonly LoadLevel[];
  /** Ascending. */
  readonly batches: readonly number[];
  readonly modelCount: number;
  /** How many pairs of power mode and load level there are. */
  readonly conditionCount: number;
  /** Whether hardware executes: then there is one condition, and times are measured. */
  readonly measured: boolean;
  readonly #scenarios: readonly StreamScenario[];
  readonly #cases: (StreamCase | undefined)[] = [];

  /** @param scenarios of each model, at each batch size in ascending order, in each mode: the last index runs fastest */
  constructor(options: StreamEnvOptions, scenarios: readonly StreamScenario[], identity: StreamIdentity) {
    const { load, batches, models } = options;
    this.options = options;
    this.identity = identity;
    this.batches = batches.toSorted((a, b) => a - b);
    this.modelCount = models.length;
    this.modes = scenarios
      .slice(0, scenarios.length / (models.length * batches.length))
      .map(({ conditions: { mode } }) => mode);
    this.levels = load === null ? [idle] : load.kind === 'markov' ? load.states : load.samples;
    this.conditionCount = this.modes.length * this.levels.length;
    this.measured = scenarios[0]!.executor.kind === 'measured';
    this.#scenarios = scenarios;
  }

  /** The same setting with other decision times. */
  with(decisions: Pick<StreamEnvOptions, 'decisionMsPerInference' | 'decisionMsPerUnit'>): StreamSetting {
    return new StreamSetting({ ...this.options, ...decisions }, this.#scenarios, this.identity);
  }

  /** The number of a pair of mode and level, in [0, conditionCount). */
  conditionOf(mode: number, level: number): number {
    return mode * this.levels.length + level;
  }

  modeOf(condition: number): number {
    return Math.floor(condition / this.levels.length);
  }

  levelOf(condition: number): LoadLevel {
    return this.levels[condition % this.levels.length]!;
  }

  /** Power while the board waits; null where none is known. */
  idleW(condition: number): number | null {
    return this.#scenarios[this.modeOf(condition)]!.power?.idleW ?? null;
  }

  /** The number, in `batches`, of the least batch size that holds so many requests. */
  sizeFor(requests: number): number {
    let size = 0;
    while (this.batches[size]! < requests) size++;
    return size;
  }

  /** @param size number of the batch size */
  caseOf(model: number, size: number, condition: number): StreamCase {
    const index = (model * this.batches.length + size) * this.conditionCount + condition;
    return (this.#cases[index] ??= this.#makeCase(index, model, size, condition));
  }

  /** An inference in every condition. */
  casesOf(model: number, size: number): StreamCase[] {
    return Array.from({ length: this.conditionCount }, (_, condition) => this.caseOf(model, size, condition));
  }

  #makeCase(index: number, model: number, size: number, condition: number): StreamCase {
    const at = (model * this.batches.length + size) * this.modes.length + this.modeOf(condition);
    const { graph, executor, conditions: own, costsUnder, power } = this.#scenarios[at]!;
    const level = this.levelOf(condition);
    const load = sameLevel(level, idle) ? null : steadyLoad(level);
    const conditions = { ...own, load };
    const costs = costsUnder(load);
    const singleMs = singleDeviceMs({ graph, executor, conditions });
    const singleMj = power && singleDeviceMj({ graph, executor, conditions });
    const observation = shareObservation({
      graph,
      costs,
      referenceMs: Math.min(...singleMs),
      lookahead: this.options.lookahead,
    });
    return { index, graph, executor, conditions, costs, singleMs, singleMj, observation };
  }

  /** Ends the executors: those on hardware have threads. */
  close(): void {
    for (const { executor } of this.#scenarios) executor.close();
  }
}

export function simulatedScenario({
  graph,
  executor,
  conditions,
  power,
}: Pick<SimulatedScenario, 'graph' | 'executor' | 'conditions'> & Pick<StreamScenario, 'power'>): StreamScenario {
  return { graph, executor, conditions, power, costsUnder: (load) => executor.costs(graph, load) };
}

/**
 * On hardware it takes seconds for each model and batch size: devices are probed, costs measured.
 * @throws InputError when a model or the profile cannot be loaded, or has not the mode or the batch, or a device does not run
 */
export async function openStreamSetting(options: StreamEnvOptions): Promise<StreamSetting> {
  const models = await streamModels(options);
  const of = {
    model: models.map(({ uri }) => uri).join(';'),
    modelHash: modelHashOf(models),
    profile: options.profile,
  };
  if (parseHardwareUri(options.profile)) {
    const opened: Scenario[] = [];
    try {
      for (const { uri } of models) opened.push(await openScenario(uri, options.profile));
    } catch (error) {
      for (const { executor } of opened) executor.close();
      throw error;
    }
    const { hash: profileHash, weakestSource } = opened[0]!.platform;
    return new StreamSetting(options, opened.map(measuredScenario), { ...of, profileHash, weakestSource });
  }
  const profiles = profileUris(options).map(loadProfile);
  const identity = {
    ...of,
    // Loads need the shared numbers of the profile.
    profileHash: profiles.map(({ hash, shared }) => shared?.hash ?? hash).join(';'),
    weakestSource: profiles.map((each) => (each.shared ?? each).weakestSource).reduce(weaker),
  };
  const powerless = profiles.find(({ power }) => power === null);
  if (options.energyBudgetMj !== null && powerless)
    throw new InputError(
      `${streamEnvId}: energyBudgetMj is ${options.energyBudgetMj}, but ${powerless.uri} states no power.`,
      'Name a profile with "power" (docs/energy.md), or no budget.',
    );
  const scenarios = models.flatMap((model) =>
    profiles.map((profile) => simulatedScenario({ ...scenarioOf(model, profile), power: profile.power })),
  );
  return new StreamSetting(options, scenarios, identity);
}

function measuredScenario({ graph, executor, costs, conditions }: Scenario): StreamScenario {
  return { graph, executor, conditions: { ...conditions, execution: 'serial' }, costsUnder: () => costs, power: null };
}

/** The names in results of the models of `streamModels`. */
export function modelHashOf(models: readonly LoadedModel[]): string {
  return models.map(({ modelHash }) => modelHash).join(';');
}

/**
 * Each model at each batch size, ascending.
 * @throws InputError when one cannot be loaded, or has not the batch
 */
export async function streamModels(options: StreamEnvOptions): Promise<LoadedModel[]> {
  const models: LoadedModel[] = [];
  for (const uri of options.models) {
    const own = await loadModel(uri);
    for (const batch of options.batches.toSorted((a, b) => a - b))
      models.push(batch === own.batch ? own : await loadModel(atBatch(own, batch)));
  }
  return models;
}

function atBatch({ uri, batchIsFree }: LoadedModel, batch: number): string {
  if (!batchIsFree)
    throw new InputError(
      `${streamEnvId}: batches holds ${batch}, but the batch of ${uri} is fixed.`,
      'Name its own batch alone, or export the model with a free batch.',
    );
  const [address, query = ''] = uri.split('?') as [string, string?];
  const others = query.split('&').filter((part) => part !== '' && !part.startsWith('batch='));
  return `${address}?${[`batch=${batch}`, ...others].join('&')}`;
}

/** The profile in each power mode. */
function profileUris({ profile, modes }: StreamEnvOptions): string[] {
  if (modes === null) return [profile];
  if (/[?&]mode=/.test(profile))
    throw new InputError(
      `${streamEnvId}: the profile "${profile}" names a mode, and modes are given too.`,
      'Name modes in one place.',
    );
  return modes.map((mode) => `${profile}${profile.includes('?') ? '&' : '?'}mode=${mode}`);
}
