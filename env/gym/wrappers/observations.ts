// Wrappers that change the form of observations. Semantics of Gymnasium 1.4: transform_observation.py
// (FlattenObservation) and stateful_observation.py (FrameStackObservation).
import { z } from 'zod';
import { InputError } from '../../../base/errors/input-error.js';
import type { Env, EnvState, ResetOptions, ResetResult, StepResult } from '../env.js';
import { parseOptions } from '../options.js';
import { Box } from '../spaces/box.js';
import { Wrapper } from './wrapper.js';

/** Observations of any space as one vector; `env.observationSpace.unflatten` goes back. */
export class FlattenObservation<InnerObservation, Action> extends Wrapper<
  Float32Array,
  Action,
  InnerObservation,
  Action
> {
  constructor(env: Env<InnerObservation, Action>, options: Readonly<Record<string, never>> = {}) {
    const { low, high } = env.observationSpace.flatBounds();
    super(env, parseOptions('FlattenObservation', z.strictObject({}), options), {
      observation: new Box(low, high, [low.length]),
    });
  }

  override reset(options?: ResetOptions): ResetResult<Float32Array> {
    const { observation, info } = this.env.reset(options);
    return { observation: this.env.observationSpace.flatten(observation), info };
  }

  override step(action: Action): StepResult<Float32Array> {
    const { observation, ...rest } = this.env.step(action);
    return { observation: this.env.observationSpace.flatten(observation), ...rest };
  }
}

const stackOptions = z.strictObject({
  size: z.int().positive().max(65_536),
  padding: z.enum(['reset', 'zero']).default('reset'),
});

/**
 * The last `size` observations, oldest first, as one array of shape [size, ...shape]. Before there are so many, `padding`
 * stands for the missing ones: the first observation of the episode (`reset`, default) or zeros.
 */
export class FrameStack<Action> extends Wrapper<Float32Array, Action> {
  readonly #padding: 'reset' | 'zero';
  readonly #frame: number;
  readonly #stack: Float32Array;

  /** @throws InputError when the observations are no Box, or an option is bad */
  constructor(env: Env<Float32Array, Action>, options: z.input<typeof stackOptions>) {
    const inner = env.observationSpace;
    if (!(inner instanceof Box))
      throw new InputError(
        `FrameStack: the observations are ${inner}, not a Box.`,
        'Wrap in FlattenObservation first.',
      );
    const { size, padding } = parseOptions('FrameStack', stackOptions, options);
    super(env, options, {
      observation: new Box(repeat(inner.low, size, padding, Math.min), repeat(inner.high, size, padding, Math.max), [
        size,
        ...inner.shape,
      ]),
    });
    this.#padding = padding;
    this.#frame = inner.flatSize;
    this.#stack = new Float32Array(size * inner.flatSize);
  }

  override reset(options?: ResetOptions): ResetResult<Float32Array> {
    const { observation, info } = super.reset(options);
    this.#stack.fill(0);
    if (this.#padding === 'reset')
      for (let at = 0; at < this.#stack.length; at += this.#frame) this.#stack.set(observation, at);
    return { observation: this.#push(observation), info };
  }

  override step(action: Action): StepResult<Float32Array> {
    const result = super.step(action);
    return { ...result, observation: this.#push(result.observation) };
  }

  #push(observation: Float32Array): Float32Array {
    this.#stack.copyWithin(0, this.#frame);
    this.#stack.set(observation, this.#stack.length - this.#frame);
    return this.#stack.slice();
  }

  protected override save(): EnvState {
    return { stack: [...this.#stack] };
  }

  protected override load({ stack }: EnvState): void {
    this.#stack.set(stack as number[]);
  }
}

/** The bounds of each frame; padding zeros lie within those of all but the last. */
function repeat(
  bounds: Float32Array,
  size: number,
  padding: 'reset' | 'zero',
  widest: (a: number, b: number) => number,
): Float32Array {
  return Float32Array.from({ length: size * bounds.length }, (_, i) => {
    const bound = bounds[i % bounds.length]!;
    return padding === 'zero' && i < (size - 1) * bounds.length ? widest(bound, 0) : bound;
  });
}
