// A run: a config becomes a directory of results. Idempotent and resumable: cells are chosen from the atlas, planners
// plan, learners train as jobs in their own directories, and everything else is recomputed from what these left.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PlannerName, planners } from '../agents/baselines/registry.js';
import { type LearnerName, learners } from '../agents/learners.js';
import { InputError } from '../base/errors/input-error.js';
import { writeCsv } from '../base/files/csv.js';
import { platformUri } from '../engine/platform.js';
import { openScenario, type Scenario } from '../engine/scenario.js';
import type { Trace } from '../engine/trace.js';
import type { ShareEnv } from '../env/share/share-env.js';
import { shareEnvOf } from '../env/share/share-options.js';
import { loadModel } from '../models/load.js';
import { profileVariants } from '../predictor/profiles/profile.js';
import { atlas, largestHeadroom } from './atlas/atlas.js';
import { type CellEnsemble, cellEnsemble, checkDrawable, scheduleEnsembleColumns } from './atlas/ensemble-schedules.js';
import { journalOf, recordCrash } from './backends/crashes.js';
import { type ProgramCommand, runLocally } from './backends/local-runner.js';
import { type ExperimentConfig, parseWith } from './config.js';
import { type JobProgress, settingsHash } from './job.js';
import { finishedResult, type TrainingJob } from './job-files.js';
import { baseName } from './report/figures/labels.js';
import { jobTrajectories } from './results/job-trajectories.js';
import { type AtlasRow, atlasColumns, type CurvePoint, type LatencyRow, latencyColumns } from './results/rows.js';
import { openRunDirectory } from './results/run-directory.js';
import { withStatus } from './results/run-status.js';
import { type TrajectoryRow, trajectoryRow, writeTrajectories } from './results/trajectories.js';
import {
  type Contender,
  judge,
  latencyRow,
  outcomesOf,
  plannedContenders,
  tracesOf,
  trainedContenders,
  yardstickSchedulers,
  yardsticksOf,
} from './statistics/aggregate.js';

export interface RunOptions {
  readonly config: ExperimentConfig;
  readonly directory: string;
  readonly program: ProgramCommand;
  /** As typed, for the record. */
  readonly command: string;
  readonly parallel?: number;
  readonly reporter: RunReporter;
}

/** What a run tells whoever watches it. */
export interface RunReporter {
  stage(text: string): void;
  jobs(labels: readonly string[]): void;
  progress(job: number, progress: JobProgress): void;
  done(job: number): void;
}

/** Everything that tables, figures and the report are made of. */
export interface RunResults {
  readonly config: ExperimentConfig;
  readonly command: string;
  readonly directory: string;
  readonly cells: readonly CellResults[];
  readonly atlas: readonly AtlasRow[];
  readonly rows: readonly LatencyRow[];
  readonly curves: readonly CurvePoint[];
  /** Of each cell, where the config asks for ensembles. */
  readonly ensembles: readonly CellEnsemble[];
}

export interface CellResults {
  readonly scenario: Scenario;
  /** Final traces of each scheduler; the median one of several seeds comes first. */
  readonly traces: ReadonlyMap<string, Trace>;
}

/** One line of the manifest: `sparoa-gym job <manifest> <index>` runs it. */
export interface ManifestEntry {
  readonly directory: string;
  readonly job: TrainingJob;
}

interface Cell {
  readonly model: string;
  readonly scenario: Scenario;
  readonly env: ShareEnv;
}

export async function run(options: RunOptions): Promise<RunResults> {
  const { config, directory, command, reporter } = options;
  const json = openRunDirectory(directory, config, command);
  return withStatus(directory, reporter.stage, async () => {
    const cells: Cell[] = [];
    try {
      const atlasRows = await chooseCells(options, cells);
      writeCsv(join(directory, 'atlas.csv'), atlasColumns, atlasRows);
      if (config.ensemble) for (const { scenario } of cells) checkDrawable(scenario.platform.uri);
      const manifest = cells.flatMap((cell) => trainingEntries(config, directory, cell));
      json('jobs.json', manifest);
      await trainAll(options, manifest);
      return collect(options, cells, atlasRows, manifest);
    } finally {
      for (const { scenario } of cells) scenario.executor.close();
    }
  });
}

