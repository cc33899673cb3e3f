// Ensembles: some numbers of a board's profile were never measured on it. An ensemble draws these numbers from their priors and
// says how far the verdict moves; a tornado moves one number at a time and says which of them decides the verdict.
import { median, quantile } from '../../base/statistics/quantile.js';
import { scenarioOf } from '../../engine/scenario.js';
import type { LoadedModel } from '../../models/load.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import type { Prior } from '../../predictor/profiles/profile-schema.js';
import { atlasRow } from './atlas.js';

/** Headroom from which the verdict is hybrid, percent. */
export const worthwhilePercent = 2;

/** The verdict: which scheduler a cell needs. */
export type Verdict = 'cpu-only' | 'gpu-only' | 'hybrid';

export interface CellVerdict {
  readonly headroomPercent: number;
  readonly verdict: Verdict;
}

/** A row of `ensemble.csv`; percentages of members in the last three columns. */
export interface EnsembleRow {
  readonly model: string;
  /** Without `member`. */
  readonly profile: string;
  readonly batch: number;
  readonly members: number;
  /** With the stated values. */
  readonly headroomPercent: number;
  readonly headroomPercentMedian: number;
  /** 5 % and 95 % quantiles over members. */
  readonly headroomPercentLow: number;
  readonly headroomPercentHigh: number;
  readonly cpuOnlyPercent: number;
  readonly gpuOnlyPercent: number;
  readonly hybridPercent: number;
}

export const ensembleColumns = [
  'model',
  'profile',
  'batch',
  'members',
  'headroomPercent',
  'headroomPercentMedian',
  'headroomPercentLow',
  'headroomPercentHigh',
  'cpuOnlyPercent',
  'gpuOnlyPercent',
  'hybridPercent',
] as const satisfies readonly (keyof EnsembleRow)[];

/** A bar of the tornado: the verdict with one number at either end of its prior, all others at their stated values. */
export interface TornadoBar {
  readonly number: string;
  readonly factor: number;
  /** With the number divided by the factor, and multiplied with it. */
  readonly atLow: CellVerdict;
  readonly atHigh: CellVerdict;
  /** How far the headroom moves between the ends, or from either to the stated one: the length of the bar. */
  readonly swingPercent: number;
  /** Whether the verdict differs at one of the ends. */
  readonly decides: boolean;
}

export interface Ensemble {
  readonly row: EnsembleRow;
  readonly tornado: readonly TornadoBar[];
}

/** Gives the verdict of a profile URI. */
export type VerdictOf = (profile: string) => CellVerdict;

/** Verdicts of a model by its headroom in serial execution. */
export function headroomVerdict(model: LoadedModel): VerdictOf {
  return (profile) => {
    const { headroomPercent, best } = atlasRow(model, scenarioOf(model, loadProfile(profile)));
    return { headroomPercent, verdict: headroomPercent >= worthwhilePercent ? 'hybrid' : (best as Verdict) };
  };
}

/** `members` draws of `profile`, `member=0` onwards, and the tornado of its numbers with a prior. */
export function ensemble(model: LoadedModel, profile: string, members: number): Ensemble {
  const { uri, priors } = loadProfile(profile);
  const verdictOf = headroomVerdict(model);
  const drawn = Array.from({ length: members }, (_, member) => verdictOf(`${uri}&member=${member}`));
  const headrooms = drawn.map(({ headroomPercent }) => headroomPercent);
  const share = (verdict: Verdict) => (100 * drawn.filter((one) => one.verdict === verdict).length) / members;
  return {
    row: {
      model: model.uri,
      profile: uri,
      batch: model.batch,
      members,
      headroomPercent: verdictOf(uri).headroomPercent,
      headroomPercentMedian: median(headrooms),
      headroomPercentLow: quantile(headrooms, 0.05),
      headroomPercentHigh: quantile(headrooms, 0.95),
      cpuOnlyPercent: share('cpu-only'),
      gpuOnlyPercent: share('gpu-only'),
      hybridPercent: share('hybrid'),
    },
    tornado: tornado(uri, priors, verdictOf),
  };
}

/** One bar for each number with a prior that moves the headroom, longest first. */
export function tornado(uri: string, priors: Readonly<Record<string, Prior>>, verdictOf: VerdictOf): TornadoBar[] {
  const stated = verdictOf(uri);
  // Power moves energy, and never the headroom.
  return Object.entries(priors)
    .filter(([number]) => !number.startsWith('power.'))
    .map(([number, { factor }]): TornadoBar => {
      const [atLow, atHigh] = [1 / factor, factor].map((scale) => verdictOf(`${uri}&${number}=x${scale}`)) as [
        CellVerdict,
        CellVerdict,
      ];
      const headrooms = [stated, atLow, atHigh].map(({ headroomPercent }) => headroomPercent);
      return {
        number,
        factor,
        atLow,
        atHigh,
        swingPercent: Math.max(...headrooms) - Math.min(...headrooms),
        decides: atLow.verdict !== stated.verdict || atHigh.verdict !== stated.verdict,
      };
    })
    .filter(({ swingPercent }) => swingPercent > 0)
    .sort((a, b) => b.swingPercent - a.swingPercent || (a.number < b.number ? -1 : 1));
}
