// Reads the archive that a kit left. What was not measured, or cannot be trusted, is listed with its reason.
import type { z } from 'zod';
import { InputError } from '../../../base/errors/input-error.js';
import { parseJson } from '../../../base/files/json.js';
import { readTarGz } from '../../../base/files/tar.js';
import { spreadOf } from '../../../engine/runtime/measuring/spread.js';
import { withSupport } from '../../../engine/scenario.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { ModelMeasurement } from '../profiling.js';
import { asWritten, checkGraph, checkIndex, checkUnits } from './checks.js';
import { ranElsewhere, type SessionKernels, sessionKernels } from './kernels.js';
import {
  type KitEntry,
  type KitMachine,
  type KitManifest,
  type KitModelResult,
  type KitStage,
  type KitStages,
  kitCrossings,
  kitMachine,
  kitManifest,
  kitModelResult,
} from './manifest.js';
import type {
  KitFailure,
  KitModel,
  KitMove,
  KitReading,
  KitSchedule,
  KitTensorRt,
  KitTimes,
  KitWhole,
} from './reading.js';
import { kitUnitMeasurement } from './unit-measurement.js';

/**
 * Largest max|a-b| / max|b| of outputs against those that the model gives here. CUDA rounds factors of convolutions to 11
 * bits (TF32) unless set otherwise, which errs by 5e-4 a product; a wrong result is off by more than this in its first digit.
 */
const tolerance = 0.02;

/**
 * Reads the archive that a kit's script left.
 * @throws InputError naming file and rule when the archive is damaged, a file in it is missing or breaks its schema, or its
 * files do not belong together.
 */
export function readKit(path: string): KitReading {
  const files = readTarGz(path);
  const read = <T>(name: string, schema: z.ZodType<T>): T => {
    const bytes = files.get(`kit-results/${name}`);
    if (!bytes)
      throw new InputError(
        `${path}: there is no kit-results/${name} in the archive.`,
        'Give the archive that kit.py wrote.',
      );
    return parseJson(Buffer.from(bytes).toString(), `${path}: ${name}`, schema, asWritten);
  };
  const manifest = read('manifest.json', kitManifest);
  const machine = read('machine.json', kitMachine);
  if (machine.key.kit !== manifest.kit)
    throw new InputError(
      `${path}: measured with the kit ${machine.key.kit}, but its manifest is of the kit ${manifest.kit}.`,
      'Run kit.py --fresh in its own folder.',
    );
  const reader = new Reader(path, manifest, machine);
  const crossings = read('crossings.json', kitCrossings);
  reader.crossings(crossings);
  for (const entry of manifest.models) {
    const name = `model-${entry.name}.json`;
    if (files.has(`kit-results/${name}`)) reader.model(entry, read(name, kitModelResult), name);
    else reader.fail(entry.uri, 'the model', 'kit.py could not read it, or was stopped before');
  }
  return reader.reading;
}

class Reader {
  readonly #path: string;
  readonly #manifest: KitManifest;
  readonly #machine: KitMachine;
  readonly #models: KitModel[] = [];
  readonly #profiles: ModelMeasurement[] = [];
  readonly #moves: KitMove[] = [];
  readonly #wholes: KitWhole[] = [];
  readonly #schedules: KitSchedule[] = [];
  readonly #tensorRt: KitTensorRt[] = [];
  readonly #failures: KitFailure[] = [];

  constructor(path: string, manifest: KitManifest, machine: KitMachine) {
    this.#path = path;
    this.#manifest = manifest;
    this.#machine = machine;
  }

  get reading(): KitReading {
    return {
      machine: this.#machine,
      models: this.#models,
      unitMeasurements: this.#profiles,
      moves: this.#moves,
      wholeModels: this.#wholes,
      schedules: this.#schedules,
      tensorRt: this.#tensorRt,
      failures: this.#failures,
    };
  }

  fail(model: string | null, what: string, reason: string): void {
    this.#failures.push({ model, what, reason });
  }

  crossings({ value, error }: z.infer<typeof kitCrossings>): void {
    if (!value) this.fail(null, 'crossings', error ?? 'no reason was given');
    for (const { bytes, to, ms } of value ?? []) {
      const times = timesOf(ms);
      if (times) this.#moves.push({ bytes, to, ...times });
    }
  }

