// Observations by name, against what the execution itself says: held fractions, rewards, the graph.

import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import { makeGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { serialConditions as conditions } from '../../test/fixtures/serial-conditions.js';
import { checkEnv } from '../gym/check/check-env.js';
import { make, makeFromSpec, specOf } from '../gym/registry.js';
import { makeVector } from '../gym/vector/make-vector.js';
import { PlacementEnv } from '../placement/placement-env.js';
import { ShareEnv } from '../share/share-env.js';
import type { ShareProblem } from '../share/share-problem.js';
import type { GraphInfo } from './graph-block.js';
import { type ObservationName, observationSpaces, shareObservation } from './observation-spaces.js';
import '../placement/placement-options.js';

const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));
const names = Object.keys(observationSpaces) as ObservationName[];

function problem(seed: number, observation: readonly ObservationName[], units = 12): ShareProblem {
  const graph = randomGraph(Rng.of(seed, 'observation-spaces'), { units, maxFanOut: 4 });
  return { graph, executor, costs: executor.costs(graph), conditions, observation };
}

/** Of the environment's observation, by name. */
function column(env: ShareEnv, observation: Float32Array, name: string): number {
  const at = env.observationNames.indexOf(name);
  expect(at, name).toBeGreaterThanOrEqual(0);
  return observation[at]!;
}

describe('a selection', () => {
  const selections: readonly ObservationName[][] = [names, ['residency', 'progress'], ['history', 'graph'], ['device']];
  test.each(selections.map((selected) => ({ selected })))(
    'conforms to the contract: $selected',
    async ({ selected }) => {
      const share = await checkEnv(() => new ShareEnv({ ...problem(0, selected), shares: 'split' }));
      const placement = await checkEnv(() => new PlacementEnv(new ShareEnv(problem(1, selected))));
      expect([share.advice, placement.advice, placement.skipped]).toEqual([[], [], []]);
    },
  );

  test('has the columns of each name in the order given, and they are what they are in any other company', () => {
    const whole = new ShareEnv(problem(2, names));
    const alone = names.map((name) => new ShareEnv(problem(2, [name])));
    expect(whole.observationNames).toEqual(alone.flatMap(({ observationNames }) => observationNames));
    expect(new Set(whole.observationNames).size).toBe(whole.observationNames.length);
    const rng = Rng.of(2, 'actions');
    const parts = () => alone.map((env) => env.reset({ seed: 0 }).observation);
    expect([...whole.reset({ seed: 0 }).observation]).toEqual(parts().flatMap((part) => [...part]));
    for (let unit = 0; unit < 12; unit++) {
      const action = whole.actionSpace.sample(rng);
      const separate = alone.flatMap((env) => [...env.step(action).observation]);
      expect([...whole.step(action).observation]).toEqual(separate);
    }
  });

  test('is refused when it is empty, unknown or double, and when residency has too few slots', () => {
    const of = (observation: readonly string[]) => () =>
      new ShareEnv(problem(0, observation as readonly ObservationName[]));
    expect(of([])).toThrow(/list is empty.*\n.*units, class/s);
    expect(of(['unit'])).toThrow(/"unit" is unknown.*\n.*"units"/s);
    expect(of(['units', 'class', 'units'])).toThrow(/"units" is given twice/);
    const [first, second] = problem(0, ['progress']).graph.units;
    const outputs = Array.from({ length: 17 }, (_, i) => i + 1);
    const draft = { name: '', type: 'float', shape: [1], bytes: 4, graphOutput: false };
    const wide = makeGraph(
      'operator',
      [
        { ...first!, inputs: [0], outputs },
        { ...second!, inputs: outputs, outputs: [18] },
      ],
      Array.from({ length: 19 }, (_, i) => ({ ...draft, graphOutput: i === 18 })),
    );
    expect(() => new ShareEnv({ ...problem(0, ['residency']), graph: wide, costs: executor.costs(wide) })).toThrow(
      /16 slots, and up to 17 tensors.*\nChoose "moves"/,
    );
  });

  test('survives JSON specs, vectors and lists of models, and is an identity that states are checked for', async () => {
    const options = { model: 'model://mobilenetv3-small?size=32', observation: ['residency', 'history'] as const };
    const env = await make('SparOA/Placement-v0', options);
    const spec = JSON.parse(JSON.stringify(specOf(env)));
    const again = (await makeFromSpec(spec)) as unknown as PlacementEnv;
    expect(again.observationNames).toEqual(env.observationNames);
    expect(env.options).toEqual({ lookahead: 4, observation: 'residency,history' });
    const text = await make('SparOA/Placement-v0', { ...options, observation: 'residency,history' as never });
    expect(text.options).toEqual(env.options);
    env.reset({ seed: 0 });
    const vector = await makeVector(spec, { count: 3, autoreset: 'same-step' });
    vector.reset({ seed: 0 });
    const size = env.observationSpace.flatSize;
    for (const action of [0, 1, 1, 0, 1]) {
      const { observations } = vector.step(Int32Array.of(action, 1 - action, action));
      expect(observations.subarray(0, size)).toEqual(env.step(action).observation);
    }
    const state = env.snapshot();
    expect(() => new PlacementEnv(new ShareEnv(problem(0, ['units']))).restore(state)).toThrow(/residency,history/);
    const models = [options.model, 'model://resnet18?size=32'];
    const chosen = ['residency', 'device', 'graph', 'history', 'units'] as const;
    const listed = await make('SparOA/Share-v0', { model: models, observation: chosen });
    const { observation, info } = listed.reset({ seed: 0 });
    expect(listed.observationSpace.contains(observation)).toBe(true);
    expect((info.graph as GraphInfo).units).toBeGreaterThan(20);
  });
});

