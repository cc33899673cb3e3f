// A list of models: each episode plays one of them, drawn by the seeded generator. Observations and actions have the same
// form for every model, so one learner learns on all.
import { InputError } from '../../base/errors/input-error.js';
import { Rng, type RngState } from '../../base/random/rng.js';
import type {
  Env,
  EnvState,
  Guarantees,
  Info,
  ResetOptions,
  ResetResult,
  StepOutcome,
  StepResult,
} from '../gym/env.js';
import type { Space } from '../gym/spaces/space.js';
import {
  type DrawingEnv,
  type Drawn,
  type SituatedEnv,
  type Situation,
  type VariableEnv,
  withDrawn,
} from './situation.js';

/** An environment of one model that can stand in a list. */
export interface ModelEnv<Action> extends SituatedEnv<Action>, VariableEnv<ModelEnv<Action>> {}

/**
 * At each reset one of the environments is drawn, uniformly, and reset with a drawn seed; `info.drawn` says which model's
 * and with which seed, and with these the episode can be replayed in the environment of that model alone.
 */
export class ModelChoice<Action> implements Env<Float32Array, Action>, DrawingEnv, VariableEnv<ModelChoice<Action>> {
  readonly observationSpace: Space<Float32Array>;
  readonly actionSpace: Space<Action>;
  readonly renderModes: readonly string[];
  readonly guarantees: Guarantees;
  #rng: Rng | null = null;
  #drawn: Drawn = { seed: 0 };
  #current: ModelEnv<Action> | null = null;

  /** @throws InputError when two are of the same model, or their spaces differ */
  constructor(readonly envs: readonly ModelEnv<Action>[]) {
    const first = envs[0]!;
    const models = envs.map(modelOf);
    const twice = models.find((model, index) => models.indexOf(model) !== index);
    if (twice !== undefined)
      throw new InputError(`${first.id}: the model ${twice} is in the list twice.`, 'Give each model once.');
    const spaces = (env: Env<Float32Array, Action>) => JSON.stringify([env.observationSpace, env.actionSpace]);
    const other = envs.findIndex((env) => spaces(env) !== spaces(first));
    if (other >= 0)
      throw new InputError(
        `${first.id}: ${models[other]} has other spaces than ${models[0]}.`,
        'Choose options under which they are alike.',
      );
    this.observationSpace = first.observationSpace;
    this.actionSpace = first.actionSpace;
    this.renderModes = first.renderModes ?? [];
    const { deterministic, restorable, rewardSign } = first.guarantees!;
    const of = ({ drawn }: Info) => envs[models.indexOf((drawn as Drawn).model!)]!.guarantees!;
    this.guarantees = {
      deterministic,
      restorable,
      ...(rewardSign && { rewardSign }),
      returnOf: (info) => of(info).returnOf!(info),
      violations: (info) => of(info).violations!(info),
    };
  }

  get playing(): ModelEnv<Action> {
    if (this.#current) return this.#current;
    throw new InputError(`${this.envs[0]!.id}: no model is drawn yet.`, 'Call reset() first.');
  }

  reset({ seed, options }: ResetOptions = {}): ResetResult<Float32Array> {
    if (seed !== undefined || !this.#rng) this.#rng = Rng.of(seed ?? 0, 'model-choice');
    this.#current = this.envs[this.#rng.integer(this.envs.length)]!;
    this.#drawn = { model: modelOf(this.#current), seed: this.#rng.seed() };
    const { observation, info } = this.#current.reset({ seed: this.#drawn.seed, ...(options && { options }) });
    return { observation, info: withDrawn(info, this.#drawn) };
  }

  step(action: Action): StepResult<Float32Array> {
    const result = this.playing.step(action);
    return { ...result, info: withDrawn(result.info, this.#drawn) };
  }

  stepInto(action: Action, observation: Float32Array): Readonly<StepOutcome> {
    return this.playing.stepInto!(action, observation);
  }

  info(): Info {
    return withDrawn(this.playing.info!(), this.#drawn);
  }

  render(mode: string): string {
    return this.playing.render!(mode);
  }

  under(situation: Situation): ModelChoice<Action> {
    return new ModelChoice(this.envs.map((env) => env.under(situation)));
  }

  /** @throws InputError when the executor runs on hardware */
  snapshot(): EnvState {
    return {
      stream: this.#rng?.state() ?? null,
      drawn: { ...this.#drawn },
      env: this.#current && this.#current.snapshot!(),
    };
  }

  /** @throws InputError when the state is of other models */
  restore(state: EnvState): void {
    const { stream, drawn, env } = structuredClone(state) as {
      stream: RngState | null;
      drawn: Drawn;
      env: EnvState | null;
    };
    const current = env === null ? null : this.envs.find((each) => modelOf(each) === drawn.model);
    if (current === undefined)
      throw new InputError(
        `${this.envs[0]!.id}: the state is of the model ${drawn.model}, which is not in the list.`,
        'Restore into an environment made with the same models.',
      );
    if (env) current!.restore!(env);
    this.#rng = stream && Rng.restore(stream);
    this.#drawn = drawn;
    this.#current = current;
  }

  fork(): ModelChoice<Action> {
    const copy = new ModelChoice(this.envs.map((env) => env.fork!() as ModelEnv<Action>));
    copy.#rng = this.#rng && Rng.restore(this.#rng.state());
    copy.#drawn = this.#drawn;
    copy.#current = this.#current && copy.envs[this.envs.indexOf(this.#current)]!;
    return copy;
  }

  close(): void {
    for (const env of this.envs) env.close();
  }
}

function modelOf({ scenario }: { readonly scenario: SituatedEnv['scenario'] }): string {
  return scenario.model.uri;
}
