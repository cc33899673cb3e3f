// aggregates.csv: schedulers over all cells of a run, by the statistics of rliable, runs of a cell drawn again within it. The
// score of a run is the bound over its objective (where nothing is proved, the best of the cell): 1 is the best there can be.
import { Rng } from '../../base/random/rng.js';
import { mean } from '../../base/statistics/faster-half.js';
import {
  aggregates,
  performanceProfile,
  probabilityOfImprovement,
  type Scores,
  stratifiedInterval,
} from '../statistics/aggregates.js';
import { groupBy, type ResultRow } from './summary.js';

/** A row of `aggregates.csv`. */
export interface AggregateRow {
  readonly variant: string;
  readonly env: string;
  readonly kind: ResultRow['kind'];
  readonly scheduler: string;
  readonly cells: number;
  /** Of all cells: seeds. */
  readonly runs: number;
  /**
   * `iqm`, `median`, `mean`, `optimalityGap`; `above:0.9`, the fraction of runs whose score is larger; `better-than:heft`, the
   * probability that a run has a larger score than one of that scheduler on the same cell, equal ones counting half.
   */
  readonly aggregate: string;
  readonly value: number;
  /** 95 % stratified bootstrap interval; null where each cell has one run. */
  readonly low: number | null;
  readonly high: number | null;
}

export const aggregateColumns = [
  ...(['variant', 'env', 'kind', 'scheduler', 'cells', 'runs', 'aggregate', 'value', 'low', 'high'] as const),
] as const satisfies readonly (keyof AggregateRow)[];

/** Scores at which performance profiles are read. */
export const profileThresholds = [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995] as const;

/** Of each variant and environment with two cells or more: the schedulers that played them all. */
export function aggregateRows(results: readonly ResultRow[]): AggregateRow[] {
  const gaps = results.filter(({ metric }) => metric === 'gapPercent');
  const groups = groupBy(gaps, ({ variant, env, kind }) => JSON.stringify([variant, env, kind]));
  return [...groups.values()].flatMap((group) => {
    const cells = [...new Set(group.map(cellOf))];
    if (cells.length < 2) return [];
    const schedulers = [...groupBy(group, ({ scheduler }) => scheduler)].flatMap(([scheduler, own]) => {
      const byCell = groupBy(own, cellOf);
      return byCell.size < cells.length
        ? []
        : [{ scheduler, scores: cells.map((cell) => scoresOf(byCell.get(cell)!)) }];
    });
    const { variant, env, kind } = group[0]!;
    return schedulers.flatMap(({ scheduler, scores }) => {
      const rng = (use: string) => Rng.of(0, 'aggregates', variant, env, scheduler, use);
      const row = (aggregate: string, samples: readonly Scores[], statistic: (...samples: Scores[]) => number) => {
        const varies = samples.some((each) => each.some(({ length }) => length > 1));
        const interval = varies ? stratifiedInterval(samples, statistic, rng(aggregate)) : null;
        const bounds = { low: interval?.low ?? null, high: interval?.high ?? null };
        const card = { variant, env, kind, scheduler, cells: cells.length, runs: scores.flat().length };
        return { ...card, aggregate, value: statistic(...samples), ...bounds };
      };
      return [
        ...Object.entries(aggregates).map(([name, statistic]) => row(name, [scores], statistic)),
        ...profileThresholds.map((threshold) =>
          row(`above:${threshold}`, [scores], (drawn) => performanceProfile(drawn, [threshold])[0]!),
        ),
        ...schedulers
          .filter((other) => other.scheduler !== scheduler)
          .map((other) => row(`better-than:${other.scheduler}`, [scores, other.scores], probabilityOfImprovement)),
      ];
    });
  });
}

const cellOf = ({ model, profile }: ResultRow): string => JSON.stringify([model, profile]);

/** A score for each seed: the mean over its episodes. */
function scoresOf(rows: readonly ResultRow[]): number[] {
  const seeds = groupBy(rows, ({ seed }) => String(seed));
  return [...seeds.values()].map((own) => mean(own.map(({ value }) => 100 / (100 + value))));
}