/** Every state that some actions lead to, with what the next action brings: reward and next observation. */
function futures(env: ShareEnv): Map<string, { rewards: number[]; next: string }[]> {
  const known = new Map<string, { rewards: number[]; next: string }[]>();
  const explore = (at: ShareEnv, observation: Float32Array): void => {
    const branches = [0, 1].map((action) => {
      const fork = at.fork();
      return { fork, result: fork.step(Float32Array.of(action)) };
    });
    const key = `${observation}`;
    const seen = known.get(key) ?? [];
    known.set(key, seen);
    seen.push({
      rewards: branches.map(({ result }) => result.reward),
      next: branches.map(({ result }) => `${result.observation}`).join('|'),
    });
    for (const { fork, result } of branches) if (!result.terminated) explore(fork, result.observation);
  };
  explore(env, env.reset({ seed: 0 }).observation);
  return known;
}

/** How far equal observations are from equal futures: the largest difference of rewards, and of next observations. */
function ambiguity(observation: readonly ObservationName[]): { rewards: number; next: number } {
  let [rewards, next] = [0, 0];
  for (let seed = 0; seed < 3; seed++)
    for (const [first, ...others] of futures(new ShareEnv(problem(seed, observation, 8))).values())
      for (const other of others) {
        rewards = Math.max(
          rewards,
          ...other.rewards.map((reward, action) => Math.abs(reward - first!.rewards[action]!)),
        );
        next += Number(other.next !== first!.next);
      }
  return { rewards, next };
}

describe('Markov', () => {
  test('with residency and progress, equal observations have equal futures, in all 2^8 schedules of 3 graphs', () => {
    // Rewards are differences of clocks, which are rounded.
    const { rewards, next } = ambiguity(['progress', 'residency']);
    expect(rewards).toBeLessThan(1e-12);
    expect(next).toBe(0);
  });

  test('without residency they have not', () => {
    expect(ambiguity(['progress', 'class']).rewards).toBeGreaterThan(0.01);
  });
});

