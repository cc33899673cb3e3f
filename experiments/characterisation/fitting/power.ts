// Power of the shipped boards as intervals. Public meters see whole systems and average over a network, so what a device draws
// alone, and both at once, is not separable: an interval spans what different frameworks drew on that device, or what the maker
// allows. Its mid value is the geometric mean, its prior log-uniform between the ends.
import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../../../base/errors/input-error.js';
import { median } from '../../../base/statistics/quantile.js';
import { type PowerRun, powerW } from '../../../predictor/measurements/mlperf-power.js';
import type { Cases, ProfileFile, Sourced } from '../../../predictor/profiles/profile-schema.js';
import { round } from './fitted-profile.js';

type Power = NonNullable<ProfileFile['power']>;
type Interval = readonly [low: number, high: number];

interface State {
  readonly watts: Interval;
  readonly kind: 'derived' | 'assumed';
  readonly source: string;
}

/** Of one mode. */
type States = Readonly<Record<'idle' | 'device0' | 'device1', State>>;

/** A median over fewer networks depends on which networks they are. */
const leastNetworks = 4;

/** What a supply and a carrier board add to a module's budget at most, as a factor: nobody measured it. */
const carrier = 4 / 3;

const mid = ([low, high]: Interval) => Math.sqrt(low * high);

function sourced(when: Sourced['when'], { watts, kind, source }: State): Sourced {
  const [low, high] = watts.map(round) as [number, number];
  return {
    ...(when && { when }),
    value: `${round(mid(watts))} W`,
    source,
    kind,
    prior: {
      distribution: 'log-uniform',
      factor: round(Math.sqrt(high / low)),
      source: `${low} to ${high} W: ${kind === 'derived' ? 'the range of what was measured, or allowed' : 'assumed'}`,
    },
  };
}

/** A move is the host's work or an engine's: between idle and the device that draws more. */
function moving({ idle, device0, device1 }: States): State {
  const most = Math.max(mid(device0.watts), mid(device1.watts));
  const source = 'between idle power and that of the device that draws more: no meter separates moves';
  return { watts: [mid(idle.watts), most], kind: 'assumed', source };
}

/** @param statesOf a mode's */
function powerOf(modes: readonly string[], statesOf: (mode: string) => States): Power {
  const cases = (state: (states: States) => State): Cases => {
    const [first, ...others] = modes.map((mode) => state(statesOf(mode)));
    if (others.every((other) => isDeepStrictEqual(other, first))) return [sourced(undefined, first!)];
    return modes.map((mode) => sourced({ mode }, state(statesOf(mode))));
  };
  return {
    idle: cases(({ idle }) => idle),
    device0: cases(({ device0 }) => device0),
    device1: cases(({ device1 }) => device1),
    moving: cases(moving),
  };
}

/** Median power of each group of runs that one framework, precision and campaign made on a processor, W. */
function groupPowers(runs: readonly PowerRun[], processor: string): number[] {
  const groups = new Map<string, number[]>();
  for (const run of runs.filter((each) => each.processor === processor)) {
    const key = [run.framework, run.precision, run.campaign].join('|');
    groups.set(key, [...(groups.get(key) ?? []), powerW(run)]);
  }
  return [...groups.values()].filter(({ length }) => length >= leastNetworks).map(median);
}

const mlperf = 'MLPerf Inference Power v2.0 to v4.0 (github mlcommons/cm4mlperf-results), one stream, whole system';

/**
 * Of a board on which both processors were measured; a mode such as `30w` is the budget of its module.
 * @throws InputError when a processor of the board has no group of enough networks
 */
export function measuredBoard(name: string, runs: readonly PowerRun[], modes: readonly string[]): Power {
  const own = runs.filter(({ board }) => board === name);
  const [cpu, gpu] = [groupPowers(own, 'cpu'), groupPowers(own, 'gpu')];
  if (cpu.length === 0 || gpu.length === 0)
    throw new InputError(
      `energy: ${name} has ${cpu.length} groups of ${leastNetworks} networks on the CPU and ${gpu.length} on the GPU.`,
      'Give the published mlperf_power_edge.csv.',
    );
  const leastW = Math.min(...own.map(powerW));
  const idle: State = {
    watts: [leastW / 2, leastW],
    kind: 'assumed',
    source: `${mlperf}: the least power of ${own.length} runs bounds idle power from above; half of it is assumed to bound it from below`,
  };
  const busy = (powers: readonly number[], processor: string, mode: string): State => {
    const range: Interval = [Math.min(...powers), Math.max(...powers)];
    const budgetW = /^\d+w$/.test(mode) ? carrier * Number.parseFloat(mode) : Number.POSITIVE_INFINITY;
    const found = `${mlperf}: medians of ${powers.length} groups of runs by framework, precision and campaign on the ${processor}`;
    if (budgetW >= range[1]) return { watts: range, kind: 'derived', source: found };
    return {
      watts: [mid(idle.watts), budgetW],
      kind: 'derived',
      source: `from idle power to the budget of the module in this mode (NVIDIA nvpmodel, ${mode}) and a third for supply and carrier board; without a limit ${found}`,
    };
  };
  return powerOf(modes, (mode) => ({ idle, device0: busy(cpu, 'CPU', mode), device1: busy(gpu, 'GPU', mode) }));
}

