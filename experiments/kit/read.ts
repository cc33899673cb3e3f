// Reads the archive that a kit left. What was not measured, or cannot be trusted, is listed with its reason.
import type { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { readTarGz } from '../../base/files/tar.js';
import { parseJson } from '../../engine/device/measurements/json-source.js';
import type { KernelTime } from '../../engine/device/unit-times.js';
import { fitMoves } from '../../engine/runtime/measured-costs.js';
import { attest, misplaced, servedUnits, unitNames } from '../../engine/runtime/session/attest.js';
import { lastRun, type ProfileEvent, type RunProfile } from '../../engine/runtime/session/profile.js';
import { spreadOf } from '../../engine/runtime/spread.js';
import { withSupport } from '../../env/scheduling/scenario.js';
import { makeGraph, type OperatorGraph } from '../../models/graph.js';
import type { ModelProfile } from '../profiling.js';
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

/**
 * Largest max|a-b| / max|b| of outputs against those that the model gives here. CUDA rounds factors of convolutions to 11
 * bits (TF32) unless told otherwise, which errs by 5e-4 a product; a wrong result is off by more than this in its first digit.
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
    return parseJson(Buffer.from(bytes).toString(), `${path}: ${name}`, schema);
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

/** Of the whole model on one device. */
interface Within {
  readonly kernels: readonly KernelTime[];
  readonly reorders: readonly KernelTime[];
}

class Reader {
  readonly #path: string;
  readonly #manifest: KitManifest;
  readonly #machine: KitMachine;
  readonly #models: KitModel[] = [];
  readonly #profiles: ModelProfile[] = [];
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
      unitProfiles: this.#profiles,
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
    const within = (value('kernels') ?? []).map((each) => this.#kernels(uri, graph, each, wholeMs));
    if (units) this.#profile(entry, marked, units, within, wholeMs, where);
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

  /**
   * Kernels of the whole model, and changes of layout between them. Times on the host thread hold for a CPU, scaled to the
   * latency without profiling; a GPU's count where it tells them itself, because its kernels run after the host has launched
   * them.
   */
  #kernels(
    model: string,
    graph: OperatorGraph,
    { device, events, error }: KitStage<'kernels'>[number],
    wholeMs: readonly (number | null)[],
  ): Within {
    const what = `kernels on device ${device}`;
    const nothing = (reason: string): Within => {
      this.fail(model, what, reason);
      return { kernels: [], reorders: [] };
    };
    if (error !== null) return nothing(error);
    const run = lastRunOf(events);
    if (!run) return nothing('the profile holds no run');
    const onCpu = this.#machine.key.devices.split('+')[device]!.startsWith('cpu');
    const kernels = run.kernels.map((kernel) => ({ ...kernel, device }));
    if (!onCpu && kernels.every(({ deviceMs }) => deviceMs === null))
      return nothing("this onnxruntime tells no times on the device, only when the host launched; trtexec's do");
    const booked = attest(unitNames(graph, graph), kernels, () => device);
    if ('error' in booked) return nothing(booked.error);
    const scale = (wholeMs[device] ?? run.endMs) / run.endMs;
    const { unitsOf } = booked;
    const within: { [Kind in keyof Within]: KernelTime[] } = { kernels: [], reorders: [] };
    for (const [index, { opType, startMs, endMs, deviceMs }] of kernels.entries()) {
      const ms = onCpu ? scale * (endMs - startMs) : (deviceMs ?? 0);
      if (unitsOf[index]!.length > 0) within.kernels.push({ device, units: unitsOf[index]!, ms });
      else if (!opType.startsWith('Memcpy'))
        within.reorders.push({ device, units: servedUnits(kernels, unitsOf, index), ms });
    }
    return within;
  }

  #profile(
    { uri, modelHash }: KitEntry,
    graph: OperatorGraph,
    stage: KitStage<'units'>,
    within: readonly Within[],
    wholeMs: readonly [number | null, number | null],
    where: string,
  ): void {
    const { rounds, warmUpRounds, unitMs, moves } = stage;
    if (unitMs.length !== graph.units.length)
      throw new InputError(
        `${where}: stages.units.value.unitMs: has ${unitMs.length} units, but the model has ${graph.units.length}.`,
        'Give the archive as kit.py wrote it.',
      );
    if (stage.difference !== null && !this.#right(uri, 'units', stage.difference)) return;
    const moveMs = graph.tensors.map((): [number[], number[]] => [[], []]);
    for (const { tensor, to, ms } of moves) {
      checkIndex(tensor, graph.tensors, `${where}: stages.units.value.moves: tensor`);
      moveMs[tensor]![to].push(...ms);
    }
    const devices = [0, 1] as const;
    const { key, date, platform, python, onnxRuntime, cpu, cores, vectorExtension } = this.#machine;
    this.#profiles.push({
      version: 1,
      kind: 'measured',
      date,
      system: {
        version: this.#manifest.gym,
        platform,
        node: `Python ${python}`,
        onnxRuntime,
        cpu,
        cores,
        vectorExtension,
        lockfileHash: null,
      },
      model: uri,
      modelHash,
      graphHash: graph.hash,
      granularity: graph.granularity,
      devices: key.devices,
      rounds,
      warmUpRounds,
      units: graph.units.flatMap(({ id }) =>
        devices.map((device) => ({ unit: id, device, lane: spreadOf(unitMs[id]![device]) })),
      ),
      kernels: within.flatMap(({ kernels }) => kernels),
      reorders: within.flatMap(({ reorders }) => reorders),
      moves: graph.tensors.flatMap(({ id, bytes }) =>
        devices.flatMap((to) => {
          const spread = spreadOf(moveMs[id]![to]);
          return spread ? [{ tensor: id, to, bytes, ...spread }] : [];
        }),
      ),
      fittedMoves: fitMoves(graph, moveMs),
      wholeMs,
      segments: [],
      handover: null,
    });
  }

  #schedule(model: string, graph: OperatorGraph, run: KitStage<'schedules'>[number], where: string): void {
    const { schedule, placement, mechanism, ms, error, difference, events } = run;
    const what = `schedule ${schedule} (${mechanism})`;
    if (placement.length !== graph.units.length)
      throw new InputError(
        `${where}: schedule ${schedule}: places ${placement.length} units, but the model has ${graph.units.length}.`,
        'Give the archive as kit.py wrote it.',
      );
    const devices = [...placement].map((digit) => (digit === '1' ? 1 : 0));
    const times = timesOf(ms);
    const elsewhere = mechanism === 'session' ? this.#elsewhere(graph, devices, events ?? []) : null;
    if (!times) this.fail(model, what, error ?? 'it has no times');
    else if (elsewhere) this.fail(model, what, error ?? elsewhere);
    else if (this.#right(model, what, difference))
      this.#schedules.push({ model, graphHash: graph.hash, mechanism, devices, ...times });
  }

  /** Why it is not certain that units ran where they should in a session; null where they did. */
  #elsewhere(graph: OperatorGraph, devices: readonly (0 | 1)[], events: readonly ProfileEvent[]): string | null {
    const run = lastRunOf(events);
    if (!run) return 'no profile says where its nodes ran';
    const wrong = misplaced(unitNames(graph, graph), run.kernels, (unit) => devices[unit]!)[0];
    return wrong ? `unit ${wrong.unit} ran on device ${wrong.ranOn} instead of the other` : null;
  }
}

function timesOf(samplesMs: readonly number[]): KitTimes | null {
  const spread = spreadOf(samplesMs);
  return spread && { ...spread, samplesMs };
}

/** Null where the profile holds no run. */
function lastRunOf(events: readonly ProfileEvent[]): RunProfile | null {
  return events.some(({ name }) => name === 'model_run') ? lastRun(events) : null;
}

/** The graph's hash is that of its content. */
function checkGraph({ granularity, hash, units, tensors }: OperatorGraph, where: string): void {
  const drafts = tensors.map(({ id: _, producer: __, consumers: ___, ...draft }) => draft);
  const actual = makeGraph(granularity, units, drafts).hash;
  if (actual !== hash)
    throw new InputError(
      `${where}: the graph's hash is ${hash}, but its content has ${actual}.`,
      'Give the archive as kit.py wrote it: its manifest was changed or damaged.',
    );
}

function checkIndex(index: number, list: readonly unknown[], what: string): void {
  if (index >= list.length)
    throw new InputError(
      `${what} is ${index}, but the model has ${list.length}.`,
      'Give the archive as kit.py wrote it.',
    );
}
