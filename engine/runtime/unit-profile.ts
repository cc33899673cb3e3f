// How long each unit of a model takes on each device of a pair: measured on lanes, unit by unit, and beside it what ONNX
// Runtime says of its kernels in a session of the whole model.
import { median } from '../../base/statistics/quantile.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import type { KernelTime, UnitProfile } from '../device/unit-times.js';
import type { Executor } from '../executor.js';
import { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';
import { sampleCosts } from './cost-samples.js';
import { fitMoves } from './measured-costs.js';
import { sampleSegments } from './segment-samples.js';
import { spreadOf } from './spread.js';

/** Executions that load and warm before times count. */
export const warmUpRounds = 2;

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
    ...(segments ? sampleSegments(segments, graph, conditions, rounds) : { segments: [], handover: null }),
  };
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
