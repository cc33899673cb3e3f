// From episodes of streams to one row for each scheduler, the best first.
import { markdownRow } from '../../base/files/markdown.js';
import { Stream } from '../../base/random/stream.js';
import { median } from '../../base/statistics/quantile.js';
import type { StreamSetting } from '../../env/stream/setting.js';
import { bootstrapInterval } from '../statistics/statistics.js';
import type { StreamEpisodeRow } from './episodes.js';
import type { DecisionCharge } from './rivals.js';

/** Of `stream.csv`. Medians over streams, of medians over trainings; intervals are 95 % percentile bootstrap over streams. */
export interface StreamRow {
  readonly scheduler: string;
  readonly model: string;
  readonly profile: string;
  readonly profileHash: string;
  readonly kind: 'simulated';
  readonly weakestSource: string;
  readonly regime: 'serial';
  readonly decision: 'planned' | 'online';
  readonly decisionMsPerInference: number;
  readonly decisionMsPerUnit: number;
  /** Streams. */
  readonly seeds: number;
  /** Of a learner; 0 for others. */
  readonly trainings: number;
  /** What a request costs: from arrival to answer, penalties included. */
  readonly responseMs: number;
  readonly responseMsLow: number;
  readonly responseMsHigh: number;
  /** Objective over the clairvoyant bound of the same stream, less 1. */
  readonly gapPercent: number;
  readonly gapPercentLow: number;
  readonly gapPercentHigh: number;
  /** Objective over that of the scheduler in the row above, in the same stream, less 1; null in the first row. */
  readonly behindPercent: number | null;
  readonly behindPercentLow: number | null;
  readonly behindPercentHigh: number | null;
  /** Late answers per stream, mean. */
  readonly misses: number;
  readonly trainingWallS: number | null;
}

export const streamColumns = [
  'scheduler', 'model', 'profile', 'profileHash', 'kind', 'weakestSource', 'regime', 'decision',
  'decisionMsPerInference', 'decisionMsPerUnit', 'seeds', 'trainings', 'responseMs', 'responseMsLow', 'responseMsHigh',
  'gapPercent', 'gapPercentLow', 'gapPercentHigh', 'behindPercent', 'behindPercentLow', 'behindPercentHigh', 'misses',
  'trainingWallS',
] as const satisfies readonly (keyof StreamRow)[]; // biome-ignore format: a table

export interface Contestant {
  readonly scheduler: string;
  readonly decision: 'planned' | 'online';
  readonly charge: DecisionCharge;
  /** Of each training. */
  readonly trainingWallS: readonly number[];
}

/** Ordered by the median gap. */
export function streamRows(
  { identity, options }: StreamSetting,
  contestants: readonly Contestant[],
  episodes: readonly StreamEpisodeRow[],
): StreamRow[] {
  const seeds = [...new Set(episodes.map(({ seed }) => seed))];
  const judged = contestants.map((contestant) => {
    const own = episodes.filter(({ scheduler }) => scheduler === contestant.scheduler);
    const objectives = seeds.map((seed) => {
      const same = own.filter((row) => row.seed === seed);
      return { ms: median(same.map(({ objectiveMs }) => objectiveMs)), boundMs: same[0]!.boundMs };
    });
    const gaps = objectives.map(({ ms, boundMs }) => 100 * (ms / boundMs - 1));
    return { contestant, own, objectives, gaps };
  });
  judged.sort((a, b) => median(a.gaps) - median(b.gaps));
  const { model, profile, profileHash, weakestSource } = identity;
  return judged.map(({ contestant, own, objectives, gaps }, rank) => {
    const { scheduler, decision, charge, trainingWallS } = contestant;
    const ahead = judged[rank - 1];
    const responses = objectives.map(({ ms }) => ms / options.requests);
    const behind = ahead && objectives.map(({ ms }, i) => 100 * (ms / ahead.objectives[i]!.ms - 1));
    const interval = (values: readonly number[], of: string) =>
      bootstrapInterval(values, Stream.of(0, 'bootstrap', 'stream', scheduler, of));
    const [response, gap] = [interval(responses, 'response'), interval(gaps, 'gap')];
    const behindInterval = behind && interval(behind, 'behind');
    return {
      scheduler,
      model,
      profile,
      profileHash,
      kind: 'simulated',
      weakestSource,
      regime: 'serial',
      decision,
      ...charge,
      seeds: seeds.length,
      trainings: trainingWallS.length,
      responseMs: median(responses),
      responseMsLow: response.low,
      responseMsHigh: response.high,
      gapPercent: median(gaps),
      gapPercentLow: gap.low,
      gapPercentHigh: gap.high,
      behindPercent: behind ? median(behind) : null,
      behindPercentLow: behindInterval?.low ?? null,
      behindPercentHigh: behindInterval?.high ?? null,
      misses: own.reduce((sum, { misses }) => sum + misses, 0) / own.length,
      trainingWallS: trainingWallS.length > 0 ? median(trainingWallS) : null,
    };
  });
}

/** The rows as a Markdown table. */
export function streamTable(rows: readonly StreamRow[]): string {
  const between = (value: number, low: number, high: number, digits: number) =>
    `${value.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
  const lines = rows.map((row, i) => {
    const decisionMs = `${row.decisionMsPerInference} + ${row.decisionMsPerUnit} a unit`;
    const { behindPercent, behindPercentLow, behindPercentHigh } = row;
    const behind = behindPercent === null ? '' : between(behindPercent, behindPercentLow!, behindPercentHigh!, 1);
    const response = between(row.responseMs, row.responseMsLow, row.responseMsHigh, 3);
    const gap = between(row.gapPercent, row.gapPercentLow, row.gapPercentHigh, 1);
    return markdownRow([i + 1, row.scheduler, decisionMs, response, gap, behind, row.misses.toFixed(2)]);
  });
  return [
    '| | scheduler | decision time, ms | a request, ms | over the bound, % | behind the row above, % | late |',
    '|---:|---|---|---:|---:|---:|---:|',
    ...lines,
  ].join('\n');
}
