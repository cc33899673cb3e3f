// What stays the same from one stream of inferences to the next: models at each batch size, the board in each power mode,
// levels of load, and what one inference costs in each case of them.
import { InputError } from '../../../base/errors/input-error.js';
import type { SerialConditions } from '../../../engine/conditions.js';
import type { CostTable } from '../../../engine/device/cost-table.js';
import { loadProfile } from '../../../engine/device/profile.js';
import { type SourceKind, weaker } from '../../../engine/device/profile-schema.js';
import { type LoadLevel, steadyLoad } from '../../../engine/load-process.js';
import { Schedule } from '../../../engine/schedule.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import type { Observation } from '../observation-block.js';
import { shareObservation } from '../observation-spaces.js';
import { type SimulatedScenario, scenarioOf } from '../scenario.js';
import { type StreamEnvOptions, streamEnvId } from './options.js';

/** Where one model at one batch size runs in one power mode. */
export type StreamScenario = Pick<SimulatedScenario, 'graph' | 'executor' | 'conditions'>;

/** One inference under conditions that hold: what it runs, where, and what that costs. */
export interface StreamCase {
  readonly index: number;
  readonly graph: OperatorGraph;
  readonly executor: SimulatedScenario['executor'];
  /** Serial, with the power mode and the load that hold. */
  readonly conditions: SerialConditions;
  readonly costs: CostTable;
  /** Latency of each single device. */
  readonly singleMs: readonly [number, number];
  readonly observation: Observation;
}

/** What results say of a setting. */
export interface StreamIdentity {
  /** Joined by `;`, with models in the options' order and batches within. */
  readonly model: string;
  readonly modelHash: string;
  /** As the options give it. */
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

  #makeCase(index: number, model: number, size: number, condition: number): StreamCase {
    const at = (model * this.batches.length + size) * this.modes.length + this.modeOf(condition);
    const { graph, executor, conditions: own } = this.#scenarios[at]!;
    const { cpu, gpu, memory } = this.levelOf(condition);
    const load = cpu + gpu + memory > 0 ? steadyLoad({ cpu, gpu, memory }) : null;
    const conditions = { ...own, load };
    const costs = executor.costs(graph, load);
    const single = (device: 0 | 1) => executor.run(graph, Schedule.onDevice(graph, device), conditions).makespanMs;
    const singleMs = [single(0), single(1)] as const;
    const observation = shareObservation({
      graph,
      costs,
      referenceMs: Math.min(...singleMs),
      lookahead: this.options.lookahead,
    });
    return { index, graph, executor, conditions, costs, singleMs, observation };
  }
}

/** @throws InputError when a model or the profile cannot be loaded, or has not the mode or the batch */
export async function openStreamSetting(options: StreamEnvOptions): Promise<StreamSetting> {
  const profiles = profileUris(options).map(loadProfile);
  const models: LoadedModel[] = [];
  for (const uri of options.models) {
    const own = await loadModel(uri);
    for (const batch of options.batches.toSorted((a, b) => a - b))
      models.push(batch === own.batch ? own : await loadModel(atBatch(own, batch)));
  }
  const identity = {
    model: models.map(({ uri }) => uri).join(';'),
    modelHash: models.map(({ modelHash }) => modelHash).join(';'),
    profile: options.profile,
    // Loads rest on what the devices share.
    profileHash: profiles.map(({ hash, shared }) => shared?.hash ?? hash).join(';'),
    weakestSource: profiles.map((each) => (each.shared ?? each).weakestSource).reduce(weaker),
  };
  const scenarios = models.flatMap((model) => profiles.map((profile) => scenarioOf(model, profile)));
  return new StreamSetting(options, scenarios, identity);
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
