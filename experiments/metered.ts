// Energy of final schedules on hardware. A meter is slower than an execution, so each schedule is executed again under it.
import { InputError } from '../base/errors/input-error.js';
import { runWithEnergy } from '../engine/runtime/energy.js';
import { parseHardwareUri } from '../engine/runtime/hardware.js';
import { type EnergySource, findEnergySources } from '../engine/telemetry/energy-source.js';
import type { SchedulerResults } from './evaluate.js';
import type { Outcome, Task } from './tasks/registry.js';

/** @throws InputError when this machine has no meter that can be read */
export function requireMeters(machine: Parameters<typeof findEnergySources>[0] = {}): readonly EnergySource[] {
  const { value, unavailable } = findEnergySources(machine);
  if (value.length > 0) return value;
  const reasons = unavailable.map(({ what, why }) => `${what}: ${why}`).join('; ');
  throw new InputError(
    `meter: no rail of this machine can be read: ${reasons}.`,
    'Leave the meter out; docs/energy.md says what each one needs.',
  );
}

/** @throws InputError when the platform is simulated, or this machine has no meter */
export function checkMetered(platform: string): void {
  if (!parseHardwareUri(platform))
    throw new InputError(
      `meter: ${platform} is simulated.`,
      'Leave the meter out: simulated schedules have energy already; or choose an executor on devices.',
    );
  requireMeters();
}

/**
 * The same results, each execution with the energy of its scheduler's schedule; those of simulations, and of tasks that are more
 * than one inference, unchanged.
 */
export function withMeteredEnergy(
  task: Task,
  results: readonly SchedulerResults[],
  sources: readonly EnergySource[],
): SchedulerResults[] {
  const { inference } = task;
  if (task.subject.kind === 'simulated' || !inference) return [...results];
  const { graph, executor, conditions } = inference.scenario;
  const metered = (outcomes: readonly Outcome[]): Outcome[] => {
    const { schedule } = inference.trace(outcomes[0]!);
    const trace = runWithEnergy(executor, graph, schedule, conditions, sources);
    // A failure leaves the energy unknown; latencies were measured before.
    const energyMj = 'error' in trace ? null : trace.energyMj;
    return outcomes.map((outcome) => ({
      ...outcome,
      info: { ...outcome.info, trace: { ...inference.trace(outcome), energyMj } },
    }));
  };
  return results.map((each) => ({
    ...each,
    runs: each.runs.map((run) => ({
      ...run,
      episodes: run.episodes.map(({ seed, outcomes }) => ({ seed, outcomes: metered(outcomes) })),
    })),
  }));
}
