// results.csv and summary.csv: every metric of every scheduler, one number a row, and their statistics over seeds and
// episodes, with the difference to the first variant and to the scheduler that is ranked one above.
import { Rng } from '../../base/random/rng.js';
import { median } from '../../base/statistics/quantile.js';
import { bootstrapInterval, interquartileMean } from '../statistics/statistics.js';

/** A row of `results.csv`. */
export interface ResultRow {
  /** Empty where the config has none. */
  readonly variant: string;
  readonly env: string;
  readonly model: string;
  readonly modelHash: string;
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
  'modelHash',
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
export interface SummaryRow extends Omit<ResultRow, 'modelHash' | 'seed' | 'episode' | 'value'> {
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
  /**
   * Of the objective: mean of the differences to the scheduler ranked one above in the same variant and cell, paired likewise,
   * in percent; null for the best one. Where the interval holds 0, the order of the two is open.
   */
  readonly behindPercent: number | null;
  readonly behindPercentLow: number | null;
  readonly behindPercentHigh: number | null;
}

export const summaryColumns = [
  ...(['variant', 'env', 'model', 'profile', 'profileHash', 'kind', 'weakestSource', 'execution'] as const),
  ...(['scheduler', 'decision', 'metric', 'n', 'iqm', 'median', 'low', 'high'] as const),
  ...(['differencePercent', 'differencePercentLow', 'differencePercentHigh'] as const),
  ...(['behindPercent', 'behindPercentLow', 'behindPercentHigh'] as const),
] as const satisfies readonly (keyof SummaryRow)[];

/** Rows of one variant, cell, scheduler and metric. */
type Group = readonly ResultRow[];

interface SummaryOptions {
  /** The variant that others are compared with. */
  readonly reference: string;
  /** The metric that is to be small, of an environment. */
  readonly objectiveOf: (env: string) => string;
  /**
   * What two cells must have in common to be compared. Default: model and profile, since variants of a run may differ in the
   * environment and its execution.
   */
  readonly cellOf?: (row: ResultRow) => readonly string[];
}

/** In order of first appearance. */
export function summaryRows(
  rows: readonly ResultRow[],
  { reference, objectiveOf, cellOf = ({ model, profile }) => [model, profile] }: SummaryOptions,
): SummaryRow[] {
  const groups = groupBy(rows, ({ variant, env, model, profile, scheduler, metric }) =>
    JSON.stringify([variant, env, model, profile, scheduler, metric]),
  );
  const comparedKey = (row: ResultRow) => JSON.stringify([cellOf(row), row.scheduler, row.metric]);
  const firsts = groupBy(
    rows.filter(({ variant }) => variant === reference),
    comparedKey,
  );
  const aheads = groupsAhead([...groups.values()], objectiveOf);
  return [...groups.values()].map((group) => {
    const { modelHash: _, seed: __, episode: ___, value: ____, ...card } = group[0]!;
    const sample = [...sampleOf(group).values()];
    const { variant, model, profile, scheduler, metric } = card;
    const rng = (use: string) => Rng.of(0, 'summary', use, variant, model, profile, scheduler, metric);
    const interval =
      sample.length > 1 ? bootstrapInterval(sample, rng('value'), { statistic: interquartileMean }) : null;
    const first = variant === reference ? undefined : firsts.get(comparedKey(group[0]!));
    const difference = meanOf(first ? pairedDifferences(group, first) : [], rng('difference'));
    const ahead = aheads.get(group);
    const behind = meanOf(ahead ? rankedDifferences(group, ahead) : [], rng('behind'));
    return {
      ...card,
      n: sample.length,
      iqm: interquartileMean(sample),
      median: median(sample),
      low: interval?.low ?? null,
      high: interval?.high ?? null,
      differencePercent: difference.mean,
      differencePercentLow: difference.low,
      differencePercentHigh: difference.high,
      behindPercent: behind.mean,
      behindPercentLow: behind.low,
      behindPercentHigh: behind.high,
    };
  });
}

/** Of each group of an objective the one that is ranked one above, by interquartile mean, in the same variant and cell. */
function groupsAhead(groups: readonly Group[], objectiveOf: (env: string) => string): Map<Group, Group> {
  const objectives = groups.filter(([first]) => first!.metric === objectiveOf(first!.env));
  const cells = groupBy(objectives, ([first]) =>
    JSON.stringify([first!.variant, first!.env, first!.model, first!.profile]),
  );
  const ranked = [...cells.values()].map((cell) =>
    cell
      .map((group) => ({
        group,
        scheduler: group[0]!.scheduler,
        iqm: interquartileMean([...sampleOf(group).values()]),
      }))
      .sort(byRank),
  );
  return new Map(ranked.flatMap((cell) => cell.slice(1).map(({ group }, i) => [group, cell[i]!.group] as const)));
}

/** The order of schedulers in a cell: the least objective first, equal ones by name. */
export function byRank<Ranked extends Pick<SummaryRow, 'scheduler' | 'iqm'>>(a: Ranked, b: Ranked): number {
  return a.iqm - b.iqm || (a.scheduler < b.scheduler ? -1 : 1);
}

/** Per episode the median over seeds; the seeds' values where there is one episode. */
function sampleOf(group: Group): Map<number, number> {
  const episodes = groupBy(group, ({ episode }) => String(episode));
  if (episodes.size === 1) return new Map(group.map(({ seed, value }) => [seed, value]));
  return new Map([...episodes.values()].map((own) => [own[0]!.episode, median(own.map(({ value }) => value))]));
}

/** For values of one seed and episode. */
function pairedDifferences(group: Group, first: Group): number[] {
  const references = new Map(first.map((row) => [`${row.seed}/${row.episode}`, row.value]));
  return group.flatMap(({ seed, episode, value }) => inPercent(value, references.get(`${seed}/${episode}`)));
}

/** For samples of two schedulers; one that draws nothing has one value, whatever the other's seed. */
function rankedDifferences(group: Group, ahead: Group): number[] {
  const [own, other] = [sampleOf(group), sampleOf(ahead)];
  const valueAt = (sample: typeof own, at: number) => (sample.size === 1 ? [...sample.values()][0] : sample.get(at));
  const units = own.size === 1 ? other : own;
  return [...units.keys()].flatMap((at) => inPercent(valueAt(own, at), valueAt(other, at)));
}

/** 100 (value / reference - 1); nothing where one of them is missing or the reference is 0. */
function inPercent(value: number | undefined, reference: number | undefined): number[] {
  return value === undefined || reference === undefined || reference === 0 ? [] : [100 * (value / reference - 1)];
}

/** The mean with its 95 % percentile bootstrap interval, which a single value has not. */
function meanOf(values: readonly number[], rng: Rng) {
  const interval = values.length > 1 ? bootstrapInterval(values, rng, { statistic: mean }) : null;
  return { mean: values.length > 0 ? mean(values) : null, low: interval?.low ?? null, high: interval?.high ?? null };
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
