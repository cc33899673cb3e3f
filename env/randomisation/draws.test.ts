// Episodes that are drawn, of a list of models and by DomainRandomisation: each is what the environment of what was drawn
// plays alone.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { LoadProcess } from '../../engine/load-process.js';
import type { Trace } from '../../engine/trace.js';
import { checkEnv } from '../gym/check/check-env.js';
import type { Env, Info } from '../gym/env.js';
import { type EnvSpec, make, makeFromSpec, specOf } from '../gym/registry.js';
import { makeVector } from '../gym/vector/make-vector.js';
import { TimeLimit } from '../gym/wrappers/episode.js';
import '../branches/branches-options.js';
import { DomainRandomisation } from './domain-randomisation.js';
import '../placement/placement-options.js';
import { environmentOf } from '../register.js';
import '../share/share-options.js';
import { type Drawn, scenarioUnder, situated } from './situation.js';

const models = ['model://mobilenetv3-small?size=32', 'model://resnet18?size=32'] as const;
const profiles = [
  'profile://jetson-agx-orin?mode=maxn',
  'profile://jetson-orin-nano',
  'profile://jetson-agx-orin?mode=15w',
];
const busy: LoadProcess = { kind: 'recorded', samples: [{ atMs: 0, cpu: 0.5, gpu: 0.25, memory: 0.25 }] };
const loads = [null, busy];

type AnyEnv = Env<Float32Array, unknown>;

/** An episode: what was drawn, its actions and how it ended. */
function episode(env: AnyEnv, rng: Rng, seed?: number) {
  const reset = env.reset(seed === undefined ? {} : { seed });
  const actions: unknown[] = [];
  let info: Info = reset.info;
  for (let total = 0; ; ) {
    const action = env.actionSpace.sample(rng, (info.actionMask ?? null) as Uint8Array | null);
    const result = env.step(action);
    total += result.reward;
    actions.push(action);
    info = result.info;
    if (result.terminated || result.truncated) return { drawn: reset.info.drawn as Drawn, actions, total, info };
  }
}

describe('a list of models', () => {
  test.each(['SparOA/Share-v0', 'SparOA/Placement-v0', 'SparOA/Branches-v0'] as const)(
    '%s plays one per episode, with the same spaces, as the environment of that model alone does',
    async (id) => {
      const env = (await make(id, { model: models })) as unknown as AnyEnv;
      const alone = new Map<string, AnyEnv>();
      for (const model of models) {
        const single = (await make(id, { model })) as unknown as AnyEnv;
        alone.set(situated(single).scenario.model.uri, single);
        expect(JSON.stringify([single.observationSpace, single.actionSpace])).toBe(
          JSON.stringify([env.observationSpace, env.actionSpace]),
        );
      }
      const rng = Rng.of(0, 'models');
      const counts = new Map<string, number>();
      for (let i = 0; i < 8; i++) {
        const { drawn, actions, total, info } = episode(env, rng, i === 0 ? 5 : undefined);
        counts.set(drawn.model!, (counts.get(drawn.model!) ?? 0) + 1);
        expect(situated(env).scenario.model.uri).toBe(drawn.model);
        const single = alone.get(drawn.model!)!;
        single.reset({ seed: drawn.seed });
        const results = actions.map((action) => single.step(action));
        expect(results.reduce((sum, { reward }) => sum + reward, 0)).toBe(total);
        expect(info).toEqual({ ...results.at(-1)!.info, drawn });
      }
      expect(counts.size).toBe(models.length);
    },
  );

  test('conforms to the contract', async () => {
    const { skipped, advice } = await checkEnv(() => make('SparOA/Placement-v0', { model: models }));
    expect([skipped, advice]).toEqual([[], []]);
  });

  test('refuses none, and one twice', async () => {
    await expect(make('SparOA/Share-v0', { model: [] })).rejects.toThrow(/model is \[\].*\nGive/);
    await expect(make('SparOA/Share-v0', { model: [models[0], models[0]] })).rejects.toThrow(/in the list twice/);
  });
});