/** Opens the cells into `cells`, whose executors the caller closes; the rows of the atlas that they were chosen from. */
async function chooseCells({ config, directory, reporter }: RunOptions, cells: Cell[]): Promise<AtlasRow[]> {
  const atlasRows: AtlasRow[] = [];
  for (const model of config.models) {
    reporter.stage(`reading ${model}`);
    const chosen = await chooseCell(model, config, atlasRows);
    const twin = cells.find(
      ({ scenario }) => scenario.model.uri === chosen.model && scenario.platform.uri === chosen.profile,
    );
    if (twin) throw new InputError(`config: ${model} and ${twin.model} are the same model.`, 'Name each model once.');
    const scenario = await openScenario(chosen.model, chosen.profile, { journal: journalOf(directory) });
    cells.push({ model, scenario, env: shareEnvOf(scenario, config.environment) });
  }
  return atlasRows;
}

async function chooseCell(
  model: string,
  config: ExperimentConfig,
  atlasRows: AtlasRow[],
): Promise<{ model: string; profile: string }> {
  const platform = platformUri(config);
  if (config.cell === 'as-given') {
    const profile = config.executor === 'simulator' ? profileVariants(platform)[0]! : platform;
    return { model: (await loadModel(model)).uri, profile };
  }
  const rows = await atlas({ model, profile: platform, batches: config.batches, sweep: true });
  atlasRows.push(...rows);
  const chosen = largestHeadroom(rows);
  if (!chosen) {
    throw new InputError(
      `config: no cell of ${model} on ${platform} is sourced: every variant rests on an assumed number.`,
      'Set cell to as-given, or choose another profile.',
    );
  }
  return chosen;
}

function trainingEntries(config: ExperimentConfig, directory: string, { scenario }: Cell): ManifestEntry[] {
  const { model, platform } = scenario;
  const learnerNames = config.schedulers.filter((name): name is LearnerName => Object.hasOwn(learners, name));
  return learnerNames.flatMap((learner) =>
    Array.from({ length: config.seeds }, (_, seed) => {
      const job: TrainingJob = {
        learner,
        model: model.uri,
        profile: platform.uri,
        modelHash: model.modelHash,
        profileHash: platform.hash,
        seed,
        environment: config.environment,
        training: config.training,
        backend: config.backend,
        // In full: a later version's defaults make another job.
        agent: parseWith(learners[learner].config, config.agent, 'config: agent'),
      };
      return { directory: join(directory, 'jobs', folderName(scenario, job), learner, `seed-${seed}`), job };
    }),
  );
}

/**
 * A folder that names the cell for people, and by a hash whatever else tells trainings apart: runs with other settings
 * share a results folder without meeting.
 */
function folderName({ model, platform }: Scenario, job: TrainingJob): string {
  const name = `${baseName(model.uri)}_b${model.batch}_${platform.name}_${settingsHash(job).slice(0, 8)}`;
  return name.replaceAll(/[^\w.-]/g, '-');
}

async function trainAll(
  { config, program, parallel, reporter, directory }: RunOptions,
  manifest: readonly ManifestEntry[],
): Promise<void> {
  const pending = manifest.flatMap((entry, index) =>
    finishedResult(entry.directory, entry.job) ? [] : [{ entry, index }],
  );
  if (pending.length === 0) return;
  reporter.stage(`training ${pending.length} agent${pending.length === 1 ? '' : 's'}`);
  const told = config.executor === 'simulator' ? '' : ', measured';
  reporter.jobs(
    pending.map(({ entry: { job } }) => `${job.learner} ${job.model.split('?')[0]} seed ${job.seed}${told}`),
  );
  const log = join(directory, 'progress.jsonl');
  await runLocally({
    program,
    jobs: pending.map(({ index }) => ['job', join(directory, 'jobs.json'), String(index)]),
    // Trainings that measure would measure each other.
    parallel: config.executor === 'simulator' ? parallel : 1,
    onProgress: (position, progress) => {
      appendFileSync(log, `${JSON.stringify({ job: pending[position]!.index, ...progress })}\n`);
      reporter.progress(position, progress);
    },
    onDone: (position) => reporter.done(position),
    onCrash: (position, signal) => {
      const { entry, index } = pending[position]!;
      const crash = recordCrash(entry.directory, signal);
      appendFileSync(join(directory, 'crashes.jsonl'), `${JSON.stringify({ job: index, ...crash })}\n`);
    },
  });
}

