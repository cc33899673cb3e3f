// Latency rows as tables for people: Markdown for files, aligned text for the end of a run, and the cells from which the
// report makes HTML. What a number means is decided here once, so the three cannot disagree.
import { markdownCode, markdownRow, markdownText } from '../../base/files/markdown.js';
import { isCpuPair, parseHardwareUri } from '../../engine/runtime/hardware.js';
import type { LatencyRow } from '../results/rows.js';
import { cornerNote, isCorner } from './corner.js';
import { shortNames } from './figures/labels.js';

/** One cell of an experiment: the rows of its schedulers on one model and profile variant. */
export interface LatencyCell {
  readonly model: string;
  readonly profile: string;
  /** Short names of both, unique among the cells given. */
  readonly modelName: string;
  readonly profileName: string;
  readonly rows: readonly LatencyRow[];
  /** The better single device; null where neither was run. */
  readonly bestSingle: LatencyRow | null;
}

/** The rows by model and profile, in order of first appearance. */
export function latencyCells(rows: readonly LatencyRow[]): LatencyCell[] {
  const groups = new Map<string, LatencyRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.variant, row.model, row.profile]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const models = shortNames(rows.map((row) => row.model));
  const profiles = shortNames(rows.map((row) => row.profile));
  return [...groups.values()].map((group) => {
    const { variant, model, profile } = group[0]!;
    const singles = group.filter(({ scheduler }) => scheduler === 'cpu-only' || scheduler === 'gpu-only');
    const bestSingle = singles.reduce<LatencyRow | null>(
      (best, row) => (best && best.latencyMs <= row.latencyMs ? best : row),
      null,
    );
    return {
      model,
      profile,
      modelName: variant === '' ? models.get(model)! : `${variant}: ${models.get(model)!}`,
      profileName: profiles.get(profile)!,
      rows: group,
      bestSingle,
    };
  });
}

/** The text for a captured headroom of null. */
export const undefinedHeadroom = 'undefined (headroom < 2 %)';

interface Column {
  readonly title: string;
  /** For a terminal of 80 to 120 columns. */
  readonly shortTitle: string;
  readonly text: (row: LatencyRow, cell: LatencyCell) => string;
  readonly shortText?: (row: LatencyRow, cell: LatencyCell) => string;
  /** Columns that are left out if they carry no information. */
  readonly shown?: (cell: LatencyCell) => boolean;
  readonly onTerminal?: boolean;
}

const columns: readonly Column[] = [
  { title: 'scheduler', shortTitle: 'scheduler', text: ({ scheduler }) => scheduler },
  { title: 'latency, ms [95 % interval]', shortTitle: 'latency ms', text: latencyText },
  {
    title: 'best seen, ms',
    shortTitle: 'best seen',
    text: ({ latencyMsBestSeen }) => (latencyMsBestSeen === null ? '-' : formatMs(latencyMsBestSeen)),
    shown: ({ rows }) => rows.some(({ latencyMsBestSeen }) => latencyMsBestSeen !== null),
    onTerminal: false,
  },
  {
    title: 'speed-up over the best single device',
    shortTitle: 'speed-up',
    text: (row, { bestSingle }) => (bestSingle ? `${(bestSingle.latencyMs / row.latencyMs).toFixed(2)}x` : '-'),
  },
  { title: 'gap, %', shortTitle: 'gap %', text: ({ gapPercent }) => positiveZero(gapPercent.toFixed(1)) },
  {
    title: 'captured headroom',
    shortTitle: 'captured',
    text: ({ capturedHeadroom }) => (capturedHeadroom === null ? undefinedHeadroom : percent(capturedHeadroom)),
    shortText: ({ capturedHeadroom }) => (capturedHeadroom === null ? 'undef.' : percent(capturedHeadroom)),
  },
  {
    title: 'GPU share: units / FLOPs / time',
    shortTitle: 'GPU units/FLOPs/time',
    text: ({ gpuShareUnits, gpuShareFlops, gpuShareTime }) =>
      [gpuShareUnits, gpuShareFlops, gpuShareTime].map(percent).join(' / '),
  },
  {
    title: 'energy, mJ',
    shortTitle: 'energy mJ',
    text: ({ energyMj }) => (energyMj === null ? '-' : formatMs(energyMj)),
    shown: ({ rows }) => rows.some(({ energyMj }) => energyMj !== null),
    onTerminal: false,
  },
  { title: 'decision', shortTitle: 'decision', text: decisionText, shortText: ({ decision }) => decision },
];

export interface TextTable {
  readonly header: readonly string[];
  readonly body: readonly (readonly string[])[];
}

