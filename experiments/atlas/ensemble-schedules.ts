// Schedules under uncertainty: a schedule found with the stated numbers of a profile is executed under draws of the numbers that
// have a prior, and compared with the better single device and the optimum of each draw.
import { planners } from '../../agents/baselines/registry.js';
import { InputError } from '../../base/errors/input-error.js';
import { Rng } from '../../base/random/rng.js';
import { median, quantile } from '../../base/statistics/quantile.js';
import { parseHardwareUri } from '../../engine/runtime/hardware.js';
import { type Scenario, scenarioOf } from '../../engine/scenario.js';
import type { Schedule } from '../../engine/schedule.js';
import { energyOf } from '../../env/rewards/rewards.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { isTableUri } from '../../predictor/tables/profile-table.js';
import { type Ensemble, ensemble } from './ensemble.js';

/** A row of `ensemble-latency.csv`; `Low` and `High` are the 5 % and 95 % quantiles over draws from priors. */
export interface ScheduleEnsembleRow {
  readonly scheduler: string;
  readonly model: string;
  /** Without `member`. */
  readonly profile: string;
  readonly profileHash: string;
  readonly kind: 'simulated';
  /** The source of the interval. */
  readonly interval: 'draws from priors';
  readonly members: number;
  /** With the stated values. */
  readonly latencyMs: number;
  readonly latencyMsMedian: number;
  readonly latencyMsLow: number;
  readonly latencyMsHigh: number;
  /** Over the better single device of the same draw. */
  readonly speedupMedian: number;
  readonly speedupLow: number;
  readonly speedupHigh: number;
  /** Number of draws in which it is faster than the better single device. */
  readonly winsPercent: number;
  /** Gap to the optimum of the same draw: the cost of planning with the stated numbers. */
  readonly gapPercentMedian: number;
  readonly gapPercentHigh: number;
  /** Null where the profile has no power. */
  readonly energyMj: number | null;
  readonly energyMjMedian: number | null;
  readonly energyMjLow: number | null;
  readonly energyMjHigh: number | null;
  /** Draws in which it needs less energy than the single device that needs less. */
  readonly energyWinsPercent: number | null;
}

export const scheduleEnsembleColumns = [
  ...(['scheduler', 'model', 'profile', 'profileHash', 'kind', 'interval', 'members', 'latencyMs'] as const),
  ...(['latencyMsMedian', 'latencyMsLow', 'latencyMsHigh', 'speedupMedian', 'speedupLow', 'speedupHigh'] as const),
  ...(['winsPercent', 'gapPercentMedian', 'gapPercentHigh'] as const),
  ...(['energyMj', 'energyMjMedian', 'energyMjLow', 'energyMjHigh', 'energyWinsPercent'] as const),
] as const satisfies readonly (keyof ScheduleEnsembleRow)[];

export interface CellEnsemble {
  /** Statistics of schedules that were found with the stated numbers. */
  readonly rows: readonly ScheduleEnsembleRow[];
  /** Statistics of headroom, planned anew for each draw, and the numbers that decide it. */
  readonly headroom: Ensemble;
}

/** @throws InputError when nothing of the platform can be drawn: it is measured, or a draw already */
export function checkDrawable(platform: string): void {
  const reason =
    parseHardwareUri(platform) || isTableUri(platform)
      ? 'is measured, and has no numbers that are uncertain by a prior'
      : /[?&]member=/.test(platform)
        ? 'is one draw already'
        : null;
  if (reason)
    throw new InputError(`ensemble: ${platform} ${reason}.`, 'Leave the ensemble out, or name a device profile.');
}

/**
 * @param schedules by scheduler, as found by the stated numbers
 * @param members draws `member=0` onwards
 * @throws InputError when nothing of the scenario's platform can be drawn
 */