function orinNano(modes: readonly string[]): Power {
  const leastBudgetW = Math.min(...modes.map(Number.parseFloat));
  const idle: State = {
    watts: [leastBudgetW / 4, leastBudgetW],
    kind: 'assumed',
    source: 'from a quarter of the smallest budget of the module (NVIDIA Jetson Orin Nano data sheet) to all of it',
  };
  return powerOf(modes, (mode) => {
    const budgetW = Number.parseFloat(mode);
    const busy: State = {
      watts: [budgetW / 2, carrier * budgetW],
      kind: 'derived',
      source: `from half the budget of the module in this mode (NVIDIA Jetson Orin Nano data sheet, ${mode}) to all of it and a third for supply and carrier board`,
    };
    return { idle, device0: busy, device1: busy };
  });
}

/** An embedded board, a phone or a notebook that nobody metered: anything from the least to the most of those that were. */
export function anyBoard(runs: readonly PowerRun[]): Power {
  const boards = new Set(runs.map(({ board }) => board)).size;
  const watts = runs.map(powerW);
  const least = Math.min(...watts);
  const busy = (processor: string): State => {
    const powers = groupPowers(runs, processor);
    return {
      watts: [Math.min(...powers), Math.max(...powers)],
      kind: 'assumed',
      source: `not metered: the range of ${boards} other boards (${mlperf}), medians of groups on the ${processor.toUpperCase()}`,
    };
  };
  const [device0, device1] = [busy('cpu'), busy('gpu')];
  const idle: State = {
    watts: [least / 2, Math.min(device0.watts[0], device1.watts[0])],
    kind: 'assumed',
    source: `not metered: from half the least power of any run of ${boards} other boards (${mlperf}) to the least of a busy one`,
  };
  return powerOf(['every'], () => ({ idle, device0, device1 }));
}

/** A notebook or a desktop computer with a graphics card. */
export function anyComputer(): Power {
  const state = (watts: Interval, what: string): State => ({ watts, kind: 'assumed', source: `not metered; ${what}` });
  return powerOf(['every'], () => ({
    idle: state([3, 60], 'between a notebook and a desktop computer at rest'),
    device0: state([15, 180], 'between the processor of a notebook and that of a desktop computer, supply included'),
    device1: state([15, 300], 'between an integrated graphics processor and a large card, supply included'),
  }));
}

/** A mode of a phone is a set of cores. */
export function phone(modes: readonly string[]): Power {
  const demo =
    'a reference phone (Snapdragon 855), display and radio included, drew 1.78 W while browsing and 2.54 W in a game (AnandTech, December 2018, demonstration by Qualcomm)';
  const state = (watts: Interval, what: string): State => ({ watts, kind: 'assumed', source: `${what}; ${demo}` });
  return powerOf(modes, (mode) => ({
    idle: state([0.3, 1.8], 'display off or on'),
    device0: /large|med/.test(mode)
      ? state([1, 6], 'large or medium cores; a phone sheds a few watts at most')
      : state([0.5, 2.5], 'small cores alone'),
    device1: state([1, 6], 'the GPU; a phone sheds a few watts at most'),
  }));
}

/**
 * Power of a shipped profile: of its board where that was measured, else what the maker allows, else what a phone can shed.
 * @throws InputError when the runs lack the board
 */
export function fitPower({ name, axes }: ProfileFile, runs: readonly PowerRun[]): Power {
  if (runs.some(({ board }) => board === name)) return measuredBoard(name, runs, axes.mode);
  return name === 'jetson-orin-nano' ? orinNano(axes.mode) : phone(axes.mode);
}