/** The cell as texts, one row per scheduler; the first column names it. */
export function latencyTable(cell: LatencyCell, { short = false } = {}): TextTable {
  const kept = columns.filter(({ shown, onTerminal = true }) => (shown?.(cell) ?? true) && (!short || onTerminal));
  return {
    header: kept.map(({ title, shortTitle }) => (short ? shortTitle : title)),
    body: cell.rows.map((row) =>
      kept.map(({ text, shortText }) => (short && shortText ? shortText(row, cell) : text(row, cell))),
    ),
  };
}

/** The provenance line that every table must have. */
export function provenanceLine({ rows }: LatencyCell): string {
  const list = (values: readonly string[]) => [...new Set(values)].join(', ');
  const seeds = Math.max(...rows.map((row) => row.seeds));
  const hardware = parseHardwareUri(rows[0]!.profile);
  return [
    list(rows.map((row) => row.kind)),
    `${hardware ? 'devices' : 'profile'} ${list(rows.map((row) => row.profileHash))}`,
    `weakest source: ${list(rows.map((row) => row.weakestSource))}`,
    `${list(rows.map((row) => row.execution))} execution`,
    seeds === 1 ? '1 seed' : `up to ${seeds} seeds`,
    ...(hardware && isCpuPair(hardware) ? ['two CPUs: gains are load balancing, not heterogeneity'] : []),
  ].join('; ');
}

/** A Markdown section per cell: names, provenance, table. */
export function latencyMarkdown(rows: readonly LatencyRow[]): string {
  return latencyCells(rows)
    .map((cell) => {
      const { header, body } = latencyTable(cell);
      const rule = header.map((_, i) => (i === 0 || i === header.length - 1 ? '---' : '---:'));
      return [
        `### ${markdownText(cell.modelName)} on ${markdownText(cell.profileName)}`,
        '',
        `${markdownCode(cell.model)} on ${markdownCode(cell.profile)}`,
        '',
        `${capitalised(markdownText(provenanceLine(cell)))}.`,
        ...(isCorner(cell.profile) ? ['', `${markdownText(cornerNote)}.`] : []),
        '',
        ...[header, rule, ...body].map(markdownRow),
        '',
      ].join('\n');
    })
    .join('\n');
}

/** Aligned plain text for the end of a run. */
export function latencyTerminal(rows: readonly LatencyRow[]): string {
  return latencyCells(rows)
    .map((cell) => {
      const { header, body } = latencyTable(cell, { short: true });
      const widths = header.map((title, i) => Math.max(title.length, ...body.map((texts) => texts[i]!.length)));
      const line = (texts: readonly string[]) =>
        texts
          .map((text, i) => (i === 0 || i === texts.length - 1 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
          .join('  ')
          .trimEnd();
      const undefinedNote = cell.rows.some((row) => row.capturedHeadroom === null)
        ? [
            'undef.: the best schedule is less than 2 % better than the best single device, so there is nothing to capture.',
          ]
        : [];
      return [
        `${cell.modelName} on ${cell.profileName}`,
        line(header),
        ...body.map(line),
        `(${provenanceLine(cell)})`,
        ...(isCorner(cell.profile) ? [`${cornerNote}.`] : []),
        ...undefinedNote,
        '',
      ].join('\n');
    })
    .join('\n');
}

/** Milliseconds, or another positive quantity, with four significant digits and no exponent. */
export function formatMs(value: number): string {
  if (value === 0) return '0';
  const decimals = Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(decimals);
}

function latencyText({ latencyMs, latencyMsLow, latencyMsHigh }: LatencyRow): string {
  if (latencyMsLow === null || latencyMsHigh === null) return formatMs(latencyMs);
  return `${formatMs(latencyMs)} [${formatMs(latencyMsLow)}, ${formatMs(latencyMsHigh)}]`;
}

/** How the schedule was found, the time for it, and the number of inferences after which it pays. */
function decisionText(row: LatencyRow, { bestSingle }: LatencyCell): string {
  if (row.decision === 'online') return 'online, included in the latency';
  const spentMs = row.decisionWallMs + 1000 * (row.trainingWallS ?? 0);
  const took = row.trainingWallS === null ? `planned in ${duration(spentMs)}` : `trained in ${duration(spentMs)}`;
  const savedMs = bestSingle ? bestSingle.latencyMs - row.latencyMs : 0;
  // Not against rounding errors: those would "pay" after 10^12 inferences.
  if (savedMs <= 1e-9 * row.latencyMs) return took;
  const inferences = Math.max(1, Math.ceil(spentMs / savedMs));
  return `${took}, pays after ${inferences} inference${inferences === 1 ? '' : 's'}`;
}

/** A span of time for people. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Number(ms.toPrecision(2))} ms`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

function percent(fraction: number): string {
  return `${positiveZero((100 * fraction).toFixed(0))} %`;
}

/** The optimum may differ from itself by a rounding error; do not print "-0.0". */
function positiveZero(text: string): string {
  return Number(text) === 0 ? text.replace('-', '') : text;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
