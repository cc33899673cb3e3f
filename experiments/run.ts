// A run: a config becomes a directory of results. Idempotent and resumable: cells are chosen from the atlas, baselines
// play, learners train as jobs in their own directories, and everything else is recomputed from their files. It knows
// environments only by their tasks.
import { join, resolve } from 'node:path';
import { writeCsv } from '../base/files/csv.js';
import type { Trace } from '../engine/trace.js';
import { type CellEnsemble, cellEnsemble, checkDrawable, scheduleEnsembleColumns } from './atlas/ensemble-schedules.js';
import { journalOf } from './backends/crashes.js';
import type { ProgramCommand } from './backends/local-runner.js';
import { cellKey, chooseCells, type IdentifiedCell } from './cells.js';
import type { ExperimentConfig, SchedulerSpec } from './config.js';
import { evaluate, referencesOf, type SchedulerResults, singleDevices } from './evaluate.js';
import { type Believed, believedScenario } from './given-costs.js';
import { type CurvePoint, finishedResult } from './job-files.js';
import { checkMetered, requireMeters, withMeteredEnergy } from './metered.js';
import { pluginsAt } from './plugins.js';
import { type AggregateRow, aggregateColumns, aggregateRows } from './results/aggregate-rows.js';
import { finalTrajectories, latencyRow, resultRows } from './results/cell-rows.js';
import { jobTrajectories } from './results/job-trajectories.js';
import { type KeptEpisodes, keptEpisodes } from './results/kept-episodes.js';
import { type AtlasRow, atlasColumns, type LatencyRow, latencyColumns } from './results/rows.js';
import { openRunDirectory } from './results/run-directory.js';
import { withStatus } from './results/run-status.js';
import { type ResultRow, resultColumns, type SummaryRow, summaryColumns, summaryRows } from './results/summary.js';
import { describeSystem } from './results/system.js';
import { type TrajectoryRow, writeTrajectories } from './results/trajectories.js';
import { objectiveOf, type Task, taskNamed } from './tasks/registry.js';
import { type ManifestEntry, type RunReporter, trainAll, trainedOn, trainingsOf } from './trainings.js';
import type { Variant } from './variants.js';

export interface RunOptions {
  readonly variants: readonly Variant[];
  readonly directory: string;
  readonly program: ProgramCommand;
  /** As typed, for the record. */
  readonly command: string;
  readonly parallel?: number;
  readonly reporter: RunReporter;
}

/** The data of tables, figures and the report. */
export interface RunResults {
  /** Of the first variant. */
  readonly config: ExperimentConfig;
  readonly command: string;
  readonly directory: string;
  readonly variants: readonly string[];
  readonly cells: readonly CellResults[];
  readonly atlas: readonly AtlasRow[];
  /** Of tasks that are one inference. */
  readonly rows: readonly LatencyRow[];
  readonly summary: readonly SummaryRow[];
  /** Of runs with several cells. */
  readonly aggregates: readonly AggregateRow[];
  readonly curves: readonly (CurvePoint & { readonly variant: string })[];
  /** Of each cell, where the config asks for ensembles. */
  readonly ensembles: readonly CellEnsemble[];
}

export interface CellResults {
  readonly variant: string;
  readonly task: Task;
  /** Of one inference: final traces of each scheduler; the median one of several seeds. */
  readonly traces: ReadonlyMap<string, Trace>;
}

/** A variant with its cells and trainings. */
interface Plan extends Variant {
  readonly cells: readonly IdentifiedCell[];
  readonly manifest: readonly ManifestEntry[];
}

const curveColumns = ['variant', 'model', 'profile', 'scheduler', 'seed', 'step', 'metric', 'value'] as const;

/** The plug-ins of the config are loaded already. */
export function run(options: RunOptions): Promise<RunResults> {
  const { directory, reporter } = options;
  return withStatus(
    directory,
    (text) => reporter.stage(text),
    () => work(options),
  );
}

