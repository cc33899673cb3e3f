// Compiled plans of one model on one device pair. A placement becomes an ONNX Runtime session, checked to place its nodes
// as the placement says and to compute what the plain session computes. Sessions are heavy, so the least recently used
// one is closed when there are too many.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainName, userNames, writePlainNames } from '../../../base/onnx/names.js';
import { decodeModel, encodeModel, type ModelProto } from '../../../base/onnx/proto.js';
import { seededFeeds } from '../../../models/analysis/feeds.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { LoadedModel } from '../../../models/load.js';
import { tensorDifference } from '../checks/agreement.js';
import { type DevicePair, parseDevice } from '../devices/device-pair.js';
import { sessionSettings } from '../devices/session-settings.js';
import type { PlainFeeds } from '../plain-tensor.js';
import { annotate, assignmentSettings, nodeDevices } from './annotate.js';
import type { SessionClient } from './client.js';
import { copiedNames } from './copies.js';
import { fastestRun, type ProfileEvent, type RunProfile } from './profile.js';
import type { OutputBytes, Replies, Request, RuntimeDescription, SessionSource } from './protocol.js';
import { SessionsLost } from './serve.js';

/** Seed of the inputs that plans are run and compared on. */
const feedSeed = 0;

/** Runs before one that counts: kernels are compiled and memory is laid out in the first. */
const warmUpRuns = 2;
/** Kernel times come from the fastest of so many. */
const profiledRuns = 5;

/** The first version that knows `session.layer_assignment_settings`. */
const placesNodesSince = [1, 25] as const;

export interface Plan {
  readonly id: number;
  readonly profile: RunProfile;
  /** Per kernel, the names under which the tensor it copies was known; null where it copies none. */
  readonly copied: readonly (readonly string[] | null)[];
  /** Largest max|a-b| / max|b| over the outputs, b those of the plain session; NaN where a number is not finite. */
  readonly difference: number;
}

export class PlanStore {
  readonly #client: SessionClient;
  readonly #model: LoadedModel;
  readonly #pair: DevicePair;
  readonly #capacity: number;
  readonly #plans = new Map<string, Plan>();
  /** A folder for the model under plain names; null where its own names are plain. */
  readonly #folder: string | null;
  /** The model that runs. */
  readonly #path: string;
  /** Decoded when the first placement is annotated. */
  #proto: ModelProto | null = null;
  #reference: OutputBytes | null = null;
  #runtime: RuntimeDescription | null = null;
  #nextId = 0;

