// One training on streams: one learner, one seed, one directory. Killed, it continues from its checkpoint; finished, it is
// not done again. Its final policy plays the streams that everyone is judged on.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readCheckpoint, writeCheckpoint } from '../../agents/checkpoint-file.js';
import { createLearner, type LearnerName, learners } from '../../agents/learners.js';
import { rollout, type TrainingProgress, train } from '../../agents/train-loop.js';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { canonicalJson, contentHash } from '../../base/files/hash.js';
import { list, readJsonIfWhole } from '../../base/files/json.js';
import { StreamEnv, type StreamOutcome } from '../../env/stream/env.js';
import { type StreamEnvOptions, streamOptionsSchema } from '../../env/stream/options.js';
import { openStreamSetting, type StreamSetting } from '../../env/stream/setting.js';
import { type TrainingConfig, trainingSchema } from '../config.js';
import { type JobProgress, scaleRewards } from '../job.js';
import { encodeActions } from '../results/trajectories.js';
import { responseMs } from './episodes.js';
import { free } from './rivals.js';

export interface StreamJob {
  readonly learner: LearnerName;
  /** Decision time included. */
  readonly stream: StreamEnvOptions;
  readonly modelHash: string;
  readonly profileHash: string;
  readonly seed: number;
  /** Streams that are judged. */
  readonly seeds: number;
  readonly training: TrainingConfig;
  readonly backend: 'compiled' | 'tfjs';
  readonly agent: Readonly<Record<string, unknown>>;
}

export const streamJobSchema = z.object({
  learner: z.enum(Object.keys(learners) as [LearnerName]),
  stream: streamOptionsSchema,
  modelHash: z.string(),
  profileHash: z.string(),
  seed: z.int().nonnegative(),
  seeds: z.int().positive(),
  training: trainingSchema,
  backend: z.enum(['compiled', 'tfjs']),
  agent: z.record(z.string(), z.unknown()),
});

export interface StreamCurvePoint {
  readonly scheduler: string;
  readonly learnerSeed: number;
  readonly step: number;
  /** Mean over the streams of the curve, deterministic policy. */
  readonly responseMs: number;
}

export interface StreamJobResult {
  readonly jobHash: string;
  readonly curve: readonly StreamCurvePoint[];
  /** Of each judged stream, base64. */
  readonly actions: readonly string[];
  /** Of the same policy in the same streams, where its decisions take no time. */
  readonly unchargedActions: readonly string[];
  readonly trainingWallS: number;
}

/** Trainings number their episodes from their seed times a million on; judged streams and those of curves lie beyond. */
export const judgedSeed = (stream: number): number => 2_000_000_000 + stream;
const curveSeeds = [0, 1, 2, 3, 4].map((stream) => 1_999_000_000 + stream);

export const streamJobHash = (job: StreamJob): string => contentHash(canonicalJson(job));

export function finishedStreamResult(directory: string, job: StreamJob): StreamJobResult | null {
  // One that says nothing of uncharged decisions is of an earlier version: the checkpoint beside it plays again.
  const result = readJsonIfWhole(join(directory, 'result.json'), resultSchema);
  return result?.jobHash === streamJobHash(job) ? result : null;
}

interface Ledger {
  readonly progress: TrainingProgress;
  readonly curve: StreamCurvePoint[];
  trainingWallS: number;
}

const curveSchema = list(
  z.object({ scheduler: z.string(), learnerSeed: z.number(), step: z.int(), responseMs: z.number() }),
);
const resultSchema = z.object({
  jobHash: z.string(),
  curve: curveSchema,
  actions: list(z.string()),
  unchargedActions: list(z.string()),
  trainingWallS: z.number(),
});
const checkpointSchema = z.object({
  agent: z.unknown(),
  jobHash: z.string(),
  ledger: z.object({
    progress: z.object({ step: z.int().nonnegative(), episode: z.int().nonnegative() }),
    curve: curveSchema,
    trainingWallS: z.number(),
  }),
});

/** Trains, plays, and leaves `job.json checkpoint.safetensors result.json` in the directory, which is the job's alone. */
export async function runStreamJob(
  directory: string,
  job: StreamJob,
  onProgress: (progress: JobProgress) => void,
): Promise<void> {
  if (finishedStreamResult(directory, job)) return;
  writeFileAtomic(join(directory, 'job.json'), `${JSON.stringify(job, null, 2)}\n`);
  const setting = await openStreamSetting(job.stream);
  const env = new StreamEnv(setting);
  const agent = await createLearner(job.learner, {
    observationSize: env.observationSpace.flatSize,
    action: { low: [0], high: [1] },
    config: job.agent,
    seed: job.seed,
    backend: job.backend,
  });
  const checkpointPath = join(directory, 'checkpoint.safetensors');
  let ledger: Ledger = { progress: { step: 0, episode: 0 }, curve: [], trainingWallS: 0 };
  if (existsSync(checkpointPath)) {
    const { meta, arrays } = readCheckpoint(checkpointPath);
    const saved = checkpointSchema.safeParse(meta).data;
    if (saved?.jobHash === streamJobHash(job)) {
      agent.load({ meta: saved.agent, arrays });
      ledger = saved.ledger;
    }
  }
  const { progress, curve } = ledger;
  const { steps, evaluateEverySteps, rewardScalePerUnit } = job.training;
  const startedMs = performance.now() - 1000 * ledger.trainingWallS;
  const evaluate = (seed: number) => responseMs(rollout(env, agent, seed).info as unknown as StreamOutcome);
  let evaluations = Math.floor(progress.step / evaluateEverySteps);
  await train({
    env,
    agent: scaleRewards(agent, rewardScalePerUnit * meanUnits(setting)),
    steps,
    progress,
    seed: job.seed,
    onEpisode({ step }) {
      const due = Math.floor(step / evaluateEverySteps);
      if (due > evaluations || step >= steps) {
        evaluations = due;
        const meanMs = curveSeeds.reduce((sum, seed) => sum + evaluate(seed), 0) / curveSeeds.length;
        curve.push({ scheduler: job.learner, learnerSeed: job.seed, step, responseMs: meanMs });
        ledger.trainingWallS = (performance.now() - startedMs) / 1000;
        const { meta, arrays } = agent.save();
        writeCheckpoint(checkpointPath, { arrays, meta: { agent: meta, ledger, jobHash: streamJobHash(job) } });
      }
      onProgress({ step, steps, latencyMs: curve.at(-1)?.responseMs ?? null });
    },
  });
  const judge = (on: StreamEnv) =>
    Array.from({ length: job.seeds }, (_, i) => encodeActions(rollout(on, agent, judgedSeed(i)).actions));
  const [actions, unchargedActions] = [judge(env), judge(new StreamEnv(setting.with(free)))];
  const { trainingWallS } = ledger;
  const result: StreamJobResult = { jobHash: streamJobHash(job), curve, actions, unchargedActions, trainingWallS };
  writeFileAtomic(join(directory, 'result.json'), `${JSON.stringify(result)}\n`);
  await agent.close();
}

/** Units of a stream, if each request were served alone. */
function meanUnits(setting: StreamSetting): number {
  let units = 0;
  for (let model = 0; model < setting.modelCount; model++) units += setting.caseOf(model, 0, 0).graph.units.length;
  return (setting.options.requests * units) / setting.modelCount;
}