  model(entry: KitEntry, { stages }: KitModelResult, file: string): void {
    const where = `${this.#path}: ${file}`;
    const { uri, modelHash, graph } = entry;
    checkGraph(graph, `${this.#path}: manifest.json: ${entry.name}`);
    const value = <Name extends keyof KitStages>(name: Name) => {
      const stage = stages[name];
      if (stage && stage.value === null) this.fail(uri, name, stage.error ?? 'no reason was given');
      return (stage?.value ?? null) as KitStage<Name> | null;
    };
    const units = value('units');
    const supported = new Uint8Array(2 * graph.units.length).fill(1);
    for (const { unit, device, reason } of units?.unsupported ?? []) {
      checkIndex(unit, graph.units, `${where}: stages.units.value.unsupported: unit`);
      supported[2 * unit + device] = 0;
      this.fail(uri, `unit ${unit} "${graph.units[unit]!.name}" on device ${device}`, reason);
    }
    // Of a unit that neither device ran the profile has no times; that says nothing about where it can be.
    for (const { id } of graph.units)
      if (!supported[2 * id] && !supported[2 * id + 1]) supported.fill(1, 2 * id, 2 * id + 2);
    const marked = withSupport(graph, supported);
    this.#models.push({ uri, modelHash, graph: marked });
    const wholeMs = this.#whole(uri, graph.hash, value('whole') ?? []);
    const within = (value('kernels') ?? []).map((each) => this.#kernels(uri, graph, each, wholeMs[each.device]));
    if (units) {
      const measured = { entry, graph: marked, within, wholeMs };
      const profile = kitUnitMeasurement(
        measured,
        units,
        this.#machine,
        this.#manifest.gym,
        `${where}: stages.units.value`,
      );
      if (units.difference === null || this.#right(uri, 'units', units.difference)) this.#profiles.push(profile);
    }
    for (const stage of ['schedules', 'sessions'] as const)
      for (const one of value(stage) ?? []) this.#schedule(uri, graph, one, `${where}: stages.${stage}`);
    const tensorRt = value('trtexec');
    if (tensorRt) this.#tensorRt.push({ model: uri, version: tensorRt.version, files: tensorRt.files });
  }

  /** Whether outputs are those of the model; where not, that is a failure. */
  #right(model: string, what: string, difference: number | null): boolean {
    if (difference !== null && difference <= tolerance) return true;
    this.fail(model, what, `its outputs differ by ${difference ?? 'an unknown part'} from those expected`);
    return false;
  }

  #whole(model: string, graphHash: string, runs: readonly KitStage<'whole'>[number][]): [number | null, number | null] {
    const wholeMs: [number | null, number | null] = [null, null];
    for (const { device, ms, error, difference, powerMw } of runs) {
      const what = `the whole model on device ${device}`;
      const times = timesOf(ms);
      if (!times) this.fail(model, what, error ?? 'it has no times');
      else if (this.#right(model, what, difference)) {
        wholeMs[device] = times.lowMs;
        this.#wholes.push({ model, graphHash, device, powerMw, ...times });
      }
    }
    return wholeMs;
  }

  #kernels(
    model: string,
    graph: OperatorGraph,
    stage: KitStage<'kernels'>[number],
    wholeMs: number | null,
  ): SessionKernels {
    const onCpu = this.#machine.key.devices.split('+')[stage.device]!.startsWith('cpu');
    const within = sessionKernels(graph, stage, onCpu, wholeMs);
    if (!('error' in within)) return within;
    this.fail(model, `kernels on device ${stage.device}`, within.error);
    return { kernels: [], reorders: [] };
  }

  #schedule(model: string, graph: OperatorGraph, run: KitStage<'schedules'>[number], where: string): void {
    const { schedule, placement, mechanism, ms, error, difference, events } = run;
    const what = `schedule ${schedule} (${mechanism})`;
    checkUnits(placement.length, graph, `${where}: schedule ${schedule}: places`);
    const devices = [...placement].map((digit) => (digit === '1' ? 1 : 0));
    const times = timesOf(ms);
    const elsewhere = mechanism === 'session' ? ranElsewhere(graph, devices, events ?? []) : null;
    if (!times) this.fail(model, what, error ?? 'it has no times');
    else if (elsewhere) this.fail(model, what, error ?? elsewhere);
    else if (this.#right(model, what, difference))
      this.#schedules.push({ model, graphHash: graph.hash, mechanism, devices, ...times });
  }
}

function timesOf(samplesMs: readonly number[]): KitTimes | null {
  const spread = spreadOf(samplesMs);
  return spread && { ...spread, samplesMs };
}
