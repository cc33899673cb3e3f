// The conformance suite finds what it claims to find: for each rule an environment that breaks it.
import { describe, expect, test } from 'vitest';
import { conformanceViolations } from './conformance.js';
import type { Env, StepResult } from './env.js';
import { Box } from './spaces/box.js';

/** Counts to 5; the reward is the action. */
class Counter implements Env {
  readonly observationSpace = new Box(0, 5, [1]);
  readonly actionSpace = new Box(0, 1, [1]);
  protected count = 5;

  reset() {
    this.count = 0;
    return { observation: this.observe(), info: {} };
  }

  step(action: Float32Array): StepResult<Float32Array> {
    if (this.count >= 5 || !this.actionSpace.contains(action)) throw new Error('refused');
    this.count += 1;
    return {
      observation: this.observe(),
      reward: action[0]!,
      terminated: this.count === 5,
      truncated: false,
      info: {},
    };
  }

  protected observe(): Float32Array {
    return Float32Array.of(this.count);
  }

  close() {}
}

test('a sound environment has no violation', async () => {
  expect(await conformanceViolations(() => new Counter())).toEqual([]);
});

describe('a broken environment is found:', () => {
  let instances = 0;
  const shared = Float32Array.of(0);
  const broken: [string, RegExp, new () => Env][] = [
    [
      'observation out of bounds',
      /outside the observation space/,
      class extends Counter {
        protected override observe() {
          return Float32Array.of(this.count + 1);
        }
      },
    ],
    [
      'observation of another type',
      /outside the observation space/,
      class extends Counter {
        protected override observe() {
          return [this.count] as unknown as Float32Array;
        }
      },
    ],
    [
      'instances that differ',
      /two instances|two observations/,
      class extends Counter {
        readonly #offset = instances++ % 2;
        override step(action: Float32Array) {
          const result = super.step(action);
          return { ...result, reward: result.reward + this.#offset };
        }
      },
    ],
    [
      'a reused buffer',
      /overwrites/,
      class extends Counter {
        protected override observe() {
          shared[0] = this.count;
          return shared;
        }
      },
    ],
    [
      'a reward that is not finite',
      /not finite/,
      class extends Counter {
        override step(action: Float32Array) {
          return { ...super.step(action), reward: Number.NaN };
        }
      },
    ],
    [
      'no end',
      /not over after/,
      class extends Counter {
        override step(action: Float32Array) {
          this.count = 0;
          return { ...super.step(action), terminated: false };
        }
      },
    ],
    [
      'steps after the end',
      /after the end/,
      class extends Counter {
        override step(action: Float32Array) {
          if (this.count >= 5) this.count = 4;
          return super.step(action);
        }
      },
    ],
    [
      'both kinds of end',
      /both terminated and truncated/,
      class extends Counter {
        override step(action: Float32Array) {
          const result = super.step(action);
          return { ...result, truncated: result.terminated };
        }
      },
    ],
  ];
  test.each(broken)('%s', async (_name, violation, Broken) => {
    expect((await conformanceViolations(() => new Broken(), { maxSteps: 50 })).join('\n')).toMatch(violation);
  });
});
