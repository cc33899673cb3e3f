// Learning on real devices: SAC beats random schedules by measured latencies, and the command line trains, continues,
// evaluates, compares and validates there.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { afterAll, describe, expect, test } from 'vitest';
import { createLearner } from '../agents/learners.js';
import { rollout, train } from '../agents/train-loop.js';
import { packageRoot } from '../base/files/paths.js';
import { Rng } from '../base/random/rng.js';
import { median } from '../base/statistics/quantile.js';
import { openScenario } from '../engine/scenario.js';
import { Schedule } from '../engine/schedule.js';
import { shareEnvOf } from '../env/share/share-options.js';
import { writeChain } from '../test/fixtures/chain-model.js';
import { sparoaGym, spawnSparoaGym } from '../test/fixtures/command-line.js';
import { traceOf } from './results/trajectories.js';
import { bootstrapInterval } from './statistics/statistics.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-hardware-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

interface Learning {
  readonly model: string;
  readonly platform: string;
  readonly episodes: number;
}

/**
 * Trains SAC and measures. Random episodes alternate with its own, and final and random schedules are executed in turn,
 * so that a busy machine is as busy for both. The best of the random schedules are measured again beside the final one:
 * the least of 200 noisy numbers would be lucky rather than fast.
 */
async function learn({ model, platform, episodes }: Learning) {
  const scenario = await openScenario(model, platform);
  const { graph, executor, conditions } = scenario;
  const env = shareEnvOf(scenario, { shares: 'binary', lookahead: 4 });
  const units = graph.units.length;
  const agent = await createLearner('sac', {
    observation: env.observationSpace,
    action: env.actionSpace,
    config: { learningStarts: Math.floor(0.15 * episodes) * units, hidden: [32, 32], rewardScale: 0.25 * units },
  });
  const random = Rng.of(0, 'random policy');
  const returns = { sac: [] as number[], random: [] as number[] };
  await train({
    env,
    agent,
    steps: episodes * units,
    progress: { step: 0, episode: 0 },
    seed: 0,
    learn: 'each-episode',
    onEpisode(summary) {
      returns.sac.push(summary.return);
      returns.random.push(rollout(env, { act: () => env.actionSpace.sample(random) }, summary.episode).return);
    },
  });
  const latencyMs = (schedule: Schedule) => {
    const trace = executor.run(graph, schedule, conditions);
    return 'error' in trace ? Number.POSITIVE_INFINITY : trace.makespanMs;
  };
  const final = traceOf(rollout(env, agent, 0).info).schedule;
  const schedules = Array.from({ length: 200 }, (_, i) => {
    const rng = Rng.of(i, 'random schedules');
    const schedule = Schedule.of(
      graph,
      graph.units.map(({ onlyOn }) => onlyOn ?? rng.integer(2)),
    );
    return { schedule, ms: latencyMs(schedule) };
  });
  const fastest = schedules.sort((a, b) => a.ms - b.ms).slice(0, 5);
  const finalists = [final, ...fastest.map(({ schedule }) => schedule)].map((schedule) => ({
    schedule,
    ms: [] as number[],
  }));
  for (let round = 0; round < 20; round++) for (const each of finalists) each.ms.push(latencyMs(each.schedule));
  const [finalMs, ...randomMs] = finalists.map(({ ms }) => median(ms)) as [number, ...number[]];
  await agent.close();
  executor.close();
  const last = Math.floor(0.8 * episodes);
  return {
    meanReturn: mean(returns.sac.slice(last)),
    randomInterval: bootstrapInterval(returns.random.slice(last), Rng.of(0, 'interval'), { statistic: mean }),
    finalMs,
    bestRandomMs: Math.min(...randomMs),
  };
}

function expectLearned({ meanReturn, randomInterval, finalMs, bestRandomMs }: Awaited<ReturnType<typeof learn>>) {
  expect(meanReturn).toBeGreaterThan(randomInterval.high);
  expect(finalMs).toBeLessThanOrEqual(1.05 * bestRandomMs);
}

const webgpu = spawnSync(
  process.execPath,
  [join(packageRoot, 'dist', 'engine', 'runtime', 'devices', 'probe-child.js'), 'webgpu'],
  {
    encoding: 'utf8',
  },
);
const webgpuRuns = webgpu.status === 0 && webgpu.stdout.includes('"ran":true');

// A second attempt, because a machine that stops for seconds, as virtual ones do, distorts any mean.
describe('SAC learns from measured latencies', { retry: 1 }, () => {
  test('on two CPU lanes', { timeout: 240_000 }, async () => {
    const platform = 'lanes://cpu:1+cpu:1';
    const chain = { model: writeChain(join(folder, 'chain.onnx'), 16), platform, episodes: 120 };
    // The network takes a minute where another test runs beside it.
    const network = { model: 'model://mobilenetv3-small?size=32', platform, episodes: 50 };
    expectLearned(await learn(process.env.SPAROA_GYM_FULL === '1' ? network : chain));
  });

  test.skipIf(!webgpuRuns)('on a CPU lane and WebGPU (needs a Vulkan device)', { timeout: 240_000 }, async () => {
    const model = writeChain(join(folder, 'chain.onnx'), 24);
    const result = await learn({
      model,
      platform: 'lanes://cpu:1+webgpu',
      episodes: 200,
    });
    expectLearned(result);
  });
});

