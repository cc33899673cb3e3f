// The checker finds what it claims to find: for each check at least one environment that breaks just that, and a message
// that says so.
import { describe, expect, test } from 'vitest';
import { RandomWalk } from '../../../test/fixtures/random-walk.js';
import type { Env, EnvState, Guarantees, ResetOptions, StepOutcome, StepResult } from '../env.js';
import { Box } from '../spaces/box.js';
import { Discrete } from '../spaces/discrete.js';
import { ClipAction, RescaleAction } from '../wrappers/actions.js';
import { OrderEnforcing, RecordEpisodeStatistics, TimeLimit } from '../wrappers/episode.js';
import { NormalizeObservation, NormalizeReward } from '../wrappers/normalize.js';
import { FlattenObservation, FrameStack } from '../wrappers/observations.js';
import { PassiveChecker } from '../wrappers/passive-checker.js';
import { checkEnv, checks } from './check-env.js';

/** A walk whose actions are steps of 0, 1 or 2; from 3 on a step of 2 is forbidden. */
class MaskedWalk implements Env<Float32Array, number> {
  readonly observationSpace = new Box(0, 20, [1]);
  readonly actionSpace = new Discrete(3);
  readonly guarantees: Guarantees = { deterministic: true, restorable: true };
  protected position = 0;
  protected steps = 8;

  reset() {
    this.position = 0;
    this.steps = 0;
    return { observation: Float32Array.of(0), info: this.info() };
  }

  step(action: number): StepResult<Float32Array> {
    if (this.steps >= 8 || !this.allows(action)) throw new Error('refused');
    this.position += action;
    this.steps += 1;
    return {
      observation: Float32Array.of(this.position),
      reward: action,
      terminated: this.steps === 8,
      truncated: false,
      info: this.info(),
    };
  }

  protected allows(action: number): boolean {
    return this.actionSpace.contains(action) && (action < 2 || this.position < 3);
  }

  info(): Record<string, unknown> {
    return { actionMask: Uint8Array.of(1, 1, Number(this.position < 3)) };
  }

  snapshot(): EnvState {
    return { position: this.position, steps: this.steps };
  }

  restore({ position, steps }: EnvState): void {
    this.position = position as number;
    this.steps = steps as number;
  }

  fork() {
    const copy = new (this.constructor as new () => MaskedWalk)();
    copy.restore(this.snapshot());
    return copy;
  }

  close() {}
}

/** Shared on purpose, by environments that are to be found out. */
const shared = { instances: 0, position: 0, buffer: new Float32Array(2), list: [1] };

