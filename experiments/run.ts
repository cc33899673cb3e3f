// A run: a config becomes a directory of results. Idempotent and resumable: cells are chosen from the atlas, planners
// plan, learners train as jobs in their own directories, and everything else is recomputed from what these left.
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type LearnerName, learners } from '../agents/learners.js';
import { type PlannerName, planners } from '../agents/planners/registry.js';
import { InputError } from '../base/errors/input-error.js';
import { writeFileAtomic } from '../base/files/atomic.js';
import { readCsv, writeCsv } from '../base/files/csv.js';
import { profileVariants } from '../engine/device/profile.js';
import type { Trace } from '../engine/trace.js';
import { openScenario, type Scenario } from '../env/scheduling/scenario.js';
import type { ShareEnv } from '../env/scheduling/share-env.js';
import { shareEnvOf } from '../env/scheduling/share-options.js';
import { loadModel } from '../models/load.js';
import { latencyRow, learnerOutcome, planOutcome, type SchedulerOutcome } from './aggregate.js';
import { atlas, largestHeadroom } from './atlas.js';
import { type ExperimentConfig, parseWith } from './config.js';
import { recordCrash } from './crashes.js';
import { baseName } from './figures/labels.js';
import { finishedResult, type JobProgress, settingsHash, type TrainingJob } from './job.js';
import { type ProgramCommand, runLocally } from './local-runner.js';
import { type AtlasRow, atlasColumns, type CurvePoint, type LatencyRow, latencyColumns } from './rows.js';
import { describeSystem } from './system.js';
import { type TrajectoryRow, trajectoryColumns } from './trajectories.js';

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
  mkdirSync(directory, { recursive: true });
  const json = (name: string, value: unknown) =>
    writeFileAtomic(join(directory, name), `${JSON.stringify(value, null, 2)}\n`);
  json('config.json', config);
  writeFileAtomic(join(directory, 'command.txt'), `${command}\n`);
  json('system.json', describeSystem());
  json('status.json', { state: 'running' });
  try {
    const { cells, atlasRows } = await chooseCells(config, reporter);
    writeCsv(join(directory, 'atlas.csv'), atlasColumns, atlasRows);
    const manifest = cells.flatMap((cell) => trainingEntries(config, directory, cell));
    json('jobs.json', manifest);
    await trainAll(options, manifest);
    const results = collect(options, cells, atlasRows, manifest);
    json('status.json', { state: 'done' });
    return results;
  } catch (error) {
    json('status.json', { state: 'failed', error: (error as Error).message });
    throw error;
  }
}

async function chooseCells(
  config: ExperimentConfig,
  reporter: RunReporter,
): Promise<{ cells: Cell[]; atlasRows: AtlasRow[] }> {
  const cells: Cell[] = [];
  const atlasRows: AtlasRow[] = [];
  for (const model of config.models) {
    reporter.stage(`reading ${model}`);
    const chosen = await chooseCell(model, config, atlasRows);
    const scenario = await openScenario(chosen.model, chosen.profile);
    const twin = cells.find(
      (cell) => cell.scenario.model.uri === scenario.model.uri && cell.scenario.profile.uri === scenario.profile.uri,
    );
    if (twin) throw new InputError(`config: ${model} and ${twin.model} are the same model.`, 'Name each model once.');
    cells.push({ model, scenario, env: shareEnvOf(scenario, config.environment) });
  }
  return { cells, atlasRows };
}

async function chooseCell(
  model: string,
  config: ExperimentConfig,
  atlasRows: AtlasRow[],
): Promise<{ model: string; profile: string }> {
  if (config.cell === 'as-given') {
    return { model: (await loadModel(model)).uri, profile: profileVariants(config.profile)[0]! };
  }
  const rows = await atlas({ model, profile: config.profile, batches: config.batches, sweep: true });
  atlasRows.push(...rows);
  const chosen = largestHeadroom(rows);
  if (!chosen) {
    throw new InputError(
      `config: no cell of ${model} on ${config.profile} is sourced: every variant rests on an assumed number.`,
      'Set cell to as-given, or choose another profile.',
    );
  }
  return chosen;
}

