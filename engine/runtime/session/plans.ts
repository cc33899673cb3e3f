// Compiled plans of one model on one device pair: a placement becomes an ONNX Runtime session that is known to place its
// nodes as told and to compute what the plain session computes. Sessions are heavy, so the least recently used one goes
// when there are too many.
import { readFileSync } from 'node:fs';
import { decodeModel, encodeModel, type ModelProto } from '../../../base/onnx/proto.js';
import { seededFeeds } from '../../../models/feeds.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { LoadedModel } from '../../../models/load.js';
import { type DevicePair, sessionSettings } from '../device-pair.js';
import { annotate, assignmentSettings, nodeDevices } from './annotate.js';
import { SessionClient } from './client.js';
import type { CompiledPlan, PlainFeeds } from './protocol.js';

/** Seed of the inputs that plans are run and compared on. */
const feedSeed = 0;

export interface Plan extends CompiledPlan {
  readonly id: number;
}

export class PlanStore {
  readonly #client = new SessionClient();
  readonly #model: LoadedModel;
  readonly #pair: DevicePair;
  readonly #capacity: number;
  readonly #plans = new Map<string, Plan>();
  /** Decoded when the first placement is annotated. */
  #proto: ModelProto | null = null;
  #prepared = false;
  #nextId = 0;

  constructor(model: LoadedModel, pair: DevicePair, capacity: number) {
    this.#model = model;
    this.#pair = pair;
    this.#capacity = capacity;
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
    this.#prepare();
    while (this.#plans.size >= this.#capacity) this.#evict();
    const id = this.#nextId++;
    const plan = { id, ...this.#client.ask<'compile'>({ op: 'compile', plan: id, ...this.#session(devices) }) };
    this.#plans.set(key, plan);
    return plan;
  }

  /** One execution of the plan, ms. */
  latencyMs(plan: Plan): number {
    return this.#client.ask<'run'>({ op: 'run', plan: plan.id });
  }

  close(): void {
    this.#client.close();
    this.#plans.clear();
  }

  #session(devices: ReadonlyMap<string, 0 | 1>) {
    const used = new Set(devices.values());
    const [cpu, other] = this.#pair;
    if (used.size <= 1 && (!used.has(1) || other.kind === 'cpu'))
      return { model: this.#model.basicPath, settings: sessionSettings(used.has(1) ? other : cpu) };
    this.#proto ??= decodeModel(readFileSync(this.#model.basicPath));
    annotate(this.#proto, devices);
    const settings = sessionSettings(this.#pair);
    const session = { ...(settings.extra?.session as object), layer_assignment_settings: assignmentSettings };
    return { model: encodeModel(this.#proto), settings: { ...settings, extra: { session } } };
  }

  #prepare(): void {
    if (this.#prepared) return;
    this.#client.ask<'reference'>({ op: 'reference', model: this.#model.basicPath, feeds: plainFeeds(this.#model) });
    this.#prepared = true;
  }

  #evict(): void {
    const [key, plan] = this.#plans.entries().next().value!;
    this.#plans.delete(key);
    this.#client.ask<'release'>({ op: 'release', plan: plan.id });
  }
}

function plainFeeds(model: LoadedModel): PlainFeeds {
  return Object.fromEntries(
    Object.entries(seededFeeds(model.inputs, feedSeed)).map(([name, { type, data, dims }]) => [
      name,
      { type, data, dims: [...dims] },
    ]),
  );
}