async function work(options: RunOptions): Promise<RunResults> {
  const { variants, directory, command, reporter } = options;
  const json = openRunDirectory(directory, variants.length > 1 ? variants : variants[0]!.config, command);
  const opened: Task[] = [];
  try {
    const atlasRows: AtlasRow[] = [];
    const plans: Plan[] = [];
    for (const variant of variants) plans.push(await planOf(variant, directory, atlasRows, reporter));
    if (atlasRows.length > 0) writeCsv(join(directory, 'atlas.csv'), atlasColumns, atlasRows);
    const manifest = distinct(plans.flatMap((plan) => plan.manifest));
    json('jobs.json', manifest);
    await trainAll(manifest, {
      directory,
      program: options.program,
      reporter,
      // Trainings on this machine's devices would slow each other.
      parallel: plans.some(measures) ? 1 : (options.parallel ?? variants[0]!.config.backend.parallel),
    });
    reporter.stage('evaluating');
    const plugins = variants.map(({ config }) => pluginsAt(config.plugins));
    const kept = keptEpisodes(directory, { version: describeSystem().version, plugins });
    const results = await collect(options, plans, manifest, atlasRows, opened, kept);
    kept.clear();
    return results;
  } finally {
    for (const task of opened) task.close();
  }
}

async function planOf(variant: Variant, directory: string, rows: AtlasRow[], reporter: RunReporter): Promise<Plan> {
  const { config } = variant;
  for (const model of config.grid.models) reporter.stage(`reading ${model}`);
  // Variants that share cells share the rows that these were chosen from.
  const own: AtlasRow[] = [];
  const cells = await chooseCells(config, config.grid, own);
  const train = config.train && (await chooseCells(config, config.train, own));
  const known = new Set(rows.map(({ model, profile }) => JSON.stringify([model, profile])));
  rows.push(...own.filter(({ model, profile }) => !known.has(JSON.stringify([model, profile]))));
  if (config.ensemble) for (const { platform } of cells) checkDrawable(platform);
  if (config.meter) for (const { platform } of cells) checkMetered(platform);
  return { ...variant, cells, manifest: trainingsOf(config, directory, cells, train, pluginsAt(config.plugins)) };
}

/** Variants that differ in nothing that a training depends on share it. */
function distinct(entries: readonly ManifestEntry[]): ManifestEntry[] {
  return [...new Map(entries.map((entry) => [entry.directory, entry])).values()];
}

const measures = ({ config, cells }: Plan): boolean =>
  config.executor !== 'simulator' || cells.some(({ platform }) => /^(lanes|session|python):/.test(platform));

