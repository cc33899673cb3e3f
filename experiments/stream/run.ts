// A run on streams: rivals play, learners train as jobs and play, and every episode is compared with its bound.
import { join } from 'node:path';
import { driveStream } from '../../agents/baselines/streams/policy.js';
import { clairvoyantBound } from '../../agents/bounds/stream-bound.js';
import { learners } from '../../agents/learners.js';
import { writeCsv } from '../../base/files/csv.js';
import { StreamEnv } from '../../env/stream/env.js';
import { openStreamSetting, type StreamSetting } from '../../env/stream/setting.js';
import { runLocally } from '../backends/local-runner.js';
import { parseWith } from '../config.js';
import { openRunDirectory } from '../results/run-directory.js';
import { withStatus } from '../results/run-status.js';
import { decodeActions, type TrajectoryRow, writeTrajectories } from '../results/trajectories.js';
import type { RunOptions } from '../run.js';
import type { StreamConfig } from './config.js';
import {
  type PlayedActions,
  replayStream,
  type StreamEpisodeRow,
  streamEpisodeColumns,
  streamTrajectoryRow,
} from './episodes.js';
import { finishedStreamResult, judgedSeed, type StreamCurvePoint, type StreamJob, streamJobHash } from './job.js';
import { type DecisionCharge, free, learnerCharge, rivals, unchargedName } from './rivals.js';
import { type Contestant, type StreamRow, streamColumns, streamRows } from './summary.js';

export interface StreamResults {
  readonly config: StreamConfig;
  readonly directory: string;
  readonly command: string;
  readonly rows: readonly StreamRow[];
  readonly curve: readonly StreamCurvePoint[];
}

type StreamRunOptions = Omit<RunOptions, 'config'> & { readonly config: StreamConfig };

export function runStreams(options: StreamRunOptions): Promise<StreamResults> {
  const { config, directory, command, reporter } = options;
  const json = openRunDirectory(directory, config, command);
  return withStatus(directory, reporter.stage, () => trainAndPlay(options, json));
}

async function trainAndPlay(
  { config, directory, command, program, parallel, reporter }: StreamRunOptions,
  json: ReturnType<typeof openRunDirectory>,
): Promise<StreamResults> {
  reporter.stage('reading models');
  const setting = await openStreamSetting(config.stream);
  const manifest = jobsOf(config, setting).map((job) => ({
    directory: join(
      directory,
      'jobs',
      `${streamJobHash({ ...job, seed: 0 }).slice(0, 8)}`,
      job.learner,
      `seed-${job.seed}`,
    ),
    job,
  }));
  json('jobs.json', manifest);
  const pending = manifest.flatMap(({ directory: folder, job }, i) => (finishedStreamResult(folder, job) ? [] : [i]));
  if (pending.length > 0) {
    reporter.stage(`training ${pending.length} agent${pending.length === 1 ? '' : 's'}`);
    reporter.jobs(pending.map((i) => `${manifest[i]!.job.learner} on streams seed ${manifest[i]!.job.seed}`));
    await runLocally({
      program,
      jobs: pending.map((i) => ['job', join(directory, 'jobs.json'), String(i)]),
      parallel,
      onProgress: (position, progress) => reporter.progress(position, progress),
      onDone: (position) => reporter.done(position),
      onCrash() {},
    });
  }
  reporter.stage('evaluating');
  const episodes: StreamEpisodeRow[] = [];
  const trajectories: TrajectoryRow[] = [];
  const contestants: Contestant[] = [];
  const streams = Array.from({ length: config.seeds }, (_, i) => judgedSeed(i));
  const record = (
    scheduler: string,
    learnerSeed: number | null,
    env: StreamEnv,
    seed: number,
    played: PlayedActions,
  ) => {
    const { objectiveMs, misses } = played.outcome;
    const boundMs = boundOf(env, seed);
    episodes.push({ scheduler, learnerSeed, seed, objectiveMs, misses, boundMs });
    trajectories.push(streamTrajectoryRow(env.setting, { scheduler, seed }, played));
  };
  for (const { name, charge, decision, policyOf } of rivals(config.tables)) {
    const env = charged(setting, charge);
    const policy = policyOf(env.setting);
    for (const seed of streams) record(name, null, env, seed, driveStream(env, policy, seed));
    contestants.push({ scheduler: name, decision, charge, trainingWallS: [] });
  }
  const results = manifest.map(({ directory: folder, job }) => ({ job, result: finishedStreamResult(folder, job)! }));
  for (const learner of config.learners) {
    const own = results.filter(({ job }) => job.learner === learner);
    const trainingWallS = own.map(({ result }) => result.trainingWallS);
    for (const [scheduler, charge, of] of [
      [learner, learnerCharge, 'actions'],
      [unchargedName(learner), free, 'unchargedActions'],
    ] as const) {
      const env = charged(setting, charge);
      for (const { job, result } of own)
        result[of].forEach((actions, i) => {
          record(scheduler, job.seed, env, streams[i]!, replayStream(env, decodeActions(actions), streams[i]!)!);
        });
      contestants.push({ scheduler, decision: 'online', charge, trainingWallS });
    }
  }
  const rows = streamRows(setting, contestants, episodes);
  const curve = results.flatMap(({ result }) => result.curve);
  writeCsv(join(directory, 'stream.csv'), streamColumns, rows);
  writeCsv(join(directory, 'stream-episodes.csv'), streamEpisodeColumns, episodes);
  writeCsv(join(directory, 'learning-curves.csv'), ['scheduler', 'learnerSeed', 'step', 'responseMs'], curve);
  writeTrajectories(join(directory, 'trajectories.csv'), trajectories);
  return { config, directory, command, rows, curve };
}

function jobsOf(config: StreamConfig, { identity: { modelHash, profileHash } }: StreamSetting): StreamJob[] {
  const { learners: names, learnerSeeds, seeds, training, backend } = config;
  return names.flatMap((learner) =>
    Array.from({ length: learnerSeeds }, (_, seed) => ({
      learner,
      stream: { ...config.stream, ...learnerCharge },
      modelHash,
      profileHash,
      seed,
      seeds,
      training,
      backend,
      // In full: a later version's defaults make another job.
      agent: parseWith(learners[learner].config, config.agent, 'config: agent'),
    })),
  );
}

function charged(setting: StreamSetting, charge: DecisionCharge): StreamEnv {
  return new StreamEnv(setting.with(charge));
}

function boundOf(env: StreamEnv, seed: number): number {
  env.reset({ seed });
  return clairvoyantBound(env.view().queue.episode).objectiveMs;
}
