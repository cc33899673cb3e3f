// Random trajectories across every registered environment: `validate` replays them to the bit, and a snapshot taken at a
// random step goes on to the bit in another instance. 300 of them; SPAROA_GYM_FULL=1 plays 10,000.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeCsv } from '../base/files/csv.js';
import { Stream } from '../base/random/stream.js';
import { loadProfile, profileVariants } from '../engine/device/profile.js';
import { createSimulator } from '../engine/simulator/simulator.js';
import type { Trace } from '../engine/trace.js';
import { text } from '../env/gym/check/check.js';
import type { Env, Info } from '../env/gym/env.js';
import { environmentIds, makeFromSpec } from '../env/gym/registry.js';
import type { Mask } from '../env/gym/spaces/space.js';
import { type WrapperSpec, wrap } from '../env/gym/wrappers/registry.js';
import '../env/scheduling/environments.js';
import { PlacementEnv } from '../env/scheduling/placement-env.js';
import { openScenario } from '../env/scheduling/scenario.js';
import { ShareEnv } from '../env/scheduling/share-env.js';
import { shareEnvOf } from '../env/scheduling/share-options.js';
import { randomGraph } from '../models/random-graph.js';
import {
  actionNumbers,
  encodeActions,
  queryOf,
  replay,
  type TrajectoryRow,
  trajectoryColumns,
} from './trajectories.js';
import { validateTrajectories } from './validate.js';

type AnyEnv = Env<Float32Array, unknown>;

const full = process.env.SPAROA_GYM_FULL === '1';
const trajectories = full ? 10_000 : 300;
/** Trajectories of one subject: making environments would take most of the time. */
const perSubject = full ? 40 : 15;

