// Ensembles: results on a board depend on numbers that nobody measured there. An ensemble draws them from their priors and gives
// the spread of the verdict; a tornado varies one number at a time and shows which of them decides it.
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

export interface Assessment {
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
  readonly atLow: Assessment;
  readonly atHigh: Assessment;
  /** Length of the bar: the largest change of the headroom between the ends and the stated value. */
  readonly swingPercent: number;
  /** Whether the verdict differs at one of the ends. */
  readonly decides: boolean;
}

export interface Ensemble {
  readonly row: EnsembleRow;
  readonly tornado: readonly TornadoBar[];
}

/** Gives the verdict for a profile URI. */
export type Assess = (profile: string) => Assessment;

/** The verdict for a model, by headroom in serial execution. */
export function headroomAssessment(model: LoadedModel): Assess {
  return (profile) => {
    const { headroomPercent, best } = atlasRow(model, scenarioOf(model, loadProfile(profile)));
    return { headroomPercent, verdict: headroomPercent >= worthwhilePercent ? 'hybrid' : (best as Verdict) };
  };
}

/** `members` draws of `profile`, `member=0` onwards, and the tornado of its numbers with a prior. */
export function ensemble(model: LoadedModel, profile: string, members: number): Ensemble {
  const { uri, priors } = loadProfile(profile);
  const assess = headroomAssessment(model);
  const drawn = Array.from({ length: members }, (_, member) => assess(`${uri}&member=${member}`));
  const headrooms = drawn.map(({ headroomPercent }) => headroomPercent);
  const share = (verdict: Verdict) => (100 * drawn.filter((one) => one.verdict === verdict).length) / members;
  return {
    row: {
      model: model.uri,
      profile: uri,
      batch: model.batch,
      members,
      headroomPercent: assess(uri).headroomPercent,
      headroomPercentMedian: median(headrooms),
      headroomPercentLow: quantile(headrooms, 0.05),
      headroomPercentHigh: quantile(headrooms, 0.95),
      cpuOnlyPercent: share('cpu-only'),
      gpuOnlyPercent: share('gpu-only'),
      hybridPercent: share('hybrid'),
    },
    tornado: tornado(uri, priors, assess),
  };
}

/** One bar for each number with a prior that moves the headroom, longest first. */
export function tornado(uri: string, priors: Readonly<Record<string, Prior>>, assess: Assess): TornadoBar[] {
  const stated = assess(uri);
  return Object.entries(priors)
    .map(([number, { factor }]): TornadoBar => {
      const [atLow, atHigh] = [1 / factor, factor].map((scale) => assess(`${uri}&${number}=x${scale}`)) as [
        Assessment,
        Assessment,
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
