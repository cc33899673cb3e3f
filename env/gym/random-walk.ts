// The smallest environment that promises all that the contract knows, for tests of wrappers, checks and vectors: a walker
// is pushed about for six steps and pays its distance from the origin.
import { InputError } from '../../base/errors/input-error.js';
import { Stream, type StreamState } from '../../base/random/stream.js';
import type { Env, EnvState, Guarantees, Info, ResetOptions, ResetResult, StepOutcome, StepResult } from './env.js';
import { Box } from './spaces/box.js';

const length = 6;

export class RandomWalk implements Env {
  /** Position, and steps so far. */
  readonly observationSpace = new Box([-10, 0], [10, length], [2]);
  readonly actionSpace = new Box(-1, 1, [1]);
  readonly renderModes: readonly string[] = ['ansi'];
  readonly guarantees: Guarantees = {
    deterministic: true,
    restorable: true,
    rewardSign: 'nonpositive',
    returnOf: ({ cost }) => -(cost as number),
    violations: ({ steps }) => (steps === length ? [] : [`an episode has ${steps} steps instead of ${length}`]),
  };
  protected stream: Stream | null = null;
  protected steps = length;
  protected position = 0;
  protected cost = 0;
  readonly #outcome: StepOutcome = { reward: 0, terminated: false, truncated: false };

  reset({ seed }: ResetOptions = {}): ResetResult<Float32Array> {
    if (seed !== undefined || !this.stream) this.stream = Stream.of(seed ?? 0, 'random-walk');
    this.steps = 0;
    this.cost = 0;
    this.position = this.stream.uniform();
    const observation = new Float32Array(2);
    this.observe(observation);
    return { observation, info: this.info() };
  }

  step(action: Float32Array): StepResult<Float32Array> {
    const observation = new Float32Array(2);
    const outcome = { ...this.stepInto(action, observation) };
    return { observation, ...outcome, info: this.info() };
  }

  stepInto(action: Float32Array, observation: Float32Array): Readonly<StepOutcome> {
    if (this.steps >= length) throw new InputError('RandomWalk: no episode is under way.', 'Call reset() first.');
    const problem = this.actionSpace.problem(action);
    if (problem !== null)
      throw new InputError(`RandomWalk: the action ${problem}.`, `Give one of ${this.actionSpace}.`);
    this.steps += 1;
    this.position += action[0]! + this.stream!.uniform() - 0.5;
    const distance = Math.abs(this.position);
    this.cost += distance;
    this.observe(observation);
    this.#outcome.reward = -distance;
    this.#outcome.terminated = this.steps === length;
    return this.#outcome;
  }

  info(): Info {
    return { cost: this.cost, steps: this.steps };
  }

  protected observe(out: Float32Array): void {
    out[0] = this.position;
    out[1] = this.steps;
  }

  render(mode: string): string {
    if (mode !== 'ansi') throw new InputError(`RandomWalk: there is no render mode "${mode}".`, 'Use ansi.');
    return `${'.'.repeat(Math.round(10 + this.position))}o`;
  }

  snapshot(): EnvState {
    const { steps, position, cost } = this;
    return { steps, position, cost, stream: this.stream?.state() ?? null };
  }

  restore({ steps, position, cost, stream }: EnvState): void {
    this.steps = steps as number;
    this.position = position as number;
    this.cost = cost as number;
    this.stream = stream === null ? null : Stream.restore(structuredClone(stream) as StreamState);
  }

  fork(): Env {
    const copy = new (this.constructor as new () => RandomWalk)();
    copy.restore(this.snapshot());
    return copy;
  }

  close(): void {}
}