const folder = mkdtempSync(join(tmpdir(), 'sparoa-gym-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const models = ['model://mobilenetv3-small?size=32', 'model://resnet18?size=32'];
const profiles = profileVariants('profile://jetson-agx-orin');
const pick = <T>(stream: Stream, items: readonly T[]): T => items[stream.integer(items.length)]!;

/** What is played: twins made alike, and how `validate` would name an episode; null where it has no name for it. */
interface Subject {
  readonly label: string;
  readonly env: AnyEnv;
  readonly twin: AnyEnv;
  readonly row: Pick<
    TrajectoryRow,
    'env' | 'envOptions' | 'model' | 'modelHash' | 'profile' | 'profileHash' | 'conditions'
  > | null;
}

const lookaheads = [0, 1, 4, 9];

/** By id from the registry, as a row of trajectories.csv names it. */
async function registered(stream: Stream, id: string): Promise<Subject> {
  const [model, profile] = [pick(stream, models), pick(stream, profiles)];
  const lookahead = pick(stream, lookaheads);
  const overlap = stream.integer(4) === 0 && id === 'SparOA/Share-v0';
  const scenario = await openScenario(model, profile);
  const { platform, conditions } = scenario;
  const shares = pick(stream, ['binary', 'split'] as const);
  const own: Record<string, Record<string, string | number>> = {
    'SparOA/Share-v0': { shares, lookahead },
    'SparOA/Placement-v0': { lookahead },
  };
  const options = own[id] ?? {};
  const make = async () =>
    overlap
      ? shareEnvOf({ ...scenario, conditions: { ...conditions, regime: 'overlap' } }, { shares, lookahead })
      : await makeFromSpec({ id, options: { model, profile, ...options }, wrappers: [] });
  const { modelHash } = scenario.model;
  const regime = overlap ? 'overlap' : 'serial';
  return {
    label: `${id} ${queryOf(options)} ${model} ${profile} ${regime}`,
    env: (await make()) as AnyEnv,
    twin: (await make()) as AnyEnv,
    row: {
      env: id,
      envOptions: queryOf(options),
      model,
      modelHash,
      profile: platform.uri,
      profileHash: platform.hash,
      conditions: queryOf({ regime, mode: conditions.mode }),
    },
  };
}

/** A random graph, regime and stack of wrappers, for which `validate` has no name. */
function random(stream: Stream): Subject {
  const graph = randomGraph(stream, { units: 1 + stream.integer(24), maxFanOut: 1 + stream.integer(5) });
  const profile = loadProfile(pick(stream, profiles));
  const executor = createSimulator(profile);
  const regime = pick(stream, ['serial', 'serial', 'overlap'] as const);
  const mode = profile.axes.mode;
  const conditions = { seed: stream.integer(1000), regime, mode, load: null, memoryBudgetBytes: null };
  const placement = stream.integer(2) === 0;
  const shares = placement ? 'binary' : pick(stream, ['binary', 'split'] as const);
  const lookahead = pick(stream, lookaheads);
  const wrappers: WrapperSpec[] = [
    { name: 'TimeLimit', options: { maxSteps: 1 + stream.integer(graph.units.length + 2) } },
    { name: 'NormalizeObservation', options: {} },
    { name: 'NormalizeReward', options: { gamma: stream.uniform() } },
    { name: 'FrameStack', options: { size: 1 + stream.integer(3), padding: pick(stream, ['reset', 'zero']) } },
    { name: 'RecordEpisodeStatistics', options: { episodes: 3 } },
    { name: 'PassiveChecker', options: {} },
  ].filter(() => stream.integer(2) === 0);
  const make = (): AnyEnv => {
    const env = new ShareEnv({ graph, executor, costs: executor.costs(graph), conditions, shares, lookahead });
    return wrap((placement ? new PlacementEnv(env) : env) as never, wrappers) as AnyEnv;
  };
  return {
    label: `random ${graph.units.length} ${shares} ${regime} ${wrappers.map(({ name }) => name)}`,
    env: make(),
    twin: make(),
    row: null,
  };
}

interface Played {
  readonly actions: unknown[];
  readonly texts: string[];
  readonly total: number;
  readonly info: Info;
  readonly ended: 'terminated' | 'truncated';
}

/** The rest of an episode, and `at` step `at` what it calls back. */
function play(env: AnyEnv, first: Info, stream: Stream, at: number, then: () => void): Played {
  const [actions, texts]: [unknown[], string[]] = [[], []];
  let [total, info] = [0, first];
  for (;;) {
    if (actions.length === at) then();
    const action = env.actionSpace.sample(stream, (info.actionMask as Mask | undefined) ?? null);
    const result = env.step(action);
    actions.push(action);
    texts.push(text(result));
    total += result.reward;
    info = result.info;
    if (result.terminated || result.truncated)
      return { actions, texts, total, info, ended: result.terminated ? 'terminated' : 'truncated' };
  }
}

const repeat = (env: AnyEnv, actions: readonly unknown[]) => actions.map((action) => text(env.step(action)));

test(`${trajectories} random trajectories replay to the bit, and go on to the bit from a snapshot`, {
  timeout: 3_600_000,
}, async () => {
  const ids = environmentIds().filter((id) => id.startsWith('SparOA/'));
  const rows: TrajectoryRow[] = [];
  for (let done = 0, number = 0; done < trajectories; number++) {
    const stream = Stream.of(number, 'fuzz');
    const subject = number % 2 ? random(stream) : await registered(stream, ids[(number >> 1) % ids.length]!);
    const { env, twin, row, label } = subject;
    for (let k = 0; k < perSubject && done < trajectories; k++, done++) {
      const where = `subject ${number}, trajectory ${k}: ${label}`;
      const seed = stream.integer(2 ** 31);
      const before = env.snapshot!();
      const reset = env.reset({ seed });
      let state = '';
      const at = stream.integer(Math.min(30, k + 1));
      const episode = play(env, reset.info, stream, at, () => {
        state = JSON.stringify(env.snapshot!());
      });
      twin.restore!(JSON.parse(JSON.stringify(before)));
      expect(text(twin.reset({ seed })), where).toBe(text(reset));
      expect(repeat(twin, episode.actions), where).toEqual(episode.texts);
      if (state !== '') {
        twin.restore!(JSON.parse(state));
        expect(repeat(twin, episode.actions.slice(at)), `${where}, from step ${at}`).toEqual(episode.texts.slice(at));
      }
      const actions = episode.actions.map((action) => actionNumbers(env.actionSpace, action));
      const trace = episode.info.trace as Trace | undefined;
      if (row !== null && trace) {
        const { makespanMs: latencyMs, kind } = trace;
        rows.push({
          ...row,
          seed,
          scheduler: 'fuzz',
          actions: encodeActions(actions),
          return: episode.total,
          latencyMs,
          energyMj: null,
          kind,
          phase: 'final',
        });
      } else if (trace && env.guarantees!.deterministic) {
        const again = replay(env, actions, seed);
        expect([again.return, again.trace.makespanMs], where).toEqual([episode.total, trace.makespanMs]);
      }
    }
  }
  const path = join(folder, 'trajectories.csv');
  writeCsv(path, trajectoryColumns, rows as never);
  expect(await validateTrajectories(path)).toEqual({ rows: rows.length, measured: 0, failures: [] });
  expect(rows.length).toBeGreaterThanOrEqual(trajectories / 3);
});