type Broken = new () => Env<unknown, unknown>;
const broken: readonly [check: string, flaw: string, message: RegExp, Class: Broken][] = [
  [
    'order',
    'steps before the first reset',
    /step\(\) before the first reset\(\) does not throw/,
    class extends RandomWalk {
      override step(action: Float32Array) {
        if (!this.rng) this.reset();
        return super.step(action);
      }
    },
  ],
  [
    'spaces',
    'has an action space that does not contain its samples',
    /actionSpace Box\(-1, 1, \[1\]\) does not contain its own sample: it has element 0 = 2/,
    class extends RandomWalk {
      override readonly actionSpace = Object.assign(new Box(-1, 1, [1]), { sample: () => Float32Array.of(2) });
    },
  ],
  [
    'spaces',
    'lacks a space',
    /observationSpace is undefined, not a space/,
    class extends RandomWalk {
      override readonly observationSpace = undefined as never;
    },
  ],
  [
    'reset result',
    'starts out of bounds',
    /reset\(\) returns an observation outside the observation space Box.*element 0 = 99/,
    class extends RandomWalk {
      override reset() {
        return { ...super.reset(), observation: Float32Array.of(99, 0) };
      }
    },
  ],
  [
    'reset options',
    'takes no options',
    /an exception: no options/,
    class extends RandomWalk {
      override reset(options: ResetOptions = {}) {
        if (options.options) throw new Error('no options');
        return super.reset(options);
      }
    },
  ],
  [
    'step result',
    'leaves the bounds late in the episode',
    /step 6: step\(\) returns an observation outside .* element 1 = 7/,
    class extends RandomWalk {
      protected override observe(out: Float32Array) {
        super.observe(out);
        if (out[1] === 6) out[1] = 7;
      }
    },
  ],
  [
    'step result',
    'pays NaN',
    /step 1: step\(\) returns the reward NaN, not a finite number/,
    class extends RandomWalk {
      override step(action: Float32Array) {
        return { ...super.step(action), reward: Number.NaN };
      }
    },
  ],
  [
    'step result',
    'gives 1 for true',
    /terminated = 0, not true or false/,
    class extends RandomWalk {
      override step(action: Float32Array) {
        const result = super.step(action);
        return { ...result, terminated: Number(result.terminated) as never };
      }
    },
  ],
  [
    'first step',
    'truncates at once',
    /truncated after one step/,
    class extends RandomWalk {
      override step(action: Float32Array) {
        return { ...super.step(action), truncated: true };
      }
    },
  ],
  [
    'fresh objects',
    'reuses its buffer',
    /what reset\(\) returned is overwritten/,
    class extends RandomWalk {
      override reset(options?: ResetOptions) {
        const result = super.reset(options);
        shared.buffer.set(result.observation);
        return { ...result, observation: shared.buffer };
      }
      override step(action: Float32Array) {
        const result = super.step(action);
        shared.buffer.set(result.observation);
        return { ...result, observation: shared.buffer };
      }
    },
  ],
  [
    'fresh objects',
    'shares an object of its infos',
    /reset\(\) and step\(\) 1 share result.info.list/,
    class extends RandomWalk {
      override info() {
        return { ...super.info(), list: shared.list };
      }
    },
  ],
  [
    'render',
    'draws nothing',
    /render\("ansi"\) after reset\(\) returns undefined, not text/,
    class extends RandomWalk {
      override render(mode: string) {
        if (mode !== 'ansi') throw new Error('no such mode');
        return undefined as never;
      }
    },
  ],
  [
    'render',
    'draws any mode',
    /render\("no mode"\) does not throw/,
    class extends RandomWalk {
      override render() {
        return 'o';
      }
    },
  ],
  [
    'end',
    'does not end',
    /not over after 50 steps/,
    class extends RandomWalk {
      override step(action: Float32Array) {
        this.steps = 0;
        return { ...super.step(action), terminated: false };
      }
    },
  ],
  [
    'end',
    'goes on after the end',
    /step\(\) after the end does not throw/,
    class extends RandomWalk {
      override step(action: Float32Array) {
        if (this.rng && this.steps === 6) this.steps = 5;
        return super.step(action);
      }
    },
  ],
  [
    'bad action',
    'takes any action',
    /step\(\) takes "no action"/,
    class extends RandomWalk {
      override step(action: Float32Array) {
        return super.step(this.actionSpace.contains(action) ? action : Float32Array.of(0));
      }
    },
  ],
  [
    'reset seed',
    'ignores the seed',
    /reset\(\{ seed: 0 \}\) twice: the results differ from call 1 on/,
    class extends RandomWalk {
      override reset() {
        return super.reset({});
      }
    },
  ],
  [
    'replay',
    'remembers the episode before',
    /an episode played twice: the results differ from call 4 on/,
    class extends RandomWalk {
      #drift = 0;
      override stepInto(action: Float32Array, observation: Float32Array): Readonly<StepOutcome> {
        if (this.steps === 2) this.position += this.#drift++ / 8;
        return super.stepInto(action, observation);
      }
    },
  ],
  [
    'instances',
    'differs from instance to instance',
    /two instances with one seed and the same actions: the results differ from call 2 on/,
    class extends RandomWalk {
      readonly #offset = shared.instances++ % 2;
      override step(action: Float32Array) {
        const result = super.step(action);
        return { ...result, reward: result.reward - this.#offset };
      }
    },
  ],
  [
    'independence',
    'keeps its position in a variable of the module',
    /an episode while another instance plays: the results differ/,
    class extends RandomWalk {
      override reset(options?: ResetOptions) {
        const result = super.reset(options);
        shared.position = this.position;
        return result;
      }
      override stepInto(action: Float32Array, observation: Float32Array) {
        this.position = shared.position;
        const outcome = super.stepInto(action, observation);
        shared.position = this.position;
        return outcome;
      }
    },
  ],
  [
    'snapshot',
    'forgets the random stream',
    /restored to step 0: the results differ from call 1 on/,
    class extends RandomWalk {
      override restore({ stream: _, ...state }: EnvState) {
        super.restore({ ...state, stream: this.snapshot().stream });
      }
    },
  ],
  [
    'snapshot',
    'gives what JSON does not keep',
    /state.at is Float32Array \[0.5, 0\], which JSON text does not keep/,
    class extends RandomWalk {
      override snapshot() {
        return { ...super.snapshot(), at: Float32Array.of(0.5, 0) };
      }
    },
  ],
  [
    'fork',
    'shares its stream with forks',
    /after a fork at step 0 went its way: the results differ/,
    class extends RandomWalk {
      override fork() {
        const copy = super.fork() as this;
        copy.rng = this.rng;
        return copy;
      }
    },
  ],
  [
    'stepInto',
    'writes another observation',
    /step\(\) and stepInto\(\): the results differ from call 1 on/,
    class extends RandomWalk {
      override step(action: Float32Array) {
        const result = super.step(action);
        return { ...result, observation: result.observation.map((x) => x / 2) };
      }
    },
  ],
  [
    'stepInto',
    'writes another first observation',
    /reset\(\) and resetInto\(\): the results differ from call 1 on/,
    class extends RandomWalk {
      resetInto(observation: Float32Array, options?: ResetOptions) {
        observation.set(this.reset(options).observation.map((x) => x / 2));
      }
    },
  ],
  [
    'masks',
    'takes what the mask forbids',
    /step \d: step\(\) takes 2, which the mask Uint8Array \[1, 1, 0\] forbids/,
    class extends MaskedWalk {
      protected override allows() {
        return true;
      }
    },
  ],
  [
    'masks',
    'refuses what the mask allows',
    /step \d: step\(\) refuses 2, which the mask allows/,
    class extends MaskedWalk {
      override info() {
        return { actionMask: Uint8Array.of(1, 1, 1) };
      }
    },
  ],
  [
    'masks',
    'maskInto writes another mask than the info has',
    /step \d: maskInto\(\) writes Uint8Array \[1, 1, 1\], the info has the mask Uint8Array \[1, 1, 0\]/,
    class extends MaskedWalk {
      maskInto(mask: Uint8Array) {
        mask.fill(1);
        return true;
      }
    },
  ],
  [
    'masks',
    'changes with a refused action',
    /an episode with refused actions in between: the results differ/,
    class extends MaskedWalk {
      override step(action: number) {
        if (!this.allows(action)) this.position += 1;
        return super.step(action);
      }
    },
  ],
  [
    'masks',
    'allows nothing',
    /nothing can be sampled from Discrete\(3\) under the mask Uint8Array \[0, 0, 0\]/,
    class extends MaskedWalk {
      override info() {
        return { actionMask: new Uint8Array(3) };
      }
    },
  ],
  [
    'reward sign',
    'pays for distance',
    /seed 0: the reward of step 1 is .*, not nonpositive/,
    class extends RandomWalk {
      override stepInto(action: Float32Array, observation: Float32Array) {
        const { reward, ...outcome } = super.stepInto(action, observation);
        return { reward: -reward, ...outcome };
      }
    },
  ],
  [
    'telescoping',
    'loses a part of its cost',
    /seed 0: rewards add up to -.*, but the return of the last info is -/,
    class extends RandomWalk {
      override info() {
        return { ...super.info(), cost: 0.999 * this.cost };
      }
    },
  ],
  [
    'conservation',
    'loses a step',
    /seed 0: an episode has 5 steps instead of 6/,
    class extends RandomWalk {
      override info() {
        return { ...super.info(), steps: Math.min(5, this.steps) };
      }
    },
  ],
  [
    'close',
    'closes once',
    /close\(\) on a closed environment throws/,
    class extends RandomWalk {
      #open = true;
      override close() {
        if (!this.#open) throw new Error('closed already');
        this.#open = false;
      }
    },
  ],
];

const stack = (env: Env): Env =>
  new PassiveChecker(
    new FlattenObservation(
      new FrameStack(
        new RecordEpisodeStatistics(
          new TimeLimit(new ClipAction(new RescaleAction(new OrderEnforcing(env), { min: -3, max: 3 })), {
            maxSteps: 5,
          }),
        ),
        { size: 2, padding: 'zero' },
      ),
    ),
  );

describe('a sound environment passes', () => {
  test.each([
    ['RandomWalk', () => new RandomWalk(), ['masks']],
    ['MaskedWalk', () => new MaskedWalk(), ['render', 'stepInto', 'reward sign', 'telescoping', 'conservation']],
    ['a stack of wrappers', () => stack(new RandomWalk()), ['masks', 'stepInto']],
    [
      'one with moments that outlive a reset',
      () => new NormalizeReward(new NormalizeObservation(new RandomWalk())),
      ['masks', 'reset seed', 'replay', 'instances', 'independence', 'snapshot', 'fork', 'stepInto', 'telescoping'],
    ],
    ['a wrapped one', () => new FrameStack(new RandomWalk(), { size: 3 }), ['masks', 'stepInto']],
  ] as [string, () => Env<unknown, unknown>, string[]][])('%s', async (_name, create, skipped) => {
    const report = await checkEnv(create);
    expect(report.skipped.map(({ check }) => check)).toEqual(skipped);
    expect(report.passed.length + report.advice.length + skipped.length).toBe(checks.length);
  });
});

describe('an environment is found that', () => {
  test.each(broken)('%s: %s', async (check, _flaw, message, Class) => {
    const failure = checkEnv(() => new Class(), { maxSteps: 50 });
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toThrow(`\n- ${check}: `);
  });

  test('is only advised: infinite bounds, wide actions, seeds without effect', async () => {
    class Unbounded extends RandomWalk {
      override readonly observationSpace = new Box(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, [2]);
    }
    expect((await checkEnv(() => new Unbounded())).advice.join()).toMatch(
      /space limits: an observation Box has infinite/,
    );
    class Wide extends RandomWalk {
      override readonly actionSpace = new Box(-2, 2, [1]);
    }
    expect((await checkEnv(() => new Wide())).advice.join()).toMatch(/neither symmetric within \[-1, 1\]/);
    expect((await checkEnv(() => new MaskedWalk())).advice.join()).toMatch(/seeds differ: two seeds lead to one state/);
  });
});

test('every check has an environment that fails it', () => {
  const advised = ['space limits', 'seeds differ'];
  expect(checks.map(({ name }) => name).sort()).toEqual(
    [...new Set([...broken.map(([check]) => check), ...advised])].sort(),
  );
});
