// How well energy is predicted from a measured latency: the power of a board is fitted to other networks, and multiplied with the
// latency of the network that was left out. What must be known of a run to know its power, and whether the order of CPU and GPU
// comes out right, against public measurements of whole boards.
import { median, quantile } from '../../../base/statistics/quantile.js';
import { type PowerRun, powerW } from '../../../predictor/measurements/mlperf-power.js';

/** What is known of a run besides board and processor; each adds to the one before. */
export const knownOfRuns = ['processor', 'framework', 'campaign'] as const;
export type KnownOfRun = (typeof knownOfRuns)[number];

/** What is left out together: a network, or every network of its family (width and resolution make 24 of one MobileNet). */
export const leftOutTogether = ['network', 'family'] as const;
export type LeftOut = (typeof leftOutTogether)[number];

/** A row of `energy.csv`. */
export interface EnergyFidelity {
  readonly known: KnownOfRun;
  readonly leftOut: LeftOut;
  /** `all` for those of every board and processor. */
  readonly board: string;
  readonly processor: string;
  readonly runs: number;
  readonly networks: number;
  readonly medianPercent: number;
  readonly percent90: number;
}

/** A row of `energy-pairs.csv`: CPU against GPU on one board, network and precision. */
export interface EnergyPairs {
  readonly known: KnownOfRun;
  readonly leftOut: LeftOut;
  /** `thriftiest`: the least of each processor within one submission; `every`: any run with any. */
  readonly compared: 'thriftiest' | 'every';
  readonly pairs: number;
  /** Share of pairs in which the processor predicted to need less energy does. */
  readonly orderRight: number;
  /** The same of the rule "the faster processor needs less". */
  readonly fasterRight: number;
}

interface Predicted extends PowerRun {
  readonly predictedMj: number;
}

/** Two powers at least: one says nothing of how networks differ. */
const leastOthers = 2;

/** `mobilenet_v2_0.5_192` is of `mobilenet_v2`, `efficientnet_lite0` of `efficientnet`. */
export function familyOf(network: string): string {
  return /^mobilenet_v\d|^[a-z0-9]+/i.exec(network)?.[0] ?? network;
}

const keyOf = ({ board, processor, framework, precision, campaign }: PowerRun, known: KnownOfRun): string => {
  const own = { processor: [], framework: [framework, precision], campaign: [framework, precision, campaign] }[known];
  return JSON.stringify([board, processor, ...own]);
};

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

/** Each run by the median power of runs alike of other networks; runs without others are left out. */
export function predictedRuns(runs: readonly PowerRun[], known: KnownOfRun, leftOut: LeftOut): Predicted[] {
  const together = leftOut === 'family' ? familyOf : (network: string) => network;
  return [...grouped(runs, (run) => keyOf(run, known)).values()].flatMap((group) =>
    [...grouped(group, ({ network }) => together(network))].flatMap(([name, own]) => {
      const others = group.filter(({ network }) => together(network) !== name).map(powerW);
      if (others.length < leastOthers) return [];
      const watts = median(others);
      return own.map((run) => ({ ...run, predictedMj: watts * run.latencyMs }));
    }),
  );
}

export interface EnergyReport {
  readonly rows: readonly EnergyFidelity[];
  readonly pairs: readonly EnergyPairs[];
}

export function energyFidelity(runs: readonly PowerRun[]): EnergyReport {
  const rows: EnergyFidelity[] = [];
  const pairs: EnergyPairs[] = [];
  for (const leftOut of leftOutTogether)
    for (const known of knownOfRuns) {
      const predicted = predictedRuns(runs, known, leftOut);
      const places = grouped(predicted, ({ board, processor }) => `${board},${processor}`);
      for (const [place, own] of [
        ['all,all', predicted] as const,
        ...[...places].sort(([a], [b]) => (a < b ? -1 : 1)),
      ]) {
        const errors = own.map(({ predictedMj, energyMj }) => 100 * Math.abs(predictedMj / energyMj - 1));
        const [board, processor] = place.split(',') as [string, string];
        rows.push({
          ...{ known, leftOut, board, processor, runs: own.length },
          networks: new Set(own.map(({ network }) => network)).size,
          medianPercent: median(errors),
          percent90: quantile(errors, 0.9),
        });
      }
      for (const compared of ['thriftiest', 'every'] as const)
        pairs.push({ known, leftOut, compared, ...orders(predicted, compared) });
    }
  return { rows, pairs };
}

/** Compares every run on the CPU with every run on the GPU, or the thriftiest of each within one submission. */
function orders(runs: readonly Predicted[], compared: EnergyPairs['compared']) {
  const within = ({ board, network, precision, campaign }: Predicted) =>
    JSON.stringify([board, network, precision, ...(compared === 'thriftiest' ? [campaign] : [])]);
  let [pairs, right, faster] = [0, 0, 0];
  const compare = (cpu: Costs, gpu: Costs) => {
    const less = cpu.energyMj < gpu.energyMj;
    pairs += 1;
    right += Number(cpu.predictedMj < gpu.predictedMj === less);
    faster += Number(cpu.latencyMs < gpu.latencyMs === less);
  };
  for (const group of grouped(runs, within).values()) {
    const [cpu, gpu] = (['cpu', 'gpu'] as const).map((on) => group.filter(({ processor }) => processor === on)) as [
      Predicted[],
      Predicted[],
    ];
    if (cpu.length === 0 || gpu.length === 0) continue;
    if (compared === 'thriftiest') compare(least(cpu), least(gpu));
    else for (const one of cpu) for (const other of gpu) compare(one, other);
  }
  return { pairs, orderRight: right / pairs, fasterRight: faster / pairs };
}

type Costs = Pick<Predicted, 'energyMj' | 'predictedMj' | 'latencyMs'>;

/** The least that a processor needs, measured and predicted, and its least latency. */
function least(runs: readonly Predicted[]): Costs {
  const of = (what: keyof Costs) => Math.min(...runs.map((run) => run[what]));
  return { energyMj: of('energyMj'), predictedMj: of('predictedMj'), latencyMs: of('latencyMs') };
}
