// SparOA/Placement-v0 against SparOA/Share-v0 and brute force.

import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { serialConditions as conditions } from '../../test/fixtures/serial-conditions.js';
import { checkEnv } from '../gym/check/check-env.js';
import { make } from '../gym/registry.js';
import { ShareEnv } from '../share/share-env.js';
import { PlacementEnv } from './placement-env.js';
import './placement-options.js';

const executor = createSimulator(loadProfile('profile://jetson-agx-orin'));

function pair(seed: number, units: number) {
  const graph = randomGraph(Rng.of(seed, 'placement-env'), { units, maxFanOut: 4 });
  // Every fifth unit is one device's only.
  const bound = graph.units.map((unit) => (unit.id % 5 === 3 ? { ...unit, onlyOn: (unit.id % 2) as 0 | 1 } : unit));
  const problem = { graph: { ...graph, units: bound }, executor, costs: executor.costs(graph), conditions };
  return { share: new ShareEnv(problem), placement: new PlacementEnv(new ShareEnv(problem)) };
}

describe('SparOA/Placement-v0', () => {
  test('conforms to the contract, masks included', async () => {
    const { skipped, advice } = await checkEnv(() => pair(0, 24).placement);
    expect([skipped, advice]).toEqual([[], []]);
  });

  test('is SparOA/Share-v0 with shares 0 and 1', () => {
    for (let seed = 0; seed < 10; seed++) {
      const { share, placement } = pair(seed, 20);
      const rng = Rng.of(seed, 'placement-actions');
      let { info } = placement.reset({ seed });
      share.reset({ seed });
      for (const { id } of placement.graph.units) {
        const action = placement.actionSpace.sample(rng, info.actionMask as Uint8Array);
        const { info: next, ...result } = placement.step(action);
        const { info: expected, ...same } = share.step(Float32Array.of(action));
        expect(result, `seed ${seed}, unit ${id}`).toEqual(same);
        const { actionMask: _, ...rest } = next;
        expect(rest).toEqual(expected);
        info = next;
      }
    }
  });

  test('every path that the masks leave is a schedule, and the best of them is brute force’s', () => {
    const { placement, share } = pair(3, 9);
    const { graph } = placement;
    let best = Number.NEGATIVE_INFINITY;
    let paths = 0;
    const explore = (env: PlacementEnv, mask: Uint8Array, total: number): void => {
      for (const action of [0, 1].filter((one) => mask[one])) {
        const fork = env.fork();
        const { reward, terminated, info } = fork.step(action);
        if (!terminated) explore(fork, info.actionMask as Uint8Array, total + reward);
        else best = Math.max(best, total + reward);
        paths += Number(terminated);
      }
    };
    explore(placement, placement.reset({ seed: 0 }).info.actionMask as Uint8Array, 0);
    const free = graph.units.filter(({ onlyOn }) => onlyOn === null);
    expect(paths).toBe(2 ** free.length);
    const latenciesMs = Array.from({ length: paths }, (_, code) => {
      const shares = graph.units.map((unit) => unit.onlyOn ?? (code >> free.indexOf(unit)) & 1);
      return executor.run(graph, Schedule.of(graph, shares), conditions).makespanMs;
    });
    expect(best).toBeCloseTo(-Math.min(...latenciesMs) / share.referenceMs, 12);
  });

  test('refuses what the mask forbids, and what is no device', () => {
    const { placement } = pair(0, 10);
    placement.reset({ seed: 0 });
    for (let unit = 0; unit < 3; unit++) placement.step(0);
    expect(() => placement.step(0)).toThrow(/device 0 cannot run unit 3 .*\n.*info.actionMask/);
    expect(() => placement.step(0.5)).toThrow(/0.5 is not in Discrete\(2\)/);
    placement.step(1);
  });

  test('is made by its id, without shares', async () => {
    const env = await make('SparOA/Placement-v0', { model: 'model://mobilenetv3-small?size=32', lookahead: 1 });
    expect(env.reset().info.actionMask).toEqual(Uint8Array.of(1, 1));
    await expect(
      make('SparOA/Placement-v0', { model: 'model://mobilenetv3-small', shares: 'split' } as never),
    ).rejects.toThrow(/Placement-v0: .*shares.*\nKnown: .*lookahead/);
  });
});
