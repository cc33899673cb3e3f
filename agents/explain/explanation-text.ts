// An explanation as text, for one screen of a terminal.
import { printable } from '../../base/text/printable.js';
import { textTable } from '../../base/text/table.js';
import { leastGain } from './case.js';
import { type Comparison, type CostName, costNames } from './comparison.js';
import type { Explanation } from './explain.js';
import type { GroupMove } from './moves.js';
import type { Flip, Threshold } from './thresholds.js';
import { activities } from './time-use.js';

export const costLabels: Readonly<Record<CostName, string>> = {
  launch: 'launches',
  copy: 'copies between devices',
  wait: 'waits for results',
  idle: 'nothing runs',
  arithmetic: 'kernels limited by arithmetic',
  memory: 'kernels limited by memory',
  kernel: 'kernels (measured or predicted)',
  parallel: 'rest of computing: side by side',
};

/** What is listed of units, groups and classes; the JSON has all. */
const listed = 3;

export function explanationText(explanation: Explanation): string {
  return [
    heading(explanation),
    timeSection(explanation),
    ...explanation.comparisons.map((each) => comparisonSection(explanation, each)),
    movesSection(explanation),
    thresholdsSection(explanation),
    [...explanation.notes].join('\n'),
  ]
    .filter((section) => section !== '')
    .map((section) => `${section.trimEnd()}\n`)
    .join('\n');
}

/** A function that writes times with the same decimals everywhere: four digits of the latency. */
function writer({ schedule }: Explanation): (ms: number) => string {
  const decimals = Math.min(9, Math.max(0, 3 - Math.floor(Math.log10(schedule.latencyMs || 1))));
  return (ms) => {
    const text = ms.toFixed(decimals);
    return /^-[0.]+$/.test(text) ? text.slice(1) : text;
  };
}

const signed = (text: string): string => (text.startsWith('-') ? text : `+${text}`);

/** `GPU alone`, or the planner's name. */
export function scheduleLabel({ devices }: Explanation, name: string): string {
  const device = ['cpu-only', 'gpu-only'].indexOf(name);
  return device < 0 ? printable(name) : `${devices[device]!.label} alone`;
}

export function winnerLabel({ devices }: Explanation, winner: Explanation['winner']): string {
  return winner === 'hybrid' ? 'a hybrid schedule' : `${devices[winner === 'device0' ? 0 : 1].label} alone`;
}

function heading(explanation: Explanation): string {
  const { model, profile, units, granularity, execution, weakestSource, alone, hybrid, winner } = explanation;
  const ms = writer(explanation);
  const best = Math.min(...alone.map(({ latencyMs }) => latencyMs));
  const over = (latencyMs: number) => `${ms(latencyMs)} ms`;
  const [cpu, gpu] = alone.map(({ name, latencyMs }) => `${scheduleLabel(explanation, name)} ${over(latencyMs)}`);
  const gain = 100 * (best / hybrid.latencyMs - 1);
  const proof = execution === 'serial' ? 'the proved optimum' : `the best of three planners, ${hybrid.name}, unproved`;
  return [
    `${printable(model)}: ${units.length} units (${granularity})`,
    `${printable(profile)}: ${execution} execution, simulated, weakest source: ${weakestSource}`,
    winner === 'hybrid'
      ? `A hybrid schedule wins: it takes ${over(hybrid.latencyMs)} (${proof}); ${cpu}, ${gpu}. The better device takes ${gain.toFixed(1)} % longer.`
      : `${winnerLabel(explanation, winner)} wins: ${cpu}, ${gpu}. A hybrid schedule takes ${over(hybrid.latencyMs)} (${proof}); less than ${100 * leastGain} % is no gain.`,
    decisiveLine(explanation),
  ].join('\n');
}

function decisiveLine(explanation: Explanation): string {
  const [devices, own] = explanation.comparisons;
  const ms = writer(explanation);
  const sentence = ({ slower, faster, decisive, parts }: Comparison): string =>
    decisive === null
      ? ''
      : `${scheduleLabel(explanation, slower)} is slower than ${scheduleLabel(explanation, faster)} mostly by ${costLabels[decisive]} (${signed(ms(parts[decisive]))} ms).`;
  return `Decisive: ${[sentence(devices), sentence(own)].filter(Boolean).join(' ') || 'nothing, all take the same time.'}`;
}

function timeSection(explanation: Explanation): string {
  const { schedule, devices, time } = explanation;
  const ms = writer(explanation);
  const row = (label: string, use: Explanation['time']['total'], units: string) => [
    `  ${label}`,
    ...activities.map((activity) => ms(use[activity])),
    units,
  ];
  const rows = [
    ...devices.map((device, i) => row(device.label, time.devices[i]!, String(device.units))),
    row('both', time.total, ''),
  ];
  const title = `Where the time of ${scheduleLabel(explanation, schedule.name)} goes: ${ms(schedule.latencyMs)} ms, every instant counted once in each row`;
  return `${title}\n${textTable(['  ms', ...activities, 'units'], rows)}`;
}

