// Random trajectories across every registered environment: `validate` replays them to the bit, and a snapshot taken at a
// random step goes on to the bit in another instance. 300 of them; SPAROA_GYM_FULL=1 plays 10,000.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Rng } from '../base/random/rng.js';
import { createSimulator } from '../engine/simulator/simulator.js';
import type { Trace } from '../engine/trace.js';
import { text } from '../env/gym/check/check.js';
import type { Env, Info } from '../env/gym/env.js';
import type { Mask } from '../env/gym/spaces/space.js';
import { type WrapperSpec, wrap } from '../env/gym/wrappers/registry.js';
import { loadProfile, profileVariants } from '../predictor/profiles/profile.js';
import '../env/environments.js';
import { openScenario } from '../engine/scenario.js';
import { defaultObservation } from '../env/observations/observation-spaces.js';
import { PlacementEnv } from '../env/placement/placement-env.js';
import { scenarioUnder } from '../env/randomisation/situation.js';
import { environmentOf, schedulingIds } from '../env/register.js';
import { ShareEnv } from '../env/share/share-env.js';
import { StreamEnv } from '../env/stream/env.js';
import { defaultLoad, parseStreamOptions, streamEnvId } from '../env/stream/options.js';
import { streamOutcome } from '../env/stream/outcome.js';
import { openStreamSetting } from '../env/stream/setting.js';
import { randomGraph } from '../test/fixtures/random-graph.js';
import { episodeRow, replay, type TrajectoryRow, writeTrajectories } from './results/trajectories.js';
import { streamTrajectoryRow } from './tasks/stream-rows.js';
import { validateTrajectories } from './validate.js';

type AnyEnv = Env<Float32Array, Float32Array | number>;

const full = process.env.SPAROA_GYM_FULL === '1';
const trajectories = full ? 10_000 : 300;
/** Trajectories of one subject: making environments would take most of the time, or playing where episodes are long. */
const perSubject = (id: string): number => (full ? 40 : id === 'SparOA/Branches-v0' || id === streamEnvId ? 5 : 20);