describe('what the names show', () => {
  test('residency: the fractions of live tensors that the execution holds, soonest use first', () => {
    for (let seed = 0; seed < 10; seed++) {
      const one = problem(seed, ['residency']);
      const env = new ShareEnv({ ...one, shares: 'split' });
      const run = executor.begin(one.graph, conditions);
      const rng = Rng.of(seed, 'residency');
      let { observation } = env.reset({ seed: 0 });
      for (const { id } of one.graph.units) {
        const live = one.graph.tensors
          .map(({ id: tensor, consumers }) => ({ tensor, use: consumers.find((consumer) => consumer >= id) }))
          .filter(({ tensor, use }) => use !== undefined && run.state.held(tensor, 0) + run.state.held(tensor, 1) > 0)
          .sort((a, b) => a.use! - b.use! || a.tensor - b.tensor);
        const expected = live.flatMap(({ tensor, use }) => [
          run.state.held(tensor, 0),
          run.state.held(tensor, 1),
          (use! - id) / one.graph.units.length,
        ]);
        const padded = Float32Array.from({ length: observation.length }, (_, i) => expected[i] ?? 0);
        expect(observation, `seed ${seed}, unit ${id}`).toEqual(padded);
        const action = env.actionSpace.sample(rng);
        run.decide(id, env.shareOf(id, action[0]!));
        ({ observation } = env.step(action));
      }
    }
  });

  test('device: nothing changes when the whole board is a thousand times slower; another board is another device', () => {
    const { graph, costs } = problem(3, ['device']);
    const slower: CostTable = {
      unitMs: (...args) => 1000 * costs.unitMs(...args),
      transferMs: (...args) => 1000 * costs.transferMs(...args),
      launchMs: (device) => 1000 * costs.launchMs(device),
      syncMs: 1000 * costs.syncMs,
    };
    const nano = createSimulator(loadProfile('profile://jetson-orin-nano')).costs(graph);
    const show = (of: CostTable) => {
      const observation = shareObservation({ graph, costs: of, referenceMs: 1, lookahead: 0 }, ['device']);
      const out = new Float32Array(observation.size);
      observation.write(0, executor.begin(graph, conditions).state, out);
      return [...out];
    };
    for (const [i, value] of show(slower).entries()) expect(value).toBeCloseTo(show(costs)[i]!, 5);
    expect(show(nano)).not.toEqual(show(costs));
  });

  test('graph: an edge for each tensor that a unit writes and another reads; the place in it; copies of one’s own', () => {
    const env = new ShareEnv(problem(4, ['graph']));
    const { info, observation } = env.reset({ seed: 0 });
    const { units, tensors } = env.graph;
    const graph = info.graph as GraphInfo;
    const edges = [...graph.from].map((from, e) => [from, graph.to[e], graph.tensor[e]].join());
    const expected = units.flatMap(({ id, inputs }) =>
      inputs.filter((tensor) => tensors[tensor]!.producer !== null).map((t) => [tensors[t]!.producer, id, t].join()),
    );
    expect(edges.toSorted()).toEqual(expected.toSorted());
    expect(graph.unitFeatures).toHaveLength(units.length * graph.unitFeatureNames.length);
    expect(graph.edgeFeatures).toHaveLength(2 * edges.length);
    expect(Math.round(observation[0]! * graph.units)).toBe(0);
    for (const { id } of units) {
      const result = env.step(Float32Array.of(1));
      expect(Math.round(result.observation[0]! * graph.units)).toBe(id + 1);
      expect(result.info.graph).toBeUndefined();
    }
    graph.unitFeatures.fill(7);
    expect((env.reset().info.graph as GraphInfo).unitFeatures).not.toEqual(graph.unitFeatures);
  });

  test('history: the last four shares, and times in units of a typical one, the latest first', () => {
    const env = new ShareEnv({ ...problem(5, ['history']), shares: 'split' });
    const rng = Rng.of(5, 'history');
    const past: [share: number, time: number][] = [];
    env.reset({ seed: 0 });
    for (const { id } of env.graph.units) {
      const action = env.actionSpace.sample(rng);
      const { observation, reward } = env.step(action);
      past.unshift([env.shareOf(id, action[0]!), Math.asinh(-reward * env.graph.units.length)]);
      for (let k = 0; k < 4; k++) {
        expect(column(env, observation, `past${k + 1}.share`)).toBeCloseTo(past[k]?.[0] ?? 0, 6);
        expect(column(env, observation, `past${k + 1}.time`)).toBeCloseTo(Math.min(10, past[k]?.[1] ?? 0), 4);
      }
    }
  });
});