function comparisonSection(explanation: Explanation, comparison: Comparison): string {
  const { slower, faster, differenceMs, parts, decisive, classes } = comparison;
  if (decisive === null) return '';
  const ms = writer(explanation);
  const shown = costNames.filter((name) => Number(ms(parts[name])) !== 0).sort((a, b) => parts[b] - parts[a]);
  const rows = shown.map((name) => [
    `  ${costLabels[name]}`,
    signed(ms(parts[name])),
    name === decisive ? 'decisive' : '',
  ]);
  const kernels = classes
    .slice(0, listed)
    .filter((each) => Number(ms(each.ms)) !== 0)
    .map((each) => `${each.opClass} ${signed(ms(each.ms))}`);
  return [
    `Why ${scheduleLabel(explanation, slower)} takes ${ms(differenceMs)} ms more than ${scheduleLabel(explanation, faster)}`,
    textTable(['  ms more', '', ''], rows).trimEnd().split('\n').slice(1).join('\n'),
    kernels.length > 0 ? `  kernels by class of unit: ${kernels.join(', ')}` : '',
  ]
    .filter(Boolean)
    .join('\n');
}

function movesSection(explanation: Explanation): string {
  const { movedAlone, movedTogether, devices, units, schedule } = explanation;
  const ms = writer(explanation);
  if (movedAlone.length === 0) return 'No unit can run on the other device.';
  const alone = ({ unit, to, costMs }: Explanation['movedAlone'][number]) => [
    `  ${unit} ${printable(units[unit]!.name)}`,
    units[unit]!.opClass,
    `to ${devices[to].label}`,
    `${signed(ms(costMs))} alone`,
  ];
  const together = ({ units: members, to, costMs, leastAloneMs }: GroupMove) => [
    `  ${unitsText(members)} ${printable(units[members[0]!]!.name)} ...`,
    `${members.length} units`,
    `to ${devices[to].label}`,
    `${signed(ms(costMs))} together, each alone ${signed(ms(leastAloneMs))} or more`,
  ];
  const most = movedAlone.slice(0, listed);
  const least = movedAlone.slice(Math.max(listed, movedAlone.length - listed));
  const rows = [...most.map(alone), ...least.map(alone), ...disjoint(movedTogether).slice(0, listed).map(together)];
  return `What moving units of ${scheduleLabel(explanation, schedule.name)} costs, ms: the most, the least, and those to move together\n${body(rows)}`;
}

/** Rows of a table without its head. */
const body = (rows: readonly (readonly string[])[]): string =>
  textTable(rows[0]?.map(() => '') ?? [], rows)
    .split('\n')
    .slice(1)
    .join('\n');

/** Those that share no unit with one before. */
function disjoint(groups: readonly GroupMove[]): GroupMove[] {
  const taken = new Set<number>();
  return groups.filter(({ units }) => {
    if (units.some((unit) => taken.has(unit))) return false;
    for (const unit of units) taken.add(unit);
    return true;
  });
}

/** `3-6, 9` */
export function unitsText(units: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const unit of units) {
    const last = runs.at(-1);
    if (last && last[1] === unit - 1) last[1] = unit;
    else runs.push([unit, unit]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

function thresholdsSection(explanation: Explanation): string {
  const { thresholds, winner, bounds } = explanation;
  const named = (label: string) =>
    ([0, 1] as const).reduce(
      (text, device) => text.replace(`device ${device}`, explanation.devices[device].label),
      label,
    );
  const side = (word: string, threshold: Threshold, flip: Flip | null) =>
    flip ? [`${word} ${quantityText(flip.at, threshold.unit)} ${winnerLabel(explanation, flip.winner)}`] : [];
  const flips = thresholds.filter(({ below, above }) => below || above).sort((a, b) => distance(a) - distance(b));
  const rows = flips.map((threshold) => [
    `  ${named(threshold.label)}`,
    `now ${quantityText(threshold.present, threshold.unit)}`,
    [...side('below', threshold, threshold.below), ...side('above', threshold, threshold.above)].join('; '),
  ]);
  const helps = flips.some(({ below, above }) => below?.winner === 'hybrid' || above?.winner === 'hybrid');
  const none = thresholds.filter(({ below, above }) => !below && !above).map(({ label }) => named(label));
  return [
    winner === 'hybrid' ? 'The hybrid schedule wins until' : 'What would have to be true for another schedule to win',
    body(rows).trimEnd(),
    none.length > 0 ? `  no change within a factor of 1000: ${none.join(', ')}` : '',
    thresholds.length > 0 && winner !== 'hybrid' && !helps ? '  No single number makes a hybrid schedule win.' : '',
    thresholds.length === 0 ? '  Not known: a measured model has no numbers to vary in overlap execution.' : '',
    bounds
      ? `  With free copies the better device takes at most ${bounds.freeCopiesPercent.toFixed(1)} % longer than a hybrid schedule; with free launches and waits too, on all of them, ${bounds.freeOverheadsPercent.toFixed(1)} %.`
      : '',
  ]
    .filter(Boolean)
    .join('\n');
}

/** How far the nearer flip is, as a factor. */
function distance({ present, below, above }: Threshold): number {
  const factors = [below, above].flatMap((flip) => (flip ? [Math.abs(Math.log(flip.at / present))] : []));
  return Math.min(...factors.map((factor) => (Number.isFinite(factor) ? factor : Number.MAX_VALUE)));
}

/** `83.5 us`, `204 GB/s`, `x 0.5` */
export function quantityText(value: number, unit: Threshold['unit']): string {
  const digits = (number: number): string => String(Number(number.toPrecision(3)));
  switch (unit) {
    case 'ms':
      return value < 1 ? `${digits(1000 * value)} us` : `${digits(value)} ms`;
    case 'B/ms':
      return `${digits(value / 1e6)} GB/s`;
    case 'FLOP/ms':
      return `${digits(value / 1e6)} GFLOP/s`;
    case 'factor':
      return `x ${digits(value)}`;
  }
}
