// How long each unit of a model takes on each device of a pair: measured on lanes, unit by unit, and beside it what ONNX
// Runtime says of its kernels in a session of the whole model.
import { quantile } from '../../../base/statistics/quantile.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { type KernelTime, type UnitMeasurement, undisturbed } from '../../../predictor/tables/unit-times.js';
import type { Conditions } from '../../conditions.js';
import type { Executor } from '../../executor.js';
import { Schedule } from '../../schedule.js';
import type { EventKind, Trace } from '../../trace.js';
import { sampleCosts } from './cost-samples.js';
import { fitMoves } from './measured-costs.js';
import { sampleSegments } from './segment-samples.js';
import { spreadOf } from './spread.js';

/** Executions that load and warm before times count. */
export const warmUpRounds = 2;

/**
 * Whole models are executed for at least so long on each device, twice. A core whose other hardware thread works for someone
 * else is slower by half, for tenths of a second to seconds at a time, and a small model's few executions all fall within.
 */
const wholeSpanMs = 50;

/**
 * Measures a model. Units run in random placements and their complements, in turn.
 * @param lanes an executor on lanes whose segments are single units
 * @param segments one whose segments are as long as schedules let them be; null: segments are not measured
 * @param sessions one with a session of the whole model
 * @param rounds times that each unit is measured on each device
 * @throws InputError when an execution fails, naming the unit
 */
export function profileUnits(
  lanes: Executor,
  segments: Executor | null,
  sessions: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  rounds: number,
): UnitMeasurement {
  const whole = new WholeModel(sessions, graph, { ...conditions, execution: 'serial' });
  whole.measure(Math.ceil(rounds / 2));
  const { unitMs, moveMs } = sampleCosts(lanes, graph, conditions, rounds, warmUpRounds);
  // Apart in time, so that what slows the machine for a while does not slow both.
  whole.measure(Math.ceil(rounds / 2));
  const devices = [0, 1] as const;
  const [on0, on1] = devices.map((device) => whole.times(device)) as [SessionTimes, SessionTimes];
  return {
    units: graph.units.flatMap(({ id }) =>
      devices.map((device) => ({ unit: id, device, lane: spreadOf(unitMs[id]![device]) })),
    ),
    kernels: [...on0.kernels, ...on1.kernels],
    reorders: [...on0.reorders, ...on1.reorders],
    moves: graph.tensors.flatMap(({ id, bytes }) =>
      devices.flatMap((to) => {
        const spread = spreadOf(moveMs[id]![to]);
        return spread ? [{ tensor: id, to, bytes, ...spread }] : [];
      }),
    ),
    fittedMoves: fitMoves(graph, moveMs),
    wholeMs: [on0.wholeMs, on1.wholeMs],
    ...(segments ? sampleSegments(segments, graph, conditions, rounds) : { segments: [], handover: null }),
  };
}

interface SessionTimes {
  readonly kernels: readonly KernelTime[];
  readonly reorders: readonly KernelTime[];
  readonly wholeMs: number | null;
}

/** The whole model in one session on each device that runs all of it. */
class WholeModel {
  readonly #executor: Executor;
  readonly #graph: OperatorGraph;
  readonly #conditions: Conditions;
  readonly #devices: readonly (0 | 1)[];
  readonly #ms: readonly [number[], number[]] = [[], []];
  readonly #first: [Trace | null, Trace | null] = [null, null];

  constructor(executor: Executor, graph: OperatorGraph, conditions: Conditions) {
    this.#executor = executor;
    this.#graph = graph;
    this.#conditions = conditions;
    const runs = executor.supported(graph);
    this.#devices = ([0, 1] as const).filter((device) => graph.units.every(({ id }) => runs[2 * id + device]));
  }

  /** Executes it `rounds` times or more on each device, devices in turn. */
  measure(rounds: number): void {
    let spentMs = 0;
    for (let round = 0; round < rounds || spentMs < wholeSpanMs * this.#devices.length; round++) {
      const beforeMs = spentMs;
      for (const device of this.#devices) spentMs += this.#execute(device);
      // Where every execution fails there is nothing to wait for.
      if (spentMs === beforeMs) return;
    }
  }

  #execute(device: 0 | 1): number {
    const trace = this.#executor.run(this.#graph, Schedule.onDevice(this.#graph, device), this.#conditions);
    if ('error' in trace) return 0;
    this.#first[device] ??= trace;
    this.#ms[device].push(trace.makespanMs);
    return trace.makespanMs;
  }

  times(device: 0 | 1): SessionTimes {
    const trace = this.#first[device];
    if (!trace) return { kernels: [], reorders: [], wholeMs: null };
    const wholeMs = quantile(this.#ms[device], undisturbed);
    // Every trace has the intervals of one profile, scaled.
    const scale = wholeMs / trace.makespanMs;
    const times = (wanted: EventKind): KernelTime[] =>
      trace.events
        .filter(({ kind }) => kind === wanted)
        .map(({ units, startMs, endMs }) => ({ device, units, ms: (endMs - startMs) * scale }));
    return { kernels: times('compute'), reorders: times('reorder'), wholeMs };
  }
}