function collect(
  { config, command, directory, reporter }: RunOptions,
  cells: readonly Cell[],
  atlasRows: readonly AtlasRow[],
  manifest: readonly ManifestEntry[],
): RunResults {
  reporter.stage('evaluating');
  const rows: LatencyRow[] = [];
  const trajectories: Record<keyof TrajectoryRow, string | number | null>[] = [];
  const cellResults: CellResults[] = [];
  const ensembles: CellEnsemble[] = [];
  for (const cell of cells) {
    const { scenario, env } = cell;
    const measured = scenario.executor.kind === 'measured';
    // The yardsticks are judged whether or not the config lists them.
    const schedulers = [...new Set([...config.schedulers, ...yardstickSchedulers])];
    const contenders = schedulers.flatMap((scheduler) => contendersOf(scheduler, config, cell, manifest));
    const all = outcomesOf(judge(env, contenders, measured ? config.measurements : 1));
    const yardsticks = yardsticksOf(scenario, all);
    const outcomes = all.filter(({ scheduler }) => config.schedulers.includes(scheduler));
    rows.push(...outcomes.map((outcome) => latencyRow(scenario, outcome, yardsticks)));
    for (const { contender, episodes } of outcomes.flatMap(({ judged }) => judged)) {
      // A simulated learner's final episode is in its job's file, which follows.
      if (contender.training && !measured) continue;
      const label = { scheduler: contender.scheduler, seed: contender.seed, phase: 'final' as const };
      trajectories.push(...episodes.map((episode) => trajectoryRow(env, label, episode)));
    }
    const traces = new Map(outcomes.map((outcome) => [outcome.scheduler, medianTrace(tracesOf(outcome))]));
    cellResults.push({ scenario, traces });
    if (config.ensemble) {
      const schedules = new Map([...traces].map(([scheduler, { schedule }]) => [scheduler, schedule]));
      ensembles.push(cellEnsemble(scenario, schedules, config.ensemble));
    }
  }
  const results = manifest.map(({ directory: folder, job }) => finishedResult(folder, job)!);
  for (const [index, entry] of manifest.entries())
    trajectories.push(...jobTrajectories(entry.directory, results[index]!));
  const curves = results.flatMap(({ curve }) => curve);
  writeCsv(join(directory, 'latency.csv'), latencyColumns, rows);
  writeCsv(join(directory, 'learning-curves.csv'), ['model', 'scheduler', 'seed', 'step', 'latencyMs'], curves);
  writeTrajectories(join(directory, 'trajectories.csv'), trajectories);
  if (config.ensemble)
    writeCsv(
      join(directory, 'ensemble-latency.csv'),
      scheduleEnsembleColumns,
      ensembles.flatMap((each) => each.rows),
    );
  return { config, command, directory, cells: cellResults, atlas: atlasRows, rows, curves, ensembles };
}

function contendersOf(
  scheduler: string,
  { seeds }: ExperimentConfig,
  { scenario }: Cell,
  manifest: readonly ManifestEntry[],
): Contender[] {
  if (Object.hasOwn(planners, scheduler)) return plannedContenders(scheduler as PlannerName, scenario, seeds);
  const { model, platform } = scenario;
  const own = manifest.filter(
    ({ job }) => job.learner === scheduler && job.model === model.uri && job.profile === platform.uri,
  );
  return trainedContenders(
    scheduler,
    own.map(({ directory, job }) => finishedResult(directory, job)!),
  );
}

/** The trace whose makespan is the (lower) median. */
function medianTrace(traces: readonly Trace[]): Trace {
  return [...traces].sort((a, b) => a.makespanMs - b.makespanMs)[(traces.length - 1) >> 1]!;
}
