// Annealing against brute force over all placements of small random graphs, and against the episode that it begins with.
import { expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { createSimulator } from '../../../engine/simulator/simulator.js';
import { PlacementEnv } from '../../../env/placement/placement-env.js';
import { ShareEnv } from '../../../env/share/share-env.js';
import { loadProfile } from '../../../predictor/profiles/profile.js';
import { randomGraph } from '../../../test/fixtures/random-graph.js';
import { annealEpisodes } from './branch-annealing.js';

const executor = createSimulator(loadProfile('profile://jetson-orin-nano?mode=15w&precision=fp16&transfer=direct'));
const conditions = { seed: 0, execution: 'overlap', mode: '15w', load: null, memoryBudgetBytes: null } as const;

function envOf(seed: number, units: number): PlacementEnv {
  const graph = randomGraph(Rng.of(seed, 'annealing'), { units });
  const env = new PlacementEnv(new ShareEnv({ graph, executor, costs: executor.costs(graph), conditions }));
  env.reset({ seed: 0 });
  return env;
}

/** Every unit on the CPU where it can run there. */
const onCpu = (env: PlacementEnv) => () => {
  const mask = new Uint8Array(2);
  env.maskInto(mask);
  return Number(mask[0] === 0);
};

/** The best return from here on. */
function bestFrom(env: PlacementEnv): number {
  const mask = new Uint8Array(2);
  env.maskInto(mask);
  const returns = [0, 1].flatMap((action) => {
    if (mask[action] === 0) return [];
    const fork = env.fork();
    const { reward, terminated } = fork.step(action);
    return [reward + (terminated ? 0 : bestFrom(fork))];
  });
  return Math.max(...returns);
}

test('it finds the best of all placements of small graphs, on two devices at once', () => {
  for (let seed = 0; seed < 4; seed++) {
    const env = envOf(seed, 6);
    const { total } = annealEpisodes(
      env,
      [(fork) => onCpu(fork as unknown as PlacementEnv)],
      Rng.of(seed, 'test'),
      300,
    ).state;
    expect(total, `seed ${seed}`).toBeCloseTo(bestFrom(env), 9);
  }
});

test('it is never behind what it begins with, leaves the environment where it is, and finds the same again', () => {
  for (let seed = 0; seed < 3; seed++) {
    const env = envOf(seed, 16);
    const before = env.snapshot();
    const start = (fork: unknown) => onCpu(fork as PlacementEnv);
    const { state: found, evaluations } = annealEpisodes(env, [start], Rng.of(seed, 'test'), 30);
    expect(evaluations).toBe(30);
    const { state: alone } = annealEpisodes(env, [start], Rng.of(seed, 'test'), 1);
    expect(found.total).toBeGreaterThanOrEqual(alone.total);
    expect(env.snapshot()).toEqual(before);
    expect(annealEpisodes(env, [start], Rng.of(seed, 'test'), 30).state).toEqual(found);
    const played = found.actions.reduce((total: number, action) => total + env.step(action as number).reward, 0);
    expect(played).toBeCloseTo(found.total, 9);
  }
});

test('what cannot be forked, or has other actions, is refused', () => {
  const graph = randomGraph(Rng.of(0, 'annealing'), { units: 5 });
  const env = new ShareEnv({ graph, executor, costs: executor.costs(graph), conditions });
  expect(() => annealEpisodes(env, [], Rng.of(0, 'test'))).toThrow(/discrete actions on forks/);
});
