// Wrappers that change what an agent's actions mean. Semantics of Gymnasium 1.4, gymnasium/wrappers/transform_action.py.
import { z } from 'zod';
import { InputError } from '../../../base/errors/input-error.js';
import type { Env, StepResult } from '../env.js';
import { parseOptions } from '../options.js';
import { Box } from '../spaces/box.js';
import { Wrapper } from './wrapper.js';

/** Any real action; what the environment gets is the nearest one of its Box. */
export class ClipAction<Observation> extends Wrapper<Observation, Float32Array> {
  readonly #inner: Box;

  /** @throws InputError when the environment's actions are no Box */
  constructor(env: Env<Observation, Float32Array>, options: Readonly<Record<string, never>> = {}) {
    const inner = boxActions('ClipAction', env);
    super(env, parseOptions('ClipAction', z.strictObject({}), options), {
      action: new Box(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, inner.shape),
    });
    this.#inner = inner;
  }

  override step(action: Float32Array): StepResult<Observation> {
    checkAction('ClipAction', this.actionSpace as Box, action);
    return super.step(action.map((x, i) => Math.min(Math.max(x, this.#inner.low[i]!), this.#inner.high[i]!)));
  }
}

const rescaleOptions = z.strictObject({
  min: z.union([z.number(), z.array(z.number())]),
  max: z.union([z.number(), z.array(z.number())]),
});

/** Actions between `min` and `max` (numbers, or one for each element), mapped linearly onto the environment's Box. */
export class RescaleAction<Observation> extends Wrapper<Observation, Float32Array> {
  readonly #outer: Box;
  readonly #inner: Box;

  /** @throws InputError when the environment's actions are no Box, a bound is infinite, or `min` is not below `max` */
  constructor(env: Env<Observation, Float32Array>, options: z.input<typeof rescaleOptions>) {
    const inner = boxActions('RescaleAction', env);
    const { min, max } = parseOptions('RescaleAction', rescaleOptions, options);
    const outer = new Box(min, max, inner.shape);
    super(env, options, { action: outer });
    this.#outer = outer;
    this.#inner = inner;
    const bad = outer.low.findIndex((low, i) => !(low < outer.high[i]!));
    if (bad >= 0) {
      throw new InputError(
        `RescaleAction: element ${bad} is to lie in [${outer.low[bad]}, ${outer.high[bad]}].`,
        'Give a min below the max.',
      );
    }
    if (![...inner.low, ...inner.high].every(Number.isFinite))
      throw new InputError(`RescaleAction: ${inner} has infinite bounds.`, 'Clip instead, or bound the actions.');
  }

  override step(action: Float32Array): StepResult<Observation> {
    checkAction('RescaleAction', this.#outer, action);
    const { low, high } = this.#inner;
    return super.step(
      action.map((x, i) => {
        const [min, max] = [this.#outer.low[i]!, this.#outer.high[i]!];
        // Rounding may lead past a bound.
        return Math.min(Math.max(low[i]! + ((high[i]! - low[i]!) * (x - min)) / (max - min), low[i]!), high[i]!);
      }),
    );
  }
}

function boxActions<Observation>(name: string, { actionSpace }: Env<Observation, Float32Array>): Box {
  if (actionSpace instanceof Box) return actionSpace;
  throw new InputError(`${name}: the actions are ${actionSpace}, not a Box.`, 'Wrap an environment with Box actions.');
}

function checkAction(name: string, space: Box, action: Float32Array): void {
  const problem = space.problem(action);
  if (problem !== null) throw new InputError(`${name}: the action ${problem}.`, `Give one of ${space}.`);
}