  /** @param client is closed with the store */
  constructor(client: SessionClient, model: LoadedModel, pair: DevicePair, capacity: number) {
    this.#client = client;
    this.#model = model;
    this.#pair = pair;
    this.#capacity = capacity;
    this.#folder = hasPlainNames(model) ? null : mkdtempSync(join(tmpdir(), 'sparoa-names-'));
    this.#path = this.#folder === null ? model.basicPath : join(this.#folder, 'model.onnx');
    if (this.#folder !== null) {
      this.#proto = decodeModel(readFileSync(model.basicPath));
      writePlainNames(this.#proto);
      writeFileSync(this.#path, encodeModel(this.#proto));
    }
  }

  get runtime(): RuntimeDescription {
    this.#runtime ??= this.#ask<'describe'>({ op: 'describe' });
    return this.#runtime;
  }

  /**
   * Whether this ONNX Runtime can place a node on a given device. One that cannot puts every node on the second device
   * that has a kernel there; a schedule that asks for another placement then fails its attestation.
   */
  get placesNodes(): boolean {
    const [major, minor] = this.runtime.version.split('.').map(Number) as [number, number];
    return major > placesNodesSince[0] || (major === placesNodesSince[0] && minor >= placesNodesSince[1]);
  }

  /**
   * The plan of a placement, compiled unless it is at hand.
   * @throws Error with ONNX Runtime's message when the session cannot be made or fails while it runs
   */
  compile(graph: OperatorGraph, deviceOf: (unit: number) => 0 | 1): Plan {
    const devices = nodeDevices(graph, deviceOf);
    const key = [...devices.values()].join('');
    const known = this.#plans.get(key);
    if (known) {
      this.#plans.delete(key);
      this.#plans.set(key, known);
      return known;
    }
    this.#reference ??= this.#ask<'reference'>({
      op: 'reference',
      model: this.#path,
      settings: sessionSettings(parseDevice('cpu:1')),
      feeds: plainFeeds(this.#model),
    });
    while (this.#plans.size >= this.#capacity) this.#evict();
    const folder = mkdtempSync(join(tmpdir(), 'sparoa-plan-'));
    try {
      const source = this.#session(devices, folder);
      const twin = this.#profiledTwin(source, folder);
      const id = this.#nextId++;
      const outputs = this.#ask<'open'>({ op: 'open', plan: id, runs: warmUpRuns, ...source });
      const plan = { id, ...twin, difference: largestDifference(outputs, this.#reference) };
      this.#plans.set(key, plan);
      return plan;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** One execution of the plan, ms; the least disturbed of those that `patienceMs` allows. */
  latencyMs(plan: Plan, patienceMs: number): number {
    return this.#ask<'run'>({ op: 'run', plan: plan.id, patienceMs });
  }

  close(): void {
    this.#client.close();
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
    this.#plans.clear();
  }

  /** Runs the plan in a session of its own with profiling on: profiling slows the session it watches. */
  #profiledTwin(source: SessionSource, folder: string): Pick<Plan, 'profile' | 'copied'> {
    const optimisedPath = join(folder, 'optimised.onnx');
    const profilePrefix = join(folder, 'profile');
    this.#ask<'profile'>({ op: 'profile', runs: warmUpRuns + profiledRuns, optimisedPath, profilePrefix, ...source });
    const file = readdirSync(folder).find((name) => name.startsWith('profile'))!;
    const events = JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProfileEvent[];
    const profile = fastestRun(events, warmUpRuns);
    const names = copiedNames(decodeModel(readFileSync(optimisedPath)));
    return { profile, copied: profile.kernels.map(({ node }) => names.get(plainName(node))?.map(userNames) ?? null) };
  }

  #session(devices: ReadonlyMap<string, 0 | 1>, folder: string): SessionSource {
    const used = new Set(devices.values());
    const [cpu, other] = this.#pair;
    if (used.size <= 1 && (!used.has(1) || other.kind === 'cpu'))
      return { model: this.#path, settings: sessionSettings(used.has(1) ? other : cpu) };
    const settings = sessionSettings(this.#pair);
    if (!this.placesNodes) return { model: this.#path, settings };
    this.#proto ??= decodeModel(readFileSync(this.#path));
    annotate(this.#proto, new Map([...devices].map(([node, device]) => [plainName(node), device])));
    const model = join(folder, 'annotated.onnx');
    writeFileSync(model, encodeModel(this.#proto));
    const session = { ...(settings.extra?.session as object), layer_assignment_settings: assignmentSettings };
    return { model, settings: { ...settings, extra: { session } } };
  }

  #evict(): void {
    const [key, plan] = this.#plans.entries().next().value!;
    this.#plans.delete(key);
    this.#ask<'release'>({ op: 'release', plan: plan.id });
  }

  /** Drops the plans of a process that died; they are compiled again when needed. */
  #ask<Op extends Request['op']>(request: Extract<Request, { op: Op }>): Replies[Op] {
    try {
      return this.#client.ask<Op>(request);
    } catch (error) {
      if (error instanceof SessionsLost) {
        this.#plans.clear();
        this.#reference = null;
      }
      if (error instanceof Error) error.message = userNames(error.message);
      throw error;
    }
  }
}

/** Nodes of bodies are not in the graph but in profiles; so a model with control flow is always renamed. */
function hasPlainNames(model: LoadedModel): boolean {
  const { units, tensors } = model.graph('operator');
  const isPlain = (name: string) => plainName(name) === name;
  return (
    units.every(({ onlyOn, nodes }) => onlyOn === null && nodes.every(isPlain)) &&
    tensors.every(({ name }) => isPlain(name))
  );
}

function plainFeeds(model: LoadedModel): PlainFeeds {
  return Object.fromEntries(
    Object.entries(seededFeeds(model.inputs, feedSeed)).map(([name, { type, data, dims }]) => [
      plainName(name),
      { type, data, dims: [...dims] },
    ]),
  );
}

function largestDifference(outputs: OutputBytes, reference: OutputBytes): number {
  const differences = Object.entries(reference).map(([name, { type, data }]) =>
    tensorDifference({ type }, outputs[name]!.data, data),
  );
  return Math.max(0, ...differences);
}
