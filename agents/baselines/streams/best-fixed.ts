// The best fixed schedule in hindsight: one schedule for each model and batch size, the same through the whole stream, chosen
// with knowledge of the whole stream.
import { Rng } from '../../../base/random/rng.js';
import { Schedule } from '../../../engine/schedule.js';
import type { StreamEpisode } from '../../../env/stream/episode.js';
import { playStream } from '../../../env/stream/queue.js';
import type { StreamCase, StreamSetting } from '../../../env/stream/setting.js';
import type { CostTable } from '../../../predictor/cost-table.js';
import { optimum } from '../../bounds/optimum.js';
import { latencyMs, optimumOf, type StreamPolicy } from './policy.js';
import { conditionWeights } from './table.js';

/**
 * The best fixed schedule of a stream, among candidates. If conditions did not depend on decisions, it would be a minimum
 * cut over the costs averaged over the conditions that occurred. They do depend a little: a faster schedule runs at other
 * moments. So the cut is repeated for the conditions that occurred with it, until a schedule repeats. The candidates are
 * these cuts, the optimum of every condition, and both single devices; each is evaluated by playing the whole stream.
 * With several models or batch sizes, schedules are improved one after the other. Other schedules may be better.
 */
export function bestFixed(episode: StreamEpisode): StreamPolicy {
  const { setting } = episode;
  const slots = setting.modelCount * setting.batches.length;
  const slotOf = (model: number, size: number) => model * setting.batches.length + size;
  const casesOf = (slot: number) =>
    setting.casesOf(Math.floor(slot / setting.batches.length), slot % setting.batches.length);
  const play = (schedules: readonly Schedule[]) => {
    const met = Array.from({ length: slots }, () => new Array<number>(setting.conditionCount).fill(0));
    const { objectiveMs } = playStream(episode, ({ model, size, condition }) => {
      const slot = slotOf(model, size);
      met[slot]![condition]! += 1;
      return latencyMs(setting.caseOf(model, size, condition), schedules[slot]!);
    });
    return { objectiveMs, met };
  };
  const candidates = Array.from({ length: slots }, (_, slot) => candidatesOf(setting, casesOf(slot)));
  let chosen = candidates.map(([first]) => first!);
  let { objectiveMs, met } = play(chosen);
  for (let improved = true; improved; ) {
    improved = false;
    for (let slot = 0; slot < slots; slot++) {
      if (met[slot]!.some((count) => count > 0)) addCut(candidates[slot]!, casesOf(slot), met[slot]!);
      for (const candidate of candidates[slot]!) {
        const other = chosen.with(slot, candidate);
        const result = play(other);
        if (result.objectiveMs >= objectiveMs) continue;
        [chosen, objectiveMs, met, improved] = [other, result.objectiveMs, result.met, true];
      }
    }
  }
  return ({ queue }) => chosen[slotOf(queue.model, queue.size)]!;
}

function candidatesOf(setting: StreamSetting, cases: readonly StreamCase[]): Schedule[] {
  const { graph } = cases[0]!;
  const candidates = [...cases.map(optimumOf), Schedule.onDevice(graph, 0), Schedule.onDevice(graph, 1)];
  addCut(candidates, cases, conditionWeights(setting));
  return candidates;
}

/** Adds the minimum cut of averaged costs, if it is new. */
function addCut(candidates: Schedule[], cases: readonly StreamCase[], weights: readonly number[]): void {
  const { graph, conditions } = cases[0]!;
  const total = weights.reduce((a, b) => a + b, 0);
  const average = (of: (costs: CostTable) => number) =>
    // A weight of 0 times an infinite cost would be no number.
    cases.reduce((sum, { costs }, i) => (weights[i]! > 0 ? sum + (weights[i]! / total) * of(costs) : sum), 0);
  const costs: CostTable = {
    unitMs: (unit, device, share) => average((each) => each.unitMs(unit, device, share)),
    transferMs: (tensor, to, fraction) => average((each) => each.transferMs(tensor, to, fraction)),
    launchMs: (device) => average((each) => each.launchMs(device)),
    syncMs: average((each) => each.syncMs),
  };
  const cut = optimum({ graph, costs, conditions, random: Rng.of(0, 'unused') });
  const same = ({ share }: Schedule) => share.every((value, unit) => value === cut.share[unit]);
  if (!candidates.some(same)) candidates.push(cut);
}
