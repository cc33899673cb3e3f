// What is explained: a graph, the costs of its units, and how long a schedule takes by the simulator.
import { InputError } from '../../base/errors/input-error.js';
import { Rng } from '../../base/random/rng.js';
import type { Conditions } from '../../engine/conditions.js';
import type { Executor } from '../../engine/executor.js';
import { Schedule } from '../../engine/schedule.js';
import type { Trace } from '../../engine/trace.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { listScheduling } from '../baselines/list-scheduling.js';
import type { Planner } from '../baselines/planner.js';
import { greedy } from '../baselines/simple.js';
import { optimum } from '../bounds/optimum.js';

export interface Case {
  readonly graph: OperatorGraph;
  readonly costs: CostTable;
  readonly conditions: Conditions;
  /** Simulated latency of a schedule, ms. */
  latencyMs(schedule: Schedule): number;
}

/** A case of a simulating executor. */
export function caseOf(executor: Executor, graph: OperatorGraph, costs: CostTable, conditions: Conditions): Case {
  if (conditions.execution === 'overlap')
    return {
      graph,
      costs,
      conditions,
      latencyMs: (schedule) => traceOf(executor, graph, schedule, conditions).makespanMs,
    };
  // The clock after the last decision is the makespan; a trace would cost ten times as much.
  const run = executor.begin(graph, conditions);
  const latencyMs = ({ order, share }: Schedule): number => {
    run.restart!(conditions);
    for (const unit of order) run.decide(unit, share[unit]!);
    return run.state.clockMs();
  };
  return { graph, costs, conditions, latencyMs };
}

/** @throws InputError when the execution fails */
export function traceOf(executor: Executor, graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace {
  const trace = executor.run(graph, schedule, conditions);
  if ('error' in trace) throw new InputError(`explain: ${trace.error}.`, 'Choose another schedule or platform.');
  return trace;
}

/** Schedules that use both devices. In serial execution the best is proved; in overlap execution it is the best of three. */
const hybrids: Readonly<Record<Conditions['execution'], Readonly<Record<string, Planner>>>> = {
  serial: { optimum },
  overlap: { optimum, greedy, heft: listScheduling(0) },
};

export interface NamedSchedule {
  readonly name: string;
  readonly schedule: Schedule;
  readonly latencyMs: number;
}

/** The hybrid schedule to beat. */
export function bestHybrid({ latencyMs, ...problem }: Case): NamedSchedule {
  const random = Rng.of(0, 'explain');
  return Object.entries(hybrids[problem.conditions.execution])
    .map(([name, plan]) => {
      const schedule = plan({ ...problem, random });
      return { name, schedule, latencyMs: latencyMs(schedule) };
    })
    .reduce((best, each) => (each.latencyMs < best.latencyMs ? each : best));
}

/** A hybrid schedule that is less faster than this fraction counts as no gain: profiles are not that exact. */
export const leastGain = 0.02;

export type Winner = 'device0' | 'device1' | 'hybrid';

export interface Standing {
  /** Every unit on that device, where it can run it. */
  readonly deviceMs: readonly [number, number];
  readonly hybrid: NamedSchedule;
  /** `hybrid` where that is faster than the better device by `leastGain`; else the better device. */
  readonly winner: Winner;
}

export function standingOf(each: Case): Standing {
  const deviceMs = [0, 1].map((device) => each.latencyMs(Schedule.onDevice(each.graph, device as 0 | 1)));
  const [on0, on1] = deviceMs as [number, number];
  const hybrid = bestHybrid(each);
  const single = on1 < on0 ? 'device1' : 'device0';
  const gains = Math.min(on0, on1) >= hybrid.latencyMs * (1 + leastGain);
  // With nothing to do in no time at all, neither gains.
  return { deviceMs: [on0, on1], hybrid, winner: gains && hybrid.latencyMs < Math.min(on0, on1) ? 'hybrid' : single };
}
