// Runs of other times and places side by side: each is a variant, the first one the reference, and everything else is what
// `variants` are within one run: the same pairs, statistics, table and figure.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { writeCsv } from '../../base/files/csv.js';
import { markdownText } from '../../base/files/markdown.js';
import { writeVariantsFigure } from '../report/figures/variants.js';
import { rankedCells, summaryMarkdown } from '../report/summary-table.js';
import { resultColumns, type SummaryRow, summaryColumns, summaryRows } from '../results/summary.js';
import { objectiveOf, taskIds } from '../tasks/registry.js';
import { comparedCell, differencesOf, type LabelledRows } from './differences.js';
import { labelsOf } from './labels.js';
import { type RecordedRun, readRun } from './recorded-run.js';

export interface Comparison {
  /** The label of each variant, the reference first. */
  readonly variants: readonly string[];
  /** What the others and the reference do not have in common, a sentence each: it is summed up, but not compared. */
  readonly differences: readonly string[];
  readonly summary: readonly SummaryRow[];
  /** The summary as Markdown. */
  readonly text: string;
}

/**
 * Joins finished runs and writes `results.csv`, `summary.csv`, `summary.md` and the figure of differences into `directory`.
 * @param folders of runs, the reference first
 * @throws InputError when a folder holds no finished run, two are the same, or one has nothing in common with the reference
 */
export async function compareRuns(folders: readonly string[], directory: string): Promise<Comparison> {
  if (folders.length < 2) throw new InputError('compare: one run is given.', 'Give two runs or more.');
  const runs = folders.map(readRun);
  const labels = labelsOf(runs);
  refuseRun(directory);
  runs.forEach(requireTasks);
  const byRun = runs.map(({ rows }, i) =>
    [...labels[i]!].map(
      ([variant, label]): LabelledRows => ({
        label,
        rows: rows.filter((row) => row.variant === variant).map((row) => ({ ...row, variant: label })),
      }),
    ),
  );
  const [reference, ...others] = byRun.flat() as [LabelledRows, ...LabelledRows[]];
  const results = [reference, ...others].flatMap(({ rows }) => rows);
  const summary = summaryRows(results, { reference: reference.label, objectiveOf, cellOf: comparedCell });
  const differences = [...others.flatMap((own) => differencesOf(own, reference)), ...otherSystems(runs, folders)];
  for (const [i, own] of byRun.entries()) if (i > 0) requirePairs(folders[i]!, own, summary, differences);
  const text = markdownOf(reference.label, differences, summary);
  writeCsv(join(directory, 'results.csv'), resultColumns, results);
  writeCsv(join(directory, 'summary.csv'), summaryColumns, summary);
  writeFileAtomic(join(directory, 'summary.md'), text);
  await writeVariantsFigure(directory, summary, reference.label);
  return { variants: [reference, ...others].map(({ label }) => label), differences, summary, text };
}

/** A run has files of the same names. */
function refuseRun(directory: string): void {
  if (existsSync(join(directory, 'system.json')))
    throw new InputError(
      `compare: --out ${directory} is the folder of a run, whose results would be overwritten.`,
      'Choose another folder.',
    );
}

/** @throws InputError when a run is of an environment that experiments do not know */
function requireTasks({ folder, rows }: RecordedRun): void {
  const unknown = rows.find(({ env }) => !taskIds().includes(env));
  if (unknown)
    throw new InputError(
      `run ${folder}: environment "${unknown.env}" is unknown.`,
      `Known: ${taskIds().join(', ')}. Name the plug-in of another with --plugin.`,
    );
}

/** @throws InputError when no value of a run has a partner in the reference */
function requirePairs(
  folder: string,
  own: readonly LabelledRows[],
  summary: readonly SummaryRow[],
  differences: readonly string[],
): void {
  const labels = own.map(({ label }) => label);
  if (summary.some(({ variant, differencePercent }) => labels.includes(variant) && differencePercent !== null)) return;
  throw new InputError(
    `compare: the run ${folder} has nothing in common with the first one: ${differences.slice(0, 3).join('; ')}.`,
    'Give runs of the same environment, model, profile, execution and scheduler.',
  );
}

/** Where a run was made by another version; a measured one also where on another machine. */
function otherSystems(runs: readonly RecordedRun[], folders: readonly string[]): string[] {
  const [first, ...others] = runs as [RecordedRun, ...RecordedRun[]];
  const measured = runs.some(({ rows }) => rows.some(({ kind }) => kind === 'measured'));
  const fields = measured ? Object.keys(first.system) : ['version'];
  return others.flatMap(({ system }, i) =>
    fields
      .filter((field) => JSON.stringify(system[field]) !== JSON.stringify(first.system[field]))
      .map((field) => {
        const [mine, theirs] = [system[field], first.system[field]].map((value) => JSON.stringify(value) ?? 'unknown');
        return `${field} is ${mine} in ${folders[i + 1]}, ${theirs} in ${folders[0]}: compared all the same`;
      }),
  );
}

function markdownOf(reference: string, differences: readonly string[], summary: readonly SummaryRow[]): string {
  const notes = differences.map((each) => `- ${markdownText(each)}`);
  return [
    `Runs against ${markdownText(reference)}, seeds and episodes paired.`,
    '',
    ...(notes.length > 0 ? ['Not in common, and so without a difference where the line does not say otherwise:', '', ...notes, ''] : []), // biome-ignore format: a line
    summaryMarkdown(rankedCells(summary), () => 'bound, or best of its run'),
  ].join('\n');
}
