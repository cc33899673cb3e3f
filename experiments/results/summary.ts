// results.csv and summary.csv: every metric of every scheduler, one number a row, and their statistics over seeds and episodes,
// with the difference to the first variant.
import { Rng } from '../../base/random/rng.js';
import { median } from '../../base/statistics/quantile.js';
import { bootstrapInterval, interquartileMean } from '../statistics/statistics.js';

/** A row of `results.csv`. */
export interface ResultRow {
  /** Empty where the config has none. */
  readonly variant: string;
  readonly env: string;
  readonly model: string;
  readonly profile: string;
  readonly profileHash: string;
  readonly kind: 'simulated' | 'measured';
  readonly weakestSource: string;
  readonly execution: 'serial' | 'overlap';
  readonly scheduler: string;
  readonly decision: 'planned' | 'online';
  /** Seed of the training, or of a baseline's random numbers. */
  readonly seed: number;
  /** Of the episode's reset. */
  readonly episode: number;
  readonly metric: string;
  /** Units stand in the metric's name. On hardware the median of repeated executions. */
  readonly value: number;
}

export const resultColumns = [
  'variant',
  'env',
  'model',
  'profile',
  'profileHash',
  'kind',
  'weakestSource',
  'execution',
  'scheduler',
  'decision',
  'seed',
  'episode',
  'metric',
  'value',
] as const satisfies readonly (keyof ResultRow)[];

/** A row of `summary.csv`. */
export interface SummaryRow extends Omit<ResultRow, 'seed' | 'episode' | 'value'> {
  /** Number of values: one per episode if there are several (the median over seeds), else one per seed. */
  readonly n: number;
  readonly iqm: number;
  readonly median: number;
  /** 95 % percentile bootstrap interval of the interquartile mean; null where n is 1. */
  readonly low: number | null;
  readonly high: number | null;
  /** Mean of the differences to the first variant, seed by seed and episode by episode, in percent; null for that itself. */
  readonly differencePercent: number | null;
  readonly differencePercentLow: number | null;
  readonly differencePercentHigh: number | null;
}

export const summaryColumns = [
  ...(['variant', 'env', 'model', 'profile', 'profileHash', 'kind', 'weakestSource', 'execution'] as const),
  ...(['scheduler', 'decision', 'metric', 'n', 'iqm', 'median', 'low', 'high'] as const),
  ...(['differencePercent', 'differencePercentLow', 'differencePercentHigh'] as const),
] as const satisfies readonly (keyof SummaryRow)[];

/** Rows of one variant, cell, scheduler and metric. */
type Group = readonly ResultRow[];

/**
 * In order of first appearance.
 * @param reference the variant that others are compared with
 */
export function summaryRows(rows: readonly ResultRow[], reference: string): SummaryRow[] {
  const groups = groupBy(rows, ({ variant, env, model, profile, scheduler, metric }) =>
    JSON.stringify([variant, env, model, profile, scheduler, metric]),
  );
  const firsts = groupBy(
    rows.filter(({ variant }) => variant === reference),
    // Variants may differ in the environment: what is compared is the scheduler on the model and profile.
    ({ model, profile, scheduler, metric }) => JSON.stringify([model, profile, scheduler, metric]),
  );
  return [...groups.values()].map((group) => {
    const { seed: _, episode: __, value: ___, ...card } = group[0]!;
    const sample = sampleOf(group);
    const { variant, model, profile, scheduler, metric } = card;
    const rng = (use: string) => Rng.of(0, 'summary', use, variant, model, profile, scheduler, metric);
    const interval =
      sample.length > 1 ? bootstrapInterval(sample, rng('value'), { statistic: interquartileMean }) : null;
    const first = firsts.get(JSON.stringify([model, profile, scheduler, metric]));
    const differences = variant === reference || !first ? [] : pairedDifferences(group, first);
    const difference =
      differences.length > 1 ? bootstrapInterval(differences, rng('difference'), { statistic: mean }) : null;
    return {
      ...card,
      n: sample.length,
      iqm: interquartileMean(sample),
      median: median(sample),
      low: interval?.low ?? null,
      high: interval?.high ?? null,
      differencePercent: differences.length > 0 ? mean(differences) : null,
      differencePercentLow: difference?.low ?? null,
      differencePercentHigh: difference?.high ?? null,
    };
  });
}

/** Per episode the median over seeds; the seeds' values where there is one episode. */
function sampleOf(group: Group): number[] {
  const episodes = groupBy(group, ({ episode }) => String(episode));
  if (episodes.size === 1) return group.map(({ value }) => value);
  return [...episodes.values()].map((own) => median(own.map(({ value }) => value)));
}

/** 100 (a / b - 1) for values of one seed and episode; pairs with a reference of 0 have none. */
function pairedDifferences(group: Group, first: Group): number[] {
  const references = new Map(first.map((row) => [`${row.seed}/${row.episode}`, row.value]));
  return group.flatMap(({ seed, episode, value }) => {
    const reference = references.get(`${seed}/${episode}`);
    return reference === undefined || reference === 0 ? [] : [100 * (value / reference - 1)];
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
