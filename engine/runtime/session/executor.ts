// Session mode: a placement runs as one ONNX Runtime session. ONNX Runtime places each operator where its label says, puts
// in the copies and runs the operators one after the other in its own order.
import { InputError } from '../../../base/errors/input-error.js';
import { checkOptions } from '../../../base/errors/options.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { LoadedModel } from '../../../models/load.js';
import type { Conditions } from '../../conditions.js';
import type { ExecutionError, Executor, Run } from '../../executor.js';
import type { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';
import { allowedDifference } from '../checks/agreement.js';
import { requireTensorOutputs } from '../checks/tensor-outputs.js';
import { type DevicePair, formatDevicePair, parseDevicePair } from '../devices/device-pair.js';
import { requireDevices } from '../devices/probe.js';
import { attest, misplaced, type UnitNames, unitNames } from './attest.js';
import { SessionClient, type SessionHost } from './client.js';
import { copiedTensors } from './copies.js';
import { type Plan, PlanStore } from './plans.js';
import { probeUnits, type UnitProbe } from './probe-units.js';
import { requirePythonDevices } from './python.js';
import { SessionRun } from './run.js';
import { SessionsLost } from './serve.js';
import { type Timeline, timeline } from './timeline.js';

/** Plans kept compiled by default. */
const defaultPlans = 8;

export interface SessionExecutor extends Executor {
  readonly kind: 'measured';
  /** Units of `graph` that device 1 cannot run, with the reason. */
  unsupported(graph: OperatorGraph): { readonly unit: number; readonly reason: string }[];
}

export interface SessionExecutorOptions {
  /** How many plans stay compiled; the least recently used one goes first. Default 8. */
  readonly plans?: number;
  /**
   * Executions that other programs disturbed are repeated for at most this time, ms; the least disturbed one counts.
   * Default 0: no repetition.
   */
  readonly patienceMs?: number;
}

/**
 * An executor of one model on this machine. Its worker thread ends with `close()`.
 * @param devices a device pair such as `cpu:1+webgpu`; of two CPUs, only placements on one of them can run
 * @throws InputError when the pair is not understood, or one of its devices does not run here: why, and what to install
 */
export function createSessionExecutor(
  model: LoadedModel,
  devices: string,
  options: SessionExecutorOptions = {},
): SessionExecutor {
  checkOptions('createSessionExecutor', options, { plans: true, patienceMs: true });
  const pair = parseDevicePair(devices);
  requireDevices(pair);
  return new OnnxSessionExecutor('node', model, pair, options);
}

/**
 * The same with the `onnxruntime` of a Python (`SPAROA_GYM_PYTHON`, else `python3`), in a process that ends with `close()`.
 * @param devices such as `cpu:1+cuda:0`: what that onnxruntime offers
 * @throws InputError when Python, onnxruntime or numpy is missing, the pair is not understood, or one of its devices does
 *   not run there: why, and what to install
 */
export function createPythonExecutor(
  model: LoadedModel,
  devices: string,
  options: Pick<SessionExecutorOptions, 'plans'> = {},
): SessionExecutor {
  checkOptions('createPythonExecutor', options, { plans: true });
  const pair = parseDevicePair(devices);
  requirePythonDevices(pair);
  return new OnnxSessionExecutor('python', model, pair, options);
}

class OnnxSessionExecutor implements SessionExecutor {
  readonly kind = 'measured';
  readonly devices;
  readonly #host: SessionHost;
  readonly #model: LoadedModel;
  readonly #pair: DevicePair;
  readonly #plans: PlanStore;
  readonly #patienceMs: number;
  readonly #names = new Map<string, UnitNames>();
  readonly #timelines = new WeakMap<Plan, Map<string, Timeline | ExecutionError>>();
  #probed: UnitProbe | null = null;

  constructor(
    host: SessionHost,
    model: LoadedModel,
    pair: DevicePair,
    { plans = defaultPlans, patienceMs = 0 }: SessionExecutorOptions,
  ) {
    requireTensorOutputs(model, host === 'python' ? 'python' : 'session');
    this.#host = host;
    this.#model = model;
    this.#pair = pair;
    this.#patienceMs = patienceMs;
    this.#plans = new PlanStore(new SessionClient(host), model, pair, plans);
    this.devices = pair.map(({ id, kind }) => ({ name: id, kind }));
  }

  supported(graph: OperatorGraph): Uint8Array {
    const without = new Set(this.unsupported(graph).map(({ unit }) => unit));
    return Uint8Array.from({ length: 2 * graph.units.length }, (_, i) => {
      const unit = i >> 1;
      const device = i & 1;
      return Number((graph.units[unit]!.onlyOn ?? device) === device && !(device === 1 && without.has(unit)));
    });
  }

  unsupported(graph: OperatorGraph): { unit: number; reason: string }[] {
    const { byNode } = this.#namesOf(graph);
    const operators = this.#model.graph('operator').units;
    const reasons = new Map<number, string>();
    for (const [operator, reason] of Object.entries(this.#probe().unsupported))
      for (const node of operators[Number(operator)]!.nodes) reasons.set(byNode.get(node)!, reason);
    return [...reasons].sort(([a], [b]) => a - b).map(([unit, reason]) => ({ unit, reason }));
  }

  begin(graph: OperatorGraph, conditions: Conditions): Run {
    const { byNode } = this.#namesOf(graph);
    const estimateMs = graph.units.map((): [number, number] => [0, 0]);
    const probe = this.#probe();
    for (const { id, nodes } of this.#model.graph('operator').units) {
      const target = estimateMs[byNode.get(nodes[0]!)!]!;
      for (const device of [0, 1] as const) target[device] += probe.unitMs[id]![device];
    }
    return new SessionRun(graph, estimateMs, (schedule) => this.run(graph, schedule, conditions));
  }

  run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError {
    const names = this.#namesOf(graph);
    this.#refuseWhatNeedsLanes(graph, schedule);
    const deviceOf = (unit: number): 0 | 1 => (schedule.share[unit]! > 0 ? 1 : 0);
    try {
      const plan = this.#plans.compile(graph, deviceOf);
      const measured = this.#timeline(names, plan, deviceOf);
      if ('error' in measured) return measured;
      const latencyMs = this.#plans.latencyMs(plan, this.#patienceMs);
      return this.#trace(graph, schedule, conditions, measured, latencyMs);
    } catch (error) {
      if (error instanceof InputError) throw error;
      const { message } = error as Error;
      const named = [...names.byNode].find(([node]) => message.includes(`'${node}'`))?.[1] ?? null;
      return { error: message, unit: named, device: named === null ? null : deviceOf(named) };
    }
  }

  close(): void {
    this.#plans.close();
  }

  /** The events of a plan, checked against the placement and the plain session's outputs. */
  #timeline(names: UnitNames, plan: Plan, deviceOf: (unit: number) => 0 | 1): Timeline | ExecutionError {
    const ofPlan = this.#timelines.get(plan) ?? new Map<string, Timeline | ExecutionError>();
    this.#timelines.set(plan, ofPlan);
    const known = ofPlan.get(names.graph.hash);
    if (known) return known;
    const made = this.#makeTimeline(names, plan, deviceOf);
    ofPlan.set(names.graph.hash, made);
    return made;
  }

  #makeTimeline(names: UnitNames, plan: Plan, deviceOf: (unit: number) => 0 | 1): Timeline | ExecutionError {
    const { graph } = names;
    const { profile, copied, difference } = plan;
    // Of two CPUs, the second is seen by ONNX Runtime as the first: all units run on the one session's provider.
    const second = this.#pair[1].kind === 'cpu' && graph.units.every(({ id }) => deviceOf(id) === 1);
    const kernels = second ? profile.kernels.map((kernel) => ({ ...kernel, device: 1 as const })) : profile.kernels;
    if (!this.#plans.placesNodes && misplaced(names, kernels, deviceOf).length > 0) throw this.#cannotPlace();
    const booked = attest(names, kernels, deviceOf);
    if ('error' in booked) return booked;
    const across = this.#pair[1].kind === 'gpu' && graph.units.some(({ id }) => deviceOf(id) === 1);
    const allowed = allowedDifference(graph, across);
    if (!(difference <= allowed)) {
      const error = `outputs differ from the plain session by ${difference.toExponential(1)} of their largest value; ${allowed} is allowed on ${formatDevicePair(this.#pair)}.`;
      return { error, unit: null, device: null };
    }
    return timeline(graph, {
      // A CPU's host time is its device's time.
      profile: second
        ? { ...profile, kernels: kernels.map((k) => ({ ...k, deviceMs: k.endMs - k.startMs, endMs: k.startMs })) }
        : profile,
      unitsOf: booked.unitsOf,
      copies: copiedTensors({ ...names, unitsOf: booked.unitsOf, deviceOf }, kernels, copied),
      deviceOf,
    });
  }

  #trace(
    graph: OperatorGraph,
    schedule: Schedule,
    conditions: Conditions,
    { events, durationMs, resolution }: Timeline,
    latencyMs: number,
  ): Trace {
    const scale = latencyMs / durationMs;
    return {
      version: 1,
      kind: 'measured',
      resolution,
      intervals: 'scaled',
      graphHash: graph.hash,
      profileHash: null,
      schedule,
      conditions,
      lanes: this.#pair.map(({ id }, device) => ({ id, device: device as 0 | 1 })),
      makespanMs: latencyMs,
      energyMj: null,
      memory: [],
      events: events.map((event) => ({ ...event, startMs: event.startMs * scale, endMs: event.endMs * scale })),
    };
  }

  /** As configs call it. */
  get #name(): string {
    return this.#host === 'python' ? 'python' : 'session';
  }

  #probe(): UnitProbe {
    try {
      this.#probed ??= probeUnits(this.#model, this.#pair, this.#plans, this.#host);
      return this.#probed;
    } catch (error) {
      if (!(error instanceof SessionsLost)) throw error;
      throw new InputError(
        `${this.#name}: ${this.#model.uri}: units could not be tried: ${error.message}.`,
        'See that the model runs in that Python, or name another in SPAROA_GYM_PYTHON.',
      );
    }
  }

  #namesOf(graph: OperatorGraph): UnitNames {
    let names = this.#names.get(graph.hash);
    if (!names) {
      if (![this.#model.graph('operator').hash, this.#model.graph('fused').hash].includes(graph.hash)) {
        throw new InputError(
          `${this.#name}: the graph ${graph.hash} is not of the model ${this.#model.uri}.`,
          'Give model.graph("operator") or model.graph("fused") of the model that the executor was made for.',
        );
      }
      names = unitNames(graph, this.#model.graph('fused'));
      this.#names.set(graph.hash, names);
    }
    return names;
  }

  #cannotPlace(): InputError {
    return new InputError(
      `${this.#name}: the schedule does not place units as ONNX Runtime does by itself, and version ${this.#plans.runtime.version} cannot place a node on a given device.`,
      'Install onnxruntime 1.25 or newer, or put every unit on device 0, or every unit that device 1 supports there.',
    );
  }

  #refuseWhatNeedsLanes(graph: OperatorGraph, { share }: Schedule): void {
    const split = graph.units.find(({ id }) => share[id]! > 0 && share[id]! < 1);
    if (split) {
      throw new InputError(
        `${this.#name}: unit ${split.id} "${split.name}" has share ${share[split.id]}, but one session runs a unit on one device.`,
        'Give shares of 0 or 1, or split it with the executor "lanes".',
      );
    }
    if (this.#pair[1].kind === 'cpu' && share.some((value) => value !== share[0])) {
      throw new InputError(
        `${this.#name}: the schedule uses both devices of ${formatDevicePair(this.#pair)}, but one session has one CPU.`,
        'Name one CPU and one GPU, such as cpu:1+webgpu, or use the executor "lanes".',
      );
    }
  }
}
