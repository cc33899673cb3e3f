// Costs of each device alone. Rewards are divided by those of the better one.
import { InputError } from '../../base/errors/input-error.js';
import { median } from '../../base/statistics/quantile.js';
import type { Scenario } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import type { Trace } from '../../engine/trace.js';
import type { ShareProblem } from '../share/share-problem.js';
import { energyOf, needsEnergy, type Reward, type RewardReference } from './rewards.js';

/** Graph, executor and conditions of the runs. */
type Executable = Pick<Scenario, 'graph' | 'executor' | 'conditions'>;

/** Executions of each single device on hardware: one alone is noisy, so their median counts. */
const referenceRepetitions = 9;

/** The better of all-on-device-0 and all-on-device-1 (wherever supported), by the executor itself, in turn. */
export function bestSingleDeviceMs(problem: Executable): number {
  return Math.min(...singleDeviceMs(problem));
}

/** Latency of each device alone; Infinity where it fails. @throws InputError when both do */
export function singleDeviceMs({ graph, executor, conditions }: Executable): [number, number] {
  const latenciesMs: [number[], number[]] = [[], []];
  let failure = '';
  for (let repetition = 0; repetition < (executor.kind === 'measured' ? referenceRepetitions : 1); repetition++) {
    for (const device of [0, 1] as const) {
      const result = executor.run(graph, Schedule.onDevice(graph, device), conditions);
      if ('error' in result) failure ||= result.error;
      else latenciesMs[device].push(result.makespanMs);
    }
  }
  if (latenciesMs.every(({ length }) => length === 0))
    throw new InputError(`environment: no single device runs the model: ${failure}`, 'Choose another device pair.');
  const typicalMs = (each: number[]) => (each.length > 0 ? median(each) : Number.POSITIVE_INFINITY);
  return [typicalMs(latenciesMs[0]), typicalMs(latenciesMs[1])];
}

/** Energy of each device alone, simulated; null where no power is known. */
export function singleDeviceMj({ graph, executor, conditions }: Executable): readonly [number, number] | null {
  const [first, second] = ([0, 1] as const).map((device) => {
    const result = executor.run(graph, Schedule.onDevice(graph, device), conditions);
    return 'error' in result ? null : energyOf(result);
  });
  return typeof first === 'number' && typeof second === 'number' ? [first, second] : null;
}

/**
 * The costs of the better single device.
 * @throws InputError when the reward needs energy, and traces have none
 */
export function referenceOf(problem: ShareProblem, reward: Reward): RewardReference {
  const latencyMs = bestSingleDeviceMs(problem);
  if (!needsEnergy(reward)) return { latencyMs, energyMj: null };
  const { graph, executor, conditions, scenario } = problem;
  const traces = ([0, 1] as const)
    .map((device) => executor.run(graph, Schedule.onDevice(graph, device), conditions))
    .filter((result): result is Trace => !('error' in result))
    .sort((a, b) => a.makespanMs - b.makespanMs);
  const energyMj = traces[0] ? energyOf(traces[0]) : null;
  if (energyMj === null) {
    const where = scenario?.platform.uri ?? `the ${executor.kind} executor`;
    throw new InputError(
      `reward: "${problem.reward}" needs energy, and executions on ${where} have none: there is no model of power, and meters are slower than one inference.`,
      'Name a profile with "power" (docs/energy.md), or choose "latency", "deadline" or "weighted" without energy.',
    );
  }
  return { latencyMs, energyMj };
}