export function cellEnsemble(
  scenario: Scenario,
  schedules: ReadonlyMap<string, Schedule>,
  members: number,
): CellEnsemble {
  const { model, platform } = scenario;
  checkDrawable(platform.uri);
  const costs = (uri: string) => {
    const { graph, executor, costs, conditions } = scenarioOf(model, loadProfile(uri));
    const problem = { graph, costs, conditions, random: Rng.of(0, 'ensemble', uri) };
    const planned = (name: 'cpu-only' | 'gpu-only' | 'optimum') =>
      executor.run(graph, planners[name].plan(problem), conditions);
    const singles = [planned('cpu-only'), planned('gpu-only')];
    const traces = [...schedules.values()].map((schedule) => executor.run(graph, schedule, conditions));
    return {
      singleMs: Math.min(...singles.map(({ makespanMs }) => makespanMs)),
      singleMj: Math.min(...singles.map((trace) => energyOf(trace) ?? Number.NaN)),
      optimumMs: planned('optimum').makespanMs,
      ms: traces.map(({ makespanMs }) => makespanMs),
      mj: traces.map((trace) => energyOf(trace)),
    };
  };
  const stated = costs(platform.uri);
  const drawn = Array.from({ length: members }, (_, member) => costs(`${platform.uri}&member=${member}`));
  return {
    rows: [...schedules.keys()].map((scheduler, at): ScheduleEnsembleRow => {
      const ms = drawn.map((each) => each.ms[at]!);
      const speedups = drawn.map((each) => each.singleMs / each.ms[at]!);
      const gaps = drawn.map((each) => 100 * (each.ms[at]! / each.optimumMs - 1));
      return {
        scheduler,
        model: model.uri,
        profile: platform.uri,
        profileHash: platform.hash,
        kind: 'simulated',
        interval: 'draws from priors',
        members,
        latencyMs: stated.ms[at]!,
        latencyMsMedian: median(ms),
        latencyMsLow: quantile(ms, 0.05),
        latencyMsHigh: quantile(ms, 0.95),
        speedupMedian: median(speedups),
        speedupLow: quantile(speedups, 0.05),
        speedupHigh: quantile(speedups, 0.95),
        // Not by rounding errors.
        winsPercent: (100 * speedups.filter((speedup) => speedup > 1 + 1e-9).length) / members,
        gapPercentMedian: median(gaps),
        gapPercentHigh: quantile(gaps, 0.95),
        ...energyStatistics(
          stated.mj[at]!,
          drawn.flatMap(({ mj, singleMj }) => (mj[at] === null ? [] : { mj: mj[at]!, singleMj })),
        ),
      };
    }),
    headroom: ensemble(model, platform.uri, members),
  };
}

function energyStatistics(
  energyMj: number | null,
  drawn: readonly { readonly mj: number; readonly singleMj: number }[],
) {
  if (energyMj === null)
    return { energyMj, energyMjMedian: null, energyMjLow: null, energyMjHigh: null, energyWinsPercent: null };
  const mj = drawn.map((each) => each.mj);
  const wins = drawn.filter((each) => each.mj < each.singleMj * (1 - 1e-9)).length;
  return {
    energyMj,
    energyMjMedian: median(mj),
    energyMjLow: quantile(mj, 0.05),
    energyMjHigh: quantile(mj, 0.95),
    energyWinsPercent: (100 * wins) / drawn.length,
  };
}

/** The note that every table of these intervals must have. */
export function ensembleCaution(members: number): string {
  return `Intervals are 5 % to 95 % of ${members} draws of the profile's uncertain numbers from their priors. They are no measurement errors: what was measured or fitted is held, and what the simulator leaves out is left out in all of them.`;
}

/** A sentence on the headroom over draws. */
export function headroomSentence({ row, tornado }: Ensemble): string {
  const decisive = tornado.filter(({ decides }) => decides).map(({ number }) => number);
  const interval = `${row.headroomPercentLow.toFixed(1)} to ${row.headroomPercentHigh.toFixed(1)} %`;
  return `headroom ${row.headroomPercent.toFixed(1)} % as stated, ${interval} in 90 % of ${row.members} draws; worth a hybrid schedule in ${row.hybridPercent.toFixed(0)} %; decided by ${decisive.join(', ') || 'no single number'}`;
}

/** For tables: a line for each scheduler. */
export const ensembleHeader: readonly string[] = [
  'scheduler',
  'latency as stated, ms',
  'over draws: median [5 %, 95 %], ms',
  'speed-up over the better single device',
  'faster than it in',
  "gap to the draw's own optimum: median, 95 %",
  'energy as stated and over draws, mJ',
  'less than the thriftier single device in',
];

export function ensembleCells(row: ScheduleEnsembleRow): string[] {
  const ms = (value: number): string => value.toPrecision(4);
  return [
    row.scheduler,
    ms(row.latencyMs),
    `${ms(row.latencyMsMedian)} [${ms(row.latencyMsLow)}, ${ms(row.latencyMsHigh)}]`,
    `${row.speedupMedian.toFixed(2)}x [${row.speedupLow.toFixed(2)}, ${row.speedupHigh.toFixed(2)}]`,
    `${row.winsPercent.toFixed(0)} %`,
    `${row.gapPercentMedian.toFixed(1)} %, ${row.gapPercentHigh.toFixed(1)} %`,
    row.energyMj === null
      ? '-'
      : `${ms(row.energyMj)}, ${ms(row.energyMjMedian!)} [${ms(row.energyMjLow!)}, ${ms(row.energyMjHigh!)}]`,
    row.energyWinsPercent === null ? '-' : `${row.energyWinsPercent.toFixed(0)} % of draws`,
  ];
}
