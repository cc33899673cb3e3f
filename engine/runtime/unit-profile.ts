// How long each unit of a model takes on each device of a pair: measured on lanes, unit by unit, and beside it what ONNX
// Runtime says of its kernels in a session of the whole model.
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import type { KernelTime, UnitProfile } from '../device/unit-times.js';
import type { Executor } from '../executor.js';
import { Schedule } from '../schedule.js';
import { sampleCosts } from './cost-samples.js';
import { fitMoves } from './measured-costs.js';
import { sampleSegments } from './segment-samples.js';
import { spreadOf } from './spread.js';

/** Executions that load and warm before times count. */
export const warmUpRounds = 2;

/**
 * Measures a model. Units run in random placements and their complements, in turn.
 * @param lanes an executor on lanes whose segments are single units
 * @param segments one whose segments are as long as schedules let them be
 * @param sessions one with a session of the whole model
 * @param rounds times that each unit is measured on each device
 * @throws InputError when an execution fails, naming the unit
 */
export function profileUnits(
  lanes: Executor,
  segments: Executor,
  sessions: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  rounds: number,
): UnitProfile {
  const { unitMs, moveMs } = sampleCosts(lanes, graph, conditions, rounds, warmUpRounds);
  const devices = [0, 1] as const;
  const [on0, on1] = devices.map((device) => sessionTimes(sessions, graph, conditions, device));
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
    ...sampleSegments(segments, graph, conditions, rounds),
  };
}

/** The whole model in one session on the device, where that runs all of it. */
function sessionTimes(
  executor: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  device: 0 | 1,
): { readonly kernels: readonly KernelTime[]; readonly wholeMs: number | null } {
  const nothing = { kernels: [], wholeMs: null };
  const runs = executor.supported(graph);
  if (graph.units.some(({ id }) => runs[2 * id + device] === 0)) return nothing;
  const trace = executor.run(graph, Schedule.onDevice(graph, device), { ...conditions, regime: 'serial' });
  if ('error' in trace) return nothing;
  const kernels = trace.events
    .filter(({ kind }) => kind === 'compute')
    .map(({ units, startMs, endMs }) => ({ device, units, ms: endMs - startMs }));
  return { kernels, wholeMs: trace.makespanMs };
}