async function collect(
  { variants, command, directory }: RunOptions,
  plans: readonly Plan[],
  manifest: readonly ManifestEntry[],
  atlas: readonly AtlasRow[],
  opened: Task[],
  kept: KeptEpisodes,
): Promise<RunResults> {
  const rows: LatencyRow[] = [];
  const results: ResultRow[] = [];
  const trajectories: Record<keyof TrajectoryRow, string | number | null>[] = [];
  const cells: CellResults[] = [];
  const ensembles: CellEnsemble[] = [];
  const curves: (CurvePoint & { variant: string })[] = [];
  for (const { name, config, cells: own, manifest: trainings } of plans) {
    const { id, options } = config.environment;
    for (const cell of own) {
      const task = await taskNamed(id).open(cell, options, journalOf(resolve(directory)));
      opened.push(task);
      const trained = (scheduler: string) => trainedOn(trainings, scheduler, (each) => cellKey(each) === cellKey(cell));
      const { seeds, episodes = null, measurements } = config;
      const believed = new Map<string, Believed>();
      for (const { costs } of config.schedulers)
        if (costs !== undefined && task.inference && !believed.has(costs))
          believed.set(costs, await believedScenario(costs, task.inference.scenario, config.grid.models));
      const played = evaluate(task, withReferences(task, config.schedulers), trained, {
        seeds,
        episodes,
        measurements,
        kept,
        believed,
      });
      const all = config.meter ? withMeteredEnergy(task, played, requireMeters()) : played;
      const references = referencesOf(task, all);
      const shown = all.filter(({ scheduler }) => !hidden(scheduler, config.schedulers));
      results.push(...shown.flatMap((each) => resultRows(name, task, each, references)));
      // A simulated learner's final episodes are in its job's file.
      const listed = shown.filter(({ runs }) => !runs[0]?.training || task.subject.kind === 'measured');
      trajectories.push(...listed.flatMap((each) => finalTrajectories(task, each)));
      const traces = tracesOf(task, shown);
      cells.push({ variant: name, task, traces });
      if (!task.inference) continue;
      rows.push(...shown.map((each) => latencyRow(name, task, each, references)));
      if (!config.ensemble) continue;
      const schedules = new Map([...traces].map(([scheduler, { schedule }]) => [scheduler, schedule]));
      ensembles.push(cellEnsemble(task.inference.scenario, schedules, config.ensemble));
    }
    for (const { scheduler, result } of trainings.flatMap(finishedOf))
      curves.push(...result.curve.map((point) => ({ variant: name, ...point, scheduler })));
  }
  for (const { directory: folder, job } of manifest)
    trajectories.push(...jobTrajectories(folder, finishedResult(folder, job)!));
  const summary = summaryRows(results, { reference: variants[0]!.name, objectiveOf });
  writeCsv(join(directory, 'results.csv'), resultColumns, results);
  writeCsv(join(directory, 'summary.csv'), summaryColumns, summary);
  const aggregates = aggregateRows(results);
  if (aggregates.length > 0) writeCsv(join(directory, 'aggregates.csv'), aggregateColumns, aggregates);
  if (rows.length > 0) writeCsv(join(directory, 'latency.csv'), latencyColumns, rows);
  writeCsv(join(directory, 'learning-curves.csv'), curveColumns, curves);
  writeTrajectories(join(directory, 'trajectories.csv'), trajectories);
  const drawn = ensembles.flatMap((each) => each.rows);
  if (drawn.length > 0) writeCsv(join(directory, 'ensemble-latency.csv'), scheduleEnsembleColumns, drawn);
  const names = variants.map(({ name }) => name);
  const { config } = variants[0]!;
  return { config, command, directory, variants: names, cells, atlas, rows, summary, aggregates, curves, ensembles };
}

function finishedOf({ directory, job }: ManifestEntry) {
  const result = finishedResult(directory, job);
  return result ? [{ scheduler: job.name, result }] : [];
}

/** On hardware the single devices and the optimum of measured costs are measured too, whether or not the config lists them. */
function withReferences(task: Task, schedulers: readonly SchedulerSpec[]): SchedulerSpec[] {
  const needed = task.subject.kind === 'measured' ? [...singleDevices, 'optimum'] : [];
  const added = needed.filter((name) => task.baselines.has(name) && !schedulers.some((spec) => spec.name === name));
  return [...schedulers, ...added.map((name) => ({ name, use: name, agent: null }))];
}

function hidden(scheduler: string, schedulers: readonly SchedulerSpec[]): boolean {
  return !schedulers.some(({ name }) => scheduler === name || scheduler.startsWith(`${name}-`));
}

/** Of one inference, per scheduler the trace whose makespan is the (lower) median. */
function tracesOf({ inference }: Task, results: readonly SchedulerResults[]): Map<string, Trace> {
  if (!inference) return new Map();
  return new Map(
    results.map(({ scheduler, runs }) => {
      const all = runs.flatMap(({ episodes }) => episodes.flatMap(({ outcomes }) => outcomes.map(inference.trace)));
      return [scheduler, all.sort((a, b) => a.makespanMs - b.makespanMs)[(all.length - 1) >> 1]!];
    }),
  );
}