function trainingEntries(config: ExperimentConfig, directory: string, { scenario }: Cell): ManifestEntry[] {
  const { model, profile } = scenario;
  const learnerNames = config.schedulers.filter((name): name is LearnerName => name in learners);
  return learnerNames.flatMap((learner) =>
    Array.from({ length: config.seeds }, (_, seed) => {
      const job: TrainingJob = {
        learner,
        model: model.uri,
        profile: profile.uri,
        modelHash: model.modelHash,
        profileHash: profile.hash,
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
function folderName({ model, profile }: Scenario, job: TrainingJob): string {
  const variant = [profile.name, ...Object.values(profile.axes)].join('_');
  const name = `${baseName(model.uri)}_b${model.batch}_${variant}_${settingsHash(job).slice(0, 8)}`;
  return name.replaceAll(/[^\w.-]/g, '-');
}

async function trainAll(
  { program, parallel, reporter, directory }: RunOptions,
  manifest: readonly ManifestEntry[],
): Promise<void> {
  const pending = manifest.flatMap((entry, index) =>
    finishedResult(entry.directory, entry.job) ? [] : [{ entry, index }],
  );
  if (pending.length === 0) return;
  reporter.stage(`training ${pending.length} agent${pending.length === 1 ? '' : 's'}`);
  reporter.jobs(pending.map(({ entry: { job } }) => `${job.learner} ${job.model.split('?')[0]} seed ${job.seed}`));
  const log = join(directory, 'progress.jsonl');
  await runLocally({
    program,
    jobs: pending.map(({ index }) => ['job', join(directory, 'jobs.json'), String(index)]),
    ...(parallel && { parallel }),
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
  for (const cell of cells) {
    const outcomes = config.schedulers.map((scheduler) => outcomeOf(scheduler, config, cell, manifest));
    const yardsticks = yardsticksOf(config, cell);
    rows.push(...outcomes.map((outcome) => latencyRow(cell.scenario, outcome, yardsticks)));
    for (const outcome of outcomes) if (!outcome.training) trajectories.push(...outcome.trajectories);
    cellResults.push({
      scenario: cell.scenario,
      traces: new Map(outcomes.map((outcome) => [outcome.scheduler, medianTrace(outcome.traces)])),
    });
  }
  const results = manifest.map(({ directory: folder, job }) => finishedResult(folder, job)!);
  for (const entry of manifest)
    trajectories.push(...readCsv(join(entry.directory, 'trajectories.csv'), trajectoryColumns));
  const curves = results.flatMap(({ curve }) => curve);
  writeCsv(join(directory, 'latency.csv'), latencyColumns, rows);
  writeCsv(join(directory, 'learning-curves.csv'), ['model', 'scheduler', 'seed', 'step', 'latencyMs'], curves);
  writeCsv(join(directory, 'trajectories.csv'), trajectoryColumns, trajectories);
  return { config, command, directory, cells: cellResults, atlas: atlasRows, rows, curves };
}

function outcomeOf(
  scheduler: string,
  config: ExperimentConfig,
  { scenario, env }: Cell,
  manifest: readonly ManifestEntry[],
): SchedulerOutcome {
  if (scheduler in planners) {
    return planOutcome(scheduler as PlannerName, scenario, env, config.environment, config.seeds);
  }
  const own = manifest.filter(
    ({ job }) => job.learner === scheduler && job.model === scenario.model.uri && job.profile === scenario.profile.uri,
  );
  return learnerOutcome(
    scheduler,
    env,
    own.map(({ directory, job }) => finishedResult(directory, job)!),
  );
}

/** The yardsticks are computed whether or not the config lists their schedulers. */
function yardsticksOf(config: ExperimentConfig, { scenario, env }: Cell) {
  const latencyOf = (scheduler: PlannerName) =>
    planOutcome(scheduler, scenario, env, config.environment, 1).traces[0]!.makespanMs;
  return { bestSingleMs: Math.min(latencyOf('cpu-only'), latencyOf('gpu-only')), optimumMs: latencyOf('optimum') };
}

/** The trace whose makespan is the (lower) median. */
function medianTrace(traces: readonly Trace[]): Trace {
  return [...traces].sort((a, b) => a.makespanMs - b.makespanMs)[(traces.length - 1) >> 1]!;
}