const folder = mkdtempSync(join(tmpdir(), 'sparoa-gym-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const models = ['model://mobilenetv3-small?size=32', 'model://resnet18?size=32'];
const profiles = profileVariants('profile://jetson-agx-orin');
const pick = <T>(rng: Rng, items: readonly T[]): T => items[rng.integer(items.length)]!;

/** What is played: twins made alike, and the row of an episode where `validate` has a name for it. */
interface Subject {
  readonly label: string;
  readonly env: AnyEnv;
  readonly twin: AnyEnv;
  readonly row: ((seed: number, played: Played) => TrajectoryRow) | null;
  /** Snapshots are taken up to 30 times so many steps into an episode. */
  readonly stride: number;
}

const lookaheads = [0, 1, 4, 9];
const observations = [
  defaultObservation,
  ['progress', 'residency'],
  ['history', 'device', 'graph', 'units'],
  ['state', 'progress'],
] as const;
const rewards = [
  {},
  { reward: 'deadline', deadline: 0.8 },
  { reward: 'weighted', weights: { latency: 0.25 } },
] as const;

/** By id from the registry, as a row of trajectories.csv names it. */
async function registered(rng: Rng, id: string): Promise<Subject> {
  const [model, profile] = [pick(rng, models), pick(rng, profiles)];
  const alike = () => ({
    lookahead: pick(rng, lookaheads),
    observation: pick(rng, observations),
    ...pick(rng, rewards),
  });
  const own: Record<string, Record<string, unknown>> = {
    'SparOA/Share-v0': { shares: pick(rng, ['binary', 'split'] as const), ...alike() },
    'SparOA/Placement-v0': alike(),
  };
  const options = own[id] ?? {};
  const opened = await openScenario(model, profile);
  const scenario = rng.integer(8) === 0 ? scenarioUnder(opened, { load: null }) : opened;
  const make = () => environmentOf(id, scenario, options) as unknown as AnyEnv;
  const env = make();
  return {
    label: `${id} ${JSON.stringify(options)} ${model} ${profile} ${scenario.conditions.execution}`,
    env,
    twin: make(),
    row: (seed, { actions, total, info }) =>
      episodeRow(env as never, { seed, info, actions, return: total, scheduler: 'fuzz' }),
    stride: 1,
  };
}

/** A small random setting of SparOA/Stream-v0. */
async function streams(rng: Rng): Promise<Subject> {
  const deadlineMs = pick(rng, [null, 5]);
  const options = parseStreamOptions({
    models: pick(rng, [[models[0]!], [models[1]!], models]),
    modes: pick(rng, [null, ['maxn', '15w']]),
    modeMeanMs: 10,
    load: pick(rng, [null, defaultLoad, { kind: 'recorded', samples: [{ atMs: 0, cpu: 0.5, gpu: 0, memory: 0.2 }] }]),
    requests: 1 + rng.integer(4),
    arrivals: pick(rng, ['poisson', 'periodic'] as const),
    ratePerS: pick(rng, [50, 1000]),
    deadlineMs,
    missPenaltyMs: deadlineMs === null ? 0 : 2,
    batches: pick(rng, [[1], [1, 2]]),
    monitorMs: pick(rng, [0, 3]),
    decisionMsPerUnit: pick(rng, [0, 0.014]),
    shares: pick(rng, ['binary', 'split'] as const),
    lookahead: pick(rng, lookaheads),
  });
  const setting = await openStreamSetting(options);
  return {
    label: `${streamEnvId} ${JSON.stringify(options)}`,
    env: new StreamEnv(setting) as unknown as AnyEnv,
    twin: new StreamEnv(setting) as unknown as AnyEnv,
    row: (seed, { actions, total, info }) =>
      streamTrajectoryRow(
        setting,
        { scheduler: 'fuzz', seed },
        { return: total, actions: actions as Float32Array[], outcome: streamOutcome(info) },
      ),
    // Into later batches too.
    stride: 20,
  };
}

/** A random graph, execution and stack of wrappers, for which `validate` has no name. */
function random(rng: Rng): Subject {
  const graph = randomGraph(rng, { units: 1 + rng.integer(24), maxFanOut: 1 + rng.integer(5) });
  const profile = loadProfile(pick(rng, profiles));
  const executor = createSimulator(profile);
  const execution = pick(rng, ['serial', 'serial', 'overlap'] as const);
  const mode = profile.axes.mode;
  const conditions = { seed: rng.integer(1000), execution, mode, load: null, memoryBudgetBytes: null };
  const placement = rng.integer(2) === 0;
  const shares = placement ? 'binary' : pick(rng, ['binary', 'split'] as const);
  const lookahead = pick(rng, lookaheads);
  const wrappers: WrapperSpec[] = [
    { name: 'TimeLimit', options: { maxSteps: 1 + rng.integer(graph.units.length + 2) } },
    { name: 'NormalizeObservation', options: {} },
    { name: 'NormalizeReward', options: { gamma: rng.uniform() } },
    { name: 'FrameStack', options: { size: 1 + rng.integer(3), padding: pick(rng, ['reset', 'zero']) } },
    { name: 'RecordEpisodeStatistics', options: { episodes: 3 } },
    { name: 'PassiveChecker', options: {} },
  ].filter(() => rng.integer(2) === 0);
  const make = (): AnyEnv => {
    const env = new ShareEnv({ graph, executor, costs: executor.costs(graph), conditions, shares, lookahead });
    return wrap((placement ? new PlacementEnv(env) : env) as never, wrappers) as AnyEnv;
  };
  return {
    label: `random ${graph.units.length} ${shares} ${execution} ${wrappers.map(({ name }) => name)}`,
    env: make(),
    twin: make(),
    row: null,
    stride: 1,
  };
}

interface Played {
  readonly actions: (Float32Array | number)[];
  readonly texts: string[];
  readonly total: number;
  readonly info: Info;
  readonly ended: 'terminated' | 'truncated';
}

/** The rest of an episode, and `at` step `at` what it calls back. */
function play(env: AnyEnv, first: Info, rng: Rng, at: number, then: () => void): Played {
  const [actions, texts]: [(Float32Array | number)[], string[]] = [[], []];
  let [total, info] = [0, first];
  for (;;) {
    if (actions.length === at) then();
    const action = env.actionSpace.sample(rng, (info.actionMask as Mask | undefined) ?? null);
    const result = env.step(action);
    actions.push(action);
    texts.push(text(result));
    total += result.reward;
    info = result.info;
    if (result.terminated || result.truncated)
      return { actions, texts, total, info, ended: result.terminated ? 'terminated' : 'truncated' };
  }
}

const repeat = (env: AnyEnv, actions: readonly (Float32Array | number)[]) =>
  actions.map((action) => text(env.step(action)));

test(`${trajectories} random trajectories replay to the bit, and go on to the bit from a snapshot`, {
  tags: 'gate',
  timeout: 3_600_000,
}, async () => {
  const ids = [...schedulingIds(), streamEnvId];
  const rows: TrajectoryRow[] = [];
  for (let done = 0, number = 0; done < trajectories; number++) {
    const rng = Rng.of(number, 'fuzz');
    const id = ids[(number >> 1) % ids.length]!;
    const named = () => (id === streamEnvId ? streams(rng) : registered(rng, id));
    const { env, twin, row, stride, label } = number % 2 ? random(rng) : await named();
    const count = perSubject(number % 2 ? '' : id);
    for (let k = 0; k < count && done < trajectories; k++, done++) {
      const where = `subject ${number}, trajectory ${k}: ${label}`;
      const seed = rng.integer(2 ** 31);
      const before = env.snapshot!();
      const reset = env.reset({ seed });
      let state = '';
      const at = rng.integer(1 + stride * Math.min(29, k));
      const episode = play(env, reset.info, rng, at, () => {
        state = JSON.stringify(env.snapshot!());
      });
      twin.restore!(JSON.parse(JSON.stringify(before)));
      expect(text(twin.reset({ seed })), where).toBe(text(reset));
      expect(repeat(twin, episode.actions), where).toEqual(episode.texts);
      if (state !== '') {
        twin.restore!(JSON.parse(state));
        expect(repeat(twin, episode.actions.slice(at)), `${where}, from step ${at}`).toEqual(episode.texts.slice(at));
      }
      const { actions, info } = episode;
      const trace = info.trace as Trace | undefined;
      if (row && trace) rows.push(row(seed, episode));
      else if (trace && env.guarantees!.deterministic) {
        const again = replay(env, actions, seed);
        expect([again.return, again.trace.makespanMs], where).toEqual([episode.total, trace.makespanMs]);
      }
    }
  }
  const path = join(folder, 'trajectories.csv');
  writeTrajectories(path, rows);
  expect(await validateTrajectories(path)).toEqual({ rows: rows.length, measured: 0, failures: [] });
  expect(rows.length).toBeGreaterThanOrEqual(trajectories / 3);
});
