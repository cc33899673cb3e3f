// The board's state in the observations of Share, Placement and Branches, against the load process; and a policy that reads it against
// the best schedule that does not.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { boardQuantities } from '../../engine/board-state.js';
import type { Conditions } from '../../engine/conditions.js';
import { type LoadProcess, loadIntervals, steadyLoad } from '../../engine/load-process.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { BranchesEnv } from '../branches/branches-env.js';
import { checkEnv } from '../gym/check/check-env.js';
import type { Env } from '../gym/env.js';
import { make } from '../gym/registry.js';
import { PlacementEnv } from '../placement/placement-env.js';
import { DomainRandomisation } from '../randomisation/domain-randomisation.js';
import { ShareEnv } from '../share/share-env.js';
import { defaultObservation } from './observation-spaces.js';
import '../branches/branches-options.js';
import '../placement/placement-options.js';

const load: LoadProcess = {
  kind: 'markov',
  states: [
    { cpu: 0.1, gpu: 0.6, memory: 0.2, meanMs: 0.5, cpuClock: 0.7, gpuClock: 0.9, cpuCelsius: 60, memoryUsed: 0.4 },
    { cpu: 0.7, gpu: 0, memory: 0, meanMs: 0.3, gpuCelsius: 85, memoryUsed: 0.9 },
    { cpu: 0, gpu: 0, memory: 0, meanMs: 0.4 },
  ],
};
const conditions: Conditions = { seed: 0, execution: 'overlap', mode: '15w', load, memoryBudgetBytes: null };
const executor = createSimulator(loadProfile('profile://jetson-agx-orin?mode=15w'));
const stateNames = boardQuantities.map((name) => `state.${name}`);

function problem(seed: number) {
  const graph = randomGraph(Rng.of(seed, 'state-block'), { units: 12, maxFanOut: 4 });
  return { graph, executor, costs: executor.costs(graph), conditions };
}
const share = (seed: number) => new ShareEnv({ ...problem(seed), observation: ['progress', 'state'] });
const branches = (seed: number) =>
  new BranchesEnv({ ...problem(seed), lanes: 2, budget: 2, window: 4, observation: ['ready', 'slot', 'state'] });
const envs = {
  'SparOA/Share-v0': share,
  'SparOA/Placement-v0': (seed: number) => new PlacementEnv(share(seed)),
  'SparOA/Branches-v0': branches,
} as const;

describe.each(Object.entries(envs))('%s', (_, envOf) => {
  test('conforms to the contract with the block, beside a load that changes', async () => {
    const { advice } = await checkEnv(() => envOf(0) as Env);
    expect(advice).toEqual([]);
  });

  test('says at every step what the load process of the episode says at the clock, after forks and snapshots too', () => {
    for (let seed = 0; seed < 5; seed++) {
      const env = envOf(seed);
      const at = env.observationNames.indexOf('state.load0');
      expect(env.observationNames.slice(at, at + stateNames.length)).toEqual(stateNames);
      const rng = Rng.of(seed, 'actions');
      const act = (mask: unknown) => env.actionSpace.sample(rng, mask as never) as never;
      let { observation, info } = env.reset({ seed }) as { observation: Float32Array; info: Record<string, unknown> };
      const seen: [ms: number, state: number[]][] = [[0, [...observation.subarray(at, at + stateNames.length)]]];
      for (let over = false; !over; ) {
        const [fork, state] = [env.fork(), env.snapshot()];
        const action = act(info.actionMask);
        const result = env.step(action);
        expect([...fork.step(action).observation]).toEqual([...result.observation]);
        if (rng.uniform() < 0.3) {
          env.restore(state);
          expect([...env.step(action).observation]).toEqual([...result.observation]);
        }
        ({ observation, info } = result as typeof result & { info: Record<string, unknown> });
        seen.push([info.objectiveMs as number, [...observation.subarray(at, at + stateNames.length)]]);
        over = result.terminated || result.truncated;
      }
      const { conditions: own } = info.trace as { conditions: Conditions };
      for (const [ms, state] of seen) {
        let level: Record<string, number> = {};
        for (const interval of loadIntervals(own.load!, own.seed)) {
          if (interval.fromMs > ms) break;
          level = interval as unknown as Record<string, number>;
        }
        const { cpu, gpu, memory, cpuClock = 1, gpuClock = 1, cpuCelsius = 0, gpuCelsius = 0, memoryUsed = 0 } = level;
        const expected = [cpu!, gpu!, memory!, cpuClock, gpuClock, state[5]!, state[6]!];
        expect(state).toEqual([...expected, cpuCelsius / 100, gpuCelsius / 100, memoryUsed].map(Math.fround));
        // 15 W allows less than maxn of either device.
        expect(state[5]).toBeLessThan(1);
        expect(state[6]).toBeLessThan(1);
      }
    }
  });
});