describe('the command line on two CPU lanes', () => {
  const model = writeChain(join(folder, 'commands.onnx'), 12);
  const training = join(folder, 'training');
  const settings = ['--executor', 'lanes', '--devices', 'cpu:1+cpu:1', '--model', model, '--steps', '600'];
  const learner = ['--set', 'agent.learningStarts=150', '--set', 'training.evaluateEverySteps=200'];
  const arguments_ = ['train', ...settings, ...learner, '--out', training];

  test('a killed training continues; every episode is measured, and valid', {
    tags: 'gate',
    timeout: 240_000,
  }, async () => {
    const child = spawnSparoaGym(arguments_);
    const exited = once(child, 'exit');
    while (!existsSync(join(training, 'checkpoint.safetensors')) && child.exitCode === null) await sleep(20);
    child.kill('SIGKILL');
    await exited;
    expect(existsSync(join(training, 'result.json'))).toBe(false);
    const { stdout, status } = sparoaGym(arguments_);
    expect(status).toBe(0);
    expect(stdout).toMatch(/ms, measured on cpu:1\+cpu:1 by lanes \(two CPUs: gains are load balancing\)/);
    const rows: Record<string, string>[] = parse(readFileSync(join(training, 'trajectories.csv')), { columns: true });
    expect(rows.every(({ kind, profile }) => kind === 'measured' && profile === 'lanes://cpu:1+cpu:1')).toBe(true);
    expect(rows.at(-1)).toMatchObject({ phase: 'final', scheduler: 'sac' });
    const valid = sparoaGym(['validate', join(training, 'trajectories.csv')]);
    expect(valid.stdout).toBe(
      `${rows.length} measured rows: schedules and returns hold, latencies cannot be replayed\n`,
    );
    const lines = readFileSync(join(training, 'trajectories.csv'), 'utf8').split('\n');
    const wrong = join(folder, 'wrong.csv');
    writeFileSync(wrong, [lines[0], lines[1]!.replace(/referenceMs=[^,]*/, 'referenceMs=1')].join('\n'));
    expect(sparoaGym(['validate', wrong]).stderr).toMatch(/return .* is not .*, that of/);
    writeFileSync(wrong, [lines[0], lines[1]!.replace(',measured,', ',simulated,')].join('\n'));
    expect(sparoaGym(['validate', wrong]).stderr).toMatch(/kind is simulated, but lanes/);
  });

  test('evaluate measures the policy in turn with the baselines', { tags: 'gate', timeout: 120_000 }, () => {
    const { stdout, status } = sparoaGym(['evaluate', training, '--measurements', '5', '--json']);
    expect(status).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ kind: 'measured', profile: 'lanes://cpu:1+cpu:1', measurements: 5 });
    expect(result.objective).toBe('latencyMs');
    expect(result.low).toBeLessThanOrEqual(result.value);
    expect(result.gapPercent).toBeGreaterThanOrEqual(0);
  });

  test('run compares schedulers by repeated measurements', { tags: 'gate', timeout: 240_000 }, () => {
    const config = join(folder, 'measured.yaml');
    writeFileSync(
      config,
      `name: measured
models: ['${model}']
executor: lanes
devices: cpu:1+cpu:1
schedulers: [cpu-only, random, optimum, sac]
seeds: 2
measurements: 3
training: { steps: 180, evaluateEverySteps: 180 }
agent: { learningStarts: 80 }
`,
    );
    const out = join(folder, 'run');
    const { status, stdout, stderr } = sparoaGym(['run', config, '--out', out]);
    expect(stderr).not.toMatch(/Error/);
    expect(status).toBe(0);
    expect(stdout).toMatch(/measured; devices .*gains are load balancing, not heterogeneity/);
    const rows: Record<string, string>[] = parse(readFileSync(join(out, 'latency.csv')), { columns: true });
    expect(rows.map(({ scheduler, seeds, kind }) => [scheduler, seeds, kind])).toEqual([
      ['cpu-only', '1', 'measured'],
      ['random', '2', 'measured'],
      ['optimum', '1', 'measured'],
      ['sac', '2', 'measured'],
    ]);
    // The interval of a single schedule is over its measurements; no gap is below the best of what was measured.
    for (const row of rows) {
      expect(Number(row.latencyMsLow)).toBeLessThanOrEqual(Number(row.latencyMs));
      expect(Number(row.latencyMsHigh)).toBeGreaterThanOrEqual(Number(row.latencyMs));
      expect(Number(row.gapPercent)).toBeGreaterThanOrEqual(0);
    }
    const finals = parse(readFileSync(join(out, 'trajectories.csv')), { columns: true }) as Record<string, string>[];
    const own = finals.filter(({ scheduler, phase }) => scheduler === 'cpu-only' && phase === 'final');
    expect(own).toHaveLength(3);
    expect(median(own.map(({ latencyMs }) => Number(latencyMs)))).toBe(Number(rows[0]!.latencyMs));
    const report = readFileSync(join(out, 'report.html'), 'utf8');
    expect(report).toMatch(/It is no proven optimum of the machine/);
    expect(report).not.toMatch(/simulated/);
    expect(sparoaGym(['validate', join(out, 'trajectories.csv')]).status).toBe(0);
  });

  test('a config refuses what its executor does not take', () => {
    const config = join(folder, 'refused.yaml');
    const base = `name: x\nmodels: ['${model}']\nschedulers: [cpu-only]\n`;
    const refusal = (text: string) => {
      writeFileSync(config, base + text);
      const { status, stderr } = sparoaGym(['run', config, '--out', join(folder, 'refused')]);
      expect(status).toBe(1);
      expect(stderr.trimEnd().split('\n')).toHaveLength(2);
      return stderr;
    };
    expect(refusal('executor: lane\n')).toMatch(/Did you mean "lanes"/);
    expect(refusal('devices: cpu:1+cpu:1\n')).toMatch(/"simulator" runs a device profile/);
    expect(refusal('executor: lanes\nprofile: profile://jetson-agx-orin\n')).toMatch(/runs on this machine's devices/);
    expect(refusal('executor: lanes\ncell: largest-headroom\n')).toMatch(/no variants of a profile/);
  });
});
