// A table of pre-solved schedules, at most k for each model and batch size, indexed by the monitor's reading.
import type { Schedule } from '../../../engine/schedule.js';
import type { StreamCase, StreamSetting } from '../../../env/stream/setting.js';
import { latencyMs, optimumOf, type StreamPolicy } from './policy.js';

/**
 * The schedules are chosen beforehand, greedily: each next one lowers the expected latency most, conditions weighted by their
 * long-run frequency. (Choosing k of a set of schedules to minimise a sum of minima is the k-median problem; greedy choice is
 * its classic heuristic: Cornuejols, Fisher, Nemhauser, Management Science 23(8), 1977.)
 */
export function tablePolicy(setting: StreamSetting, k: number): StreamPolicy {
  const rows = new Map<StreamCase, Schedule>();
  for (let model = 0; model < setting.modelCount; model++)
    for (let size = 0; size < setting.batches.length; size++) {
      const cases = setting.casesOf(model, size);
      const kept = greedyMedians(cases, conditionWeights(setting), k);
      for (const inference of cases) rows.set(inference, best(kept, inference));
    }
  return ({ observed }) => rows.get(observed)!;
}

function greedyMedians(cases: readonly StreamCase[], weights: readonly number[], k: number): Schedule[] {
  const candidates = cases.map(optimumOf);
  const kept: Schedule[] = [];
  const expectedMs = (schedules: readonly Schedule[]) =>
    cases.reduce((sum, inference, i) => sum + weights[i]! * latencyMs(inference, best(schedules, inference)), 0);
  while (kept.length < Math.min(k, candidates.length)) {
    const costs = candidates.map((candidate) => expectedMs([...kept, candidate]));
    kept.push(candidates[costs.indexOf(Math.min(...costs))]!);
  }
  return kept;
}

function best(schedules: readonly Schedule[], inference: StreamCase): Schedule {
  return schedules.reduce((a, b) => (latencyMs(inference, b) < latencyMs(inference, a) ? b : a));
}

/** How often each pair of mode and level holds in the long run; of a recorded load, as if samples were equally long. */
export function conditionWeights(setting: StreamSetting): number[] {
  const { load } = setting.options;
  const weights = setting.levels.map((_, i) => (load?.kind === 'markov' ? load.states[i]!.meanMs : 1));
  const total = weights.reduce((a, b) => a + b, 0) * setting.modes.length;
  return setting.modes.flatMap(() => weights.map((weight) => weight / total));
}