describe('DomainRandomisation', () => {
  const randomised = async () =>
    new DomainRandomisation(await make('SparOA/Placement-v0', { model: models }), { profiles, loads });

  test('conforms to the contract', async () => {
    const base = await make('SparOA/Branches-v0', { model: models[1] });
    const { skipped } = await checkEnv(() => new DomainRandomisation(base.fork(), { profiles, loads }));
    expect(skipped.map(({ check }) => check)).toEqual(['stepInto', 'reward sign']);
  });

  test('draws board, load and model of each episode from its seed, evenly, and says so', async () => {
    const env = await randomised();
    const draws = (count: number, seed: number) =>
      Array.from({ length: count }, (_, i) => env.reset(i === 0 ? { seed } : {}).info.drawn as Drawn);
    const drawn = draws(120, 3);
    const kinds = new Map<string, number>();
    for (const { model, profile, load } of drawn) {
      const key = JSON.stringify([model, profile, load]);
      kinds.set(key, (kinds.get(key) ?? 0) + 1);
    }
    expect(kinds.size).toBe(models.length * profiles.length * loads.length);
    // 10 of each expected: 4 standard deviations.
    for (const count of kinds.values()) expect(Math.abs(count - 10)).toBeLessThan(4 * Math.sqrt(10));
    expect(draws(5, 3)).toEqual(drawn.slice(0, 5));
    expect(draws(5, 4)).not.toEqual(drawn.slice(0, 5));
  });

  test('plays what the environment of the drawn profile and load plays', async () => {
    const env = await randomised();
    const rng = Rng.of(1, 'randomised');
    const scenarios = new Map(
      await Promise.all(
        models.map(async (model) => {
          const { scenario } = await make('SparOA/Share-v0', { model });
          return [scenario.model.uri, scenario] as const;
        }),
      ),
    );
    for (let i = 0; i < 6; i++) {
      const { drawn, actions, total, info } = episode(env, rng, i === 0 ? 9 : undefined);
      const trace = info.trace as Trace;
      expect([trace.conditions.execution, trace.conditions.load]).toEqual(['overlap', drawn.load]);
      const scenario = scenarioUnder(scenarios.get(drawn.model!)!, drawn);
      expect(scenario.platform.uri).toBe(drawn.profile);
      const alone = environmentOf('SparOA/Placement-v0', scenario, {}) as unknown as AnyEnv;
      alone.reset({ seed: drawn.seed });
      expect(actions.reduce((sum: number, action) => sum + alone.step(action).reward, 0)).toBe(total);
    }
  });

  test('goes through a JSON spec and back, under other wrappers', async () => {
    const env = new TimeLimit(await randomised(), { maxSteps: 3 });
    const spec = JSON.parse(JSON.stringify(specOf(env))) as Required<EnvSpec>;
    expect(spec.wrappers.map(({ name }) => name)).toEqual(['DomainRandomisation', 'TimeLimit']);
    const again = (await makeFromSpec(spec)) as AnyEnv;
    expect(episode(again, Rng.of(0, 'a'), 1)).toEqual(episode(env, Rng.of(0, 'a'), 1));
  });

  test.each(['next-step', 'same-step', 'disabled'] as const)(
    'is each row’s own in vectors, autoreset %s',
    async (autoreset) => {
      const spec: EnvSpec = {
        id: 'SparOA/Placement-v0',
        options: { model: models },
        wrappers: [
          { name: 'DomainRandomisation', options: { profiles } },
          { name: 'TimeLimit', options: { maxSteps: 4 } },
        ],
      };
      const [vector, alone] = [
        await makeVector<number>(spec, { count: 2, autoreset }),
        await makeVector<number>(spec, { count: 2, autoreset: 'disabled' }),
      ];
      const first = vector.reset({ seed: 7 }).infos.map(({ drawn }) => drawn);
      const drawn = alone.envs.map((env, i) =>
        [env.reset({ seed: 7 + i }), env.reset(), env.reset()].map(({ info }) => info.drawn),
      );
      expect(first).toEqual(drawn.map(([one]) => one));
      const seen: unknown[][] = [[first[0]], [first[1]]];
      for (let step = 0; step < 12 && seen[0]!.length < 3; step++) {
        const { truncated, resets, infos, finalInfos } = vector.step([0, 0]);
        for (const i of [0, 1]) {
          if (truncated[i]) expect(finalInfos[i]!.drawn).toEqual(seen[i]!.at(-1));
          if (autoreset === 'same-step' ? truncated[i] : resets[i]) seen[i]!.push(infos[i]!.drawn);
        }
        if (autoreset === 'disabled' && truncated[0])
          vector.reset({ only: Uint8Array.of(1, 1) }).infos.forEach(({ drawn: next }, i) => {
            seen[i]!.push(next);
          });
      }
      expect(seen).toEqual(drawn);
    },
  );

  test('refuses what it cannot draw or vary', async () => {
    const env = await make('SparOA/Share-v0', { model: models[0] });
    expect(() => new DomainRandomisation(env, {})).toThrow(/nothing is to be drawn/);
    expect(() => new DomainRandomisation(env, { profiles: ['profile://jetson-agx'] })).toThrow(/jetson-agx/);
    expect(() => new DomainRandomisation(new TimeLimit(env, { maxSteps: 2 }), { profiles })).toThrow(
      /TimeLimit cannot/,
    );
    const heavy: LoadProcess = { kind: 'recorded', samples: [{ atMs: 0, cpu: 1, gpu: 0, memory: 0 }] };
    expect(() => new DomainRandomisation(env, { loads: [heavy] })).toThrow(/cpu 1, outside/);
  });
});
