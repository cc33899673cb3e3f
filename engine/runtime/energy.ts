// The energy of one execution on real devices. Meters are slower than executions: a schedule of 5 ms ends between two samples
// of a power rail. So it is executed repeatedly under the meter, and the energy is divided by the number of executions.
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import type { ExecutionError, Executor } from '../executor.js';
import type { Schedule } from '../schedule.js';
import { startEnergyMeter } from '../telemetry/energy-meter.js';
import { type EnergySource, findEnergySources } from '../telemetry/energy-source.js';
import type { Trace } from '../trace.js';

interface Repetition {
  /** Time of executing before the meter starts: averages of a source would otherwise include idle time. */
  readonly leadMs: number;
  /** Least time of executing under the meter. */
  readonly meteredMs: number;
}

/**
 * RAPL counters advance every millisecond or so: 0.5 % of 200 ms. INA3221 rails are sampled every 20 ms and cards every
 * 100 ms: 50 samples each. A card's power is its average over the last second (nvidia-smi --help-query-gpu, power.draw).
 */
const repetitions: Readonly<Record<EnergySource['kind'], Repetition>> = {
  rapl: { leadMs: 0, meteredMs: 200 },
  ina3221: { leadMs: 0, meteredMs: 1000 },
  'nvidia-smi': { leadMs: 1000, meteredMs: 5000 },
};

/**
 * Executes a schedule and fills in `energyMj`, mJ per execution and rail; null where this machine has no rail that can be
 * read, at the cost of a single execution. With rails it takes from 0.2 s (RAPL) to 6 s (nvidia-smi).
 *
 * Latency and events are those of an execution before the meter ran. The energy is that of the rails during back-to-back
 * executions: it includes idle power and the caller's own work in between; nothing is subtracted.
 * @param sources default: all that this machine has
 */
export function runWithEnergy(
  executor: Executor,
  graph: OperatorGraph,
  schedule: Schedule,
  conditions: Conditions,
  sources: readonly EnergySource[] = findEnergySources().value,
): Trace | ExecutionError {
  const execute = () => executor.run(graph, schedule, conditions);
  const trace = execute();
  if ('error' in trace || sources.length === 0) return trace;
  const needed = (of: keyof Repetition) => Math.max(...sources.map(({ kind }) => repetitions[kind][of]));
  const lead = executeFor(needed('leadMs'), execute);
  if ('error' in lead) return lead;
  const meter = startEnergyMeter(sources);
  const metered = executeFor(needed('meteredMs'), execute);
  const totalMj = meter.stop();
  if ('error' in metered) return metered;
  const energyMj =
    totalMj && Object.fromEntries(Object.entries(totalMj).map(([rail, mj]) => [rail, mj / metered.executions]));
  return { ...trace, energyMj };
}

/** Executes until the time is over, if it is any; how often, or the first failure. */
function executeFor(
  durationMs: number,
  execute: () => Trace | ExecutionError,
): { readonly executions: number } | ExecutionError {
  const endMs = performance.now() + durationMs;
  let executions = 0;
  while (performance.now() < endMs) {
    const result = execute();
    if ('error' in result) return result;
    executions += 1;
  }
  return { executions };
}
