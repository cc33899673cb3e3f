import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { advantagesInto, type RolloutValues } from './advantages.js';

/** Eq. 16 of the paper as the sum that it is, written per environment. */
function summed(steps: RolloutValues, count: number, gamma: number, lambda: number): number[] {
  return Array.from({ length: count }, (_, t) => {
    const own = Array.from({ length: count - t }, (_, i) => t + i).filter((i) => steps.env[i] === steps.env[t]);
    let sum = 0;
    for (const [l, i] of own.entries()) {
      const terminated = steps.terminated[i] === 1;
      const cut = steps.truncated[i] === 1 || l === own.length - 1;
      const following = terminated ? 0 : cut ? steps.lastValue[i]! : steps.value[own[l + 1]!]!;
      sum += (gamma * lambda) ** l * (steps.reward[i]! + gamma * following - steps.value[i]!);
      if (terminated || cut) break;
    }
    return sum;
  });
}

test('advantages of 200 random rollouts are the sums of the paper', () => {
  for (let seed = 0; seed < 200; seed++) {
    const rng = Rng.of(seed, 'advantages');
    const [count, envs] = [1 + rng.integer(40), 1 + rng.integer(4)];
    const [gamma, lambda] = [rng.uniform(), rng.uniform()];
    const flags = (rate: number) => Uint8Array.from({ length: count }, () => Number(rng.uniform() < rate));
    const numbers = () => Float32Array.from({ length: count }, () => rng.normal());
    const terminated = flags(0.2);
    const steps: RolloutValues = {
      env: Int32Array.from({ length: count }, () => rng.integer(envs)),
      reward: numbers(),
      value: numbers(),
      terminated,
      truncated: flags(0.2).map((flag, i) => (terminated[i] === 1 ? 0 : flag)),
      lastValue: numbers(),
    };
    const advantages = new Float32Array(count);
    advantagesInto(advantages, steps, count, envs, { gamma, lambda });
    for (const [t, expected] of summed(steps, count, gamma, lambda).entries())
      expect(advantages[t]!, `seed ${seed}, step ${t}`).toBeCloseTo(expected, 5);
  }
});

test('with lambda 1 and value 0 they are the discounted returns', () => {
  const zeros = new Float32Array(3);
  const advantages = new Float32Array(3);
  const steps = {
    env: new Int32Array(3),
    reward: Float32Array.of(1, 2, 4),
    value: zeros,
    terminated: Uint8Array.of(0, 0, 1),
    truncated: new Uint8Array(3),
    lastValue: zeros,
  };
  advantagesInto(advantages, steps, 3, 1, { gamma: 0.5, lambda: 1 });
  expect([...advantages]).toEqual([1 + 0.5 * 2 + 0.25 * 4, 2 + 0.5 * 4, 4]);
});
