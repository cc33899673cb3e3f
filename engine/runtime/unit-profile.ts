// How long each unit of a model takes on each device of a pair: measured on lanes, unit by unit, and beside it what ONNX
// Runtime says of its kernels in a session of the whole model.
import { median, quantile } from '../../base/statistics/quantile.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import type { Executor } from '../executor.js';
import { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';
import { sampleCosts } from './cost-samples.js';
import { type FittedMove, fitMoves } from './measured-costs.js';

/** Median and quartiles of measured times, in ms. */
export interface Spread {
  readonly medianMs: number;
  readonly lowMs: number;
  readonly highMs: number;
  readonly samples: number;
}

export interface UnitTime {
  readonly unit: number;
  readonly device: 0 | 1;
  /** The unit as a session of its own, inputs on the device: launch, kernel, synchronisation. Null where it does not run. */
  readonly lane: Spread | null;
}

/**
 * A kernel within one session of the whole model on a device, from a single profiled execution, scaled to the median
 * latency without profiling. ONNX Runtime fuses further there than units do, and kernels share layouts.
 */
export interface KernelTime {
  readonly device: 0 | 1;
  /** The units that it runs, whole or in part; one unit can have several kernels. */
  readonly units: readonly number[];
  readonly ms: number;
}

export interface MoveTime extends Spread {
  readonly tensor: number;
  readonly to: 0 | 1;
  readonly bytes: number;
}

export interface UnitProfile {
  readonly units: readonly UnitTime[];
  readonly kernels: readonly KernelTime[];
  readonly moves: readonly MoveTime[];
  /** A line through the moves to each device: what a move costs at all, and by the byte. */
  readonly fittedMoves: readonly [FittedMove, FittedMove];
  /** The whole model in one session on each device, median in ms; null where the device does not run all of it. */
  readonly wholeMs: readonly [number | null, number | null];
}

/** Executions that load and warm before times count. */
export const warmUpRounds = 2;

/**
 * Measures a model. Units run in random placements and their complements, in turn.
 * @param lanes an executor on lanes whose segments are single units
 * @param sessions one with a session of the whole model
 * @param rounds times that each unit is measured on each device
 * @throws InputError when an execution fails, naming the unit
 */
export function profileUnits(
  lanes: Executor,
  sessions: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  rounds: number,
): UnitProfile {
  const { unitMs, moveMs } = sampleCosts(lanes, graph, conditions, rounds, warmUpRounds);
  const devices = [0, 1] as const;
  const [on0, on1] = sessionTimes(sessions, graph, conditions, rounds);
  return {
    units: graph.units.flatMap(({ id }) =>
      devices.map((device) => ({ unit: id, device, lane: spreadOf(unitMs[id]![device]) })),
    ),
    kernels: [...on0!.kernels, ...on1!.kernels],
    moves: graph.tensors.flatMap(({ id, bytes }) =>
      devices.flatMap((to) => {
        const spread = spreadOf(moveMs[id]![to]);
        return spread ? [{ tensor: id, to, bytes, ...spread }] : [];
      }),
    ),
    fittedMoves: fitMoves(graph, moveMs),
    wholeMs: [on0!.wholeMs, on1!.wholeMs],
  };
}

function spreadOf(times: readonly number[]): Spread | null {
  if (times.length === 0) return null;
  const [lowMs, medianMs, highMs] = [0.25, 0.5, 0.75].map((q) => quantile(times, q)) as [number, number, number];
  return { medianMs, lowMs, highMs, samples: times.length };
}

interface SessionTimes {
  readonly kernels: readonly KernelTime[];
  readonly wholeMs: number | null;
}

/** The whole model in one session on each device that runs all of it: medians of `rounds` executions, devices in turn. */
function sessionTimes(
  executor: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  rounds: number,
): SessionTimes[] {
  const runs = executor.supported(graph);
  const traces: [Trace[], Trace[]] = [[], []];
  for (let round = 0; round < rounds; round++)
    for (const device of [0, 1] as const) {
      if (graph.units.some(({ id }) => runs[2 * id + device] === 0)) continue;
      const trace = executor.run(graph, Schedule.onDevice(graph, device), { ...conditions, regime: 'serial' });
      if (!('error' in trace)) traces[device].push(trace);
    }
  return traces.map((own, device) => {
    if (own.length === 0) return { kernels: [], wholeMs: null };
    const wholeMs = median(own.map(({ makespanMs }) => makespanMs));
    const [first] = own as [Trace];
    const kernels = first.events
      .filter(({ kind }) => kind === 'compute')
      .map(({ units, startMs, endMs }) => ({
        device: device as 0 | 1,
        units,
        ms: ((endMs - startMs) * wholeMs) / first.makespanMs,
      }));
    return { kernels, wholeMs };
  });
}
