// An environment around an environment. It passes everything on, remembers the arguments it was made with, and carries
// its own state through snapshots; a wrapper overrides what it changes. After gymnasium/core.py (Wrapper) and
// RecordConstructorArgs of Gymnasium 1.x.
import { InputError } from '../../../base/errors/input-error.js';
import {
  defaultGuarantees,
  type Env,
  type EnvState,
  type Guarantees,
  type ResetOptions,
  type ResetResult,
  type StepResult,
} from '../env.js';
import type { Space } from '../spaces/space.js';

/** Arguments of a wrapper, as JSON. */
export type WrapperOptions = Readonly<Record<string, unknown>>;

export abstract class Wrapper<
  Observation = Float32Array,
  Action = Float32Array,
  InnerObservation = Observation,
  InnerAction = Action,
> implements Env<Observation, Action>
{
  readonly observationSpace: Space<Observation>;
  readonly actionSpace: Space<Action>;

  /** @param spaces where they differ from the environment's */
  constructor(
    readonly env: Env<InnerObservation, InnerAction>,
    readonly options: WrapperOptions = {},
    spaces: { readonly observation?: Space<Observation>; readonly action?: Space<Action> } = {},
  ) {
    this.observationSpace = spaces.observation ?? (env.observationSpace as unknown as Space<Observation>);
    this.actionSpace = spaces.action ?? (env.actionSpace as unknown as Space<Action>);
  }

  /** Its class's: what specs call it. */
  get name(): string {
    return this.constructor.name;
  }

  get guarantees(): Guarantees {
    return this.env.guarantees ?? defaultGuarantees;
  }

  get renderModes(): readonly string[] {
    return this.env.renderModes ?? [];
  }

  reset(options?: ResetOptions): ResetResult<Observation> {
    return this.env.reset(options) as unknown as ResetResult<Observation>;
  }

  step(action: Action): StepResult<Observation> {
    return this.env.step(action as unknown as InnerAction) as unknown as StepResult<Observation>;
  }

  render(mode: string): string {
    return required(this.env, 'render').render(mode);
  }

  snapshot(): EnvState {
    return { env: required(this.env, 'snapshot').snapshot(), [this.name]: this.save() };
  }

  restore(state: EnvState): void {
    const own = state[this.name];
    if (typeof own !== 'object' || own === null) {
      throw new InputError(
        `${this.name}: the state has no part of this wrapper's.`,
        'Restore into an environment with the same wrappers.',
      );
    }
    required(this.env, 'restore').restore(state.env as EnvState);
    this.load(structuredClone(own) as EnvState);
  }

  fork(): Env<Observation, Action> {
    const Class = this.constructor as new (env: unknown, options: WrapperOptions) => this;
    const copy = new Class(required(this.env, 'fork').fork(), this.options);
    copy.load(structuredClone(this.save()));
    return copy;
  }

  close(): void {
    this.env.close();
  }

  /** This wrapper's own state, as fresh plain data. */
  protected save(): EnvState {
    return {};
  }

  /** Restores the state that `save` returned, and keeps the data. */
  protected load(_state: EnvState): void {}
}

/** @throws InputError when the environment lacks an optional method of the contract */
function required<Observation, Action, Method extends 'render' | 'snapshot' | 'restore' | 'fork'>(
  env: Env<Observation, Action>,
  method: Method,
): Required<Pick<Env<Observation, Action>, Method>> {
  if (env[method]) return env as never;
  throw new InputError(`${env.constructor.name}: this environment has no ${method}().`, 'Wrap one that has.');
}