test('the default observations have no state, and keep their columns', async () => {
  const { observation: _, ...plain } = { ...problem(1), observation: undefined };
  const [byDefault, named] = [new ShareEnv(plain), new ShareEnv({ ...plain, observation: defaultObservation })];
  expect(byDefault.observationNames).toEqual(named.observationNames);
  expect(byDefault.observationNames.join()).not.toContain('state.');
  const ofBranches = (observation?: readonly ['ready', 'slot', 'position']) =>
    new BranchesEnv({ ...plain, lanes: 2, budget: 2, window: 4, observation });
  const [a, b] = [ofBranches(), ofBranches(['ready', 'slot', 'position'])];
  expect(a.observationNames).toEqual(b.observationNames);
  expect(a.observationNames).toHaveLength(4 * 12 + 11 + 12);
  expect([a.options, b.options]).toEqual([plainOptions, plainOptions]);
  expect([...a.reset({ seed: 3 }).observation]).toEqual([...b.reset({ seed: 3 }).observation]);
});
const plainOptions = { lanes: 2, budget: 2, window: 4 };

test('is chosen by name where environments are made, also as the text of a recorded row', async () => {
  for (const observation of [['ready', 'state'] as const, 'ready,state' as unknown as readonly ['ready']]) {
    const env = (await make('SparOA/Branches-v0', {
      model: 'model://mobilenetv3-small',
      profile: 'profile://pixel-4',
      observation,
    })) as BranchesEnv;
    expect(env.options.observation).toBe('ready,state');
    expect(env.observationNames.slice(-stateNames.length)).toEqual(stateNames);
    env.close();
  }
  const bad = make('SparOA/Branches-v0', { observation: ['ready', 'sate'] as never });
  await expect(bad).rejects.toThrow(/observation/);
  await expect(make('SparOA/Branches-v0', { observation: ['ready', 'ready'] })).rejects.toThrow(/twice/);
});

test('a policy that reads the load is faster than the best schedule that does not, where the load varies', async () => {
  const options = { model: 'model://mobilenetv3-small', profile: 'profile://pixel-4' } as const;
  const inner = await make('SparOA/Placement-v0', { ...options, observation: ['progress', 'device', 'state'] });
  const loads = [
    { cpu: 0, gpu: 0.95, memory: 0 },
    { cpu: 0.95, gpu: 0, memory: 0 },
  ].map(steadyLoad);
  const env = new DomainRandomisation(inner as never as Env<Float32Array, number>, { loads });
  const names = (inner as PlacementEnv).observationNames;
  const column = (name: string) => names.indexOf(name);
  const latencyMs = (policy: (observation: Float32Array) => number): number => {
    let sum = 0;
    for (let seed = 0; seed < 12; seed++) {
      let { observation, info } = env.reset({ seed });
      for (let over = false; !over; ) {
        const result = env.step(policy(observation));
        ({ observation, info } = result);
        over = result.terminated || result.truncated;
      }
      sum += info.objectiveMs as number;
    }
    return sum / 12;
  };
  const blind = [0, 1].map((device) => latencyMs(() => device));
  const reading = latencyMs((observation) =>
    Number(observation[column('state.load1')]! < observation[column('state.load0')]!),
  );
  expect(reading).toBeLessThan(0.7 * Math.min(...blind));
  env.close();
});
