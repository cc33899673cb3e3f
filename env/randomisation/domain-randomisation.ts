// The wrapper DomainRandomisation draws a board and a load for each episode, because a policy learned under one of them works
// badly under others. Unlike the wrappers of env/gym it knows profiles and loads.
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { Rng, type RngState } from '../../base/random/rng.js';
import { checkLoad, type LoadProcess } from '../../engine/load-process.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import type { Env, EnvState, Guarantees, ResetOptions, ResetResult, StepResult } from '../gym/env.js';
import { parseOptions } from '../gym/options.js';
import { registerWrapper } from '../gym/wrappers/registry.js';
import { Wrapper } from '../gym/wrappers/wrapper.js';
import { loadSchema } from './load-schema.js';
import { type DrawingEnv, type Drawn, type Situation, type VariableEnv, withDrawn } from './situation.js';

const optionsSchema = z.strictObject({
  profiles: z.array(z.string()).min(1).readonly().optional(),
  loads: z.array(loadSchema).min(1).readonly().optional(),
});
export type DomainRandomisationOptions = z.input<typeof optionsSchema>;

/**
 * At each reset one of `profiles` (URIs: boards, modes, members of an ensemble) and one of `loads` (null: none) is drawn,
 * each uniformly and by itself, and the episode is played there. `info.drawn` says what was drawn, and the seed that
 * replays the episode in the environment of that profile and load. With `loads` every episode is in overlap execution.
 * The wrapper is put around the environment itself, others around it.
 */
export class DomainRandomisation<Action> extends Wrapper<Float32Array, Action> implements DrawingEnv {
  readonly #variable: VariableEnv<Env<Float32Array, Action>>;
  readonly #profiles: readonly string[] | null;
  readonly #loads: readonly (LoadProcess | null)[] | null;
  /** Environments by what was drawn, made when it first is. */
  readonly #known = new Map<string, Env<Float32Array, Action>>();
  #rng: Rng | null = null;
  #drawn: Drawn = { seed: 0 };
  #current: Env<Float32Array, Action> | null = null;

  /** @throws InputError when an option is bad, or the environment cannot be moved to another board */
  constructor(env: Env<Float32Array, Action>, options: DomainRandomisationOptions) {
    const { profiles, loads } = parseOptions('DomainRandomisation', optionsSchema, options);
    if (!profiles && !loads)
      throw new InputError('DomainRandomisation: nothing is to be drawn.', 'Give profiles, loads or both.');
    if (!isVariable(env))
      throw new InputError(
        `DomainRandomisation: ${env.constructor.name} cannot be had on another board or beside another load.`,
        'Put it around a scheduling environment itself, innermost.',
      );
    if (!env.guarantees?.restorable)
      throw new InputError(
        'DomainRandomisation: the environment runs on hardware, which is what it is.',
        'Use the simulator.',
      );
    for (const load of loads ?? []) if (load) checkLoad(load);
    super(env, options);
    this.#variable = env;
    // Canonical, and known to exist before an episode needs them.
    this.#profiles = profiles?.map((uri) => loadProfile(uri).uri) ?? null;
    this.#loads = loads ?? null;
  }

  get playing(): Env<Float32Array, Action> {
    if (this.#current) return this.#current;
    throw new InputError('DomainRandomisation: nothing is drawn yet.', 'Call reset() first.');
  }

  override get guarantees(): Guarantees {
    const { deterministic, restorable, rewardSign } = super.guarantees;
    return {
      deterministic,
      restorable,
      ...(rewardSign && { rewardSign }),
      returnOf: (info) => this.#of(info.drawn as Drawn).guarantees!.returnOf!(info),
      violations: (info) => this.#of(info.drawn as Drawn).guarantees!.violations!(info),
    };
  }

  override reset({ seed, options }: ResetOptions = {}): ResetResult<Float32Array> {
    if (seed !== undefined || !this.#rng) this.#rng = Rng.of(seed ?? 0, 'domain-randomisation');
    const situation: Situation = {
      ...(this.#profiles && { profile: this.#profiles[this.#rng.integer(this.#profiles.length)]! }),
      ...(this.#loads && { load: this.#loads[this.#rng.integer(this.#loads.length)]! }),
    };
    this.#drawn = { ...situation, seed: this.#rng.seed() };
    this.#current = this.#of(this.#drawn);
    const { observation, info } = this.#current.reset({ seed: this.#drawn.seed, ...(options && { options }) });
    return { observation, info: withDrawn(info, this.#drawn) };
  }

  override step(action: Action): StepResult<Float32Array> {
    const result = this.playing.step(action);
    return { ...result, info: withDrawn(result.info, this.#drawn) };
  }

  override render(mode: string): string {
    return this.playing.render!(mode);
  }

  #of({ profile, load }: Situation): Env<Float32Array, Action> {
    const situation = { ...(profile !== undefined && { profile }), ...(load !== undefined && { load }) };
    const key = JSON.stringify(situation);
    let env = this.#known.get(key);
    if (!env) {
      env = this.#variable.under(situation);
      this.#known.set(key, env);
    }
    return env;
  }

  protected override save(): EnvState {
    return {
      stream: this.#rng?.state() ?? null,
      drawn: { ...this.#drawn },
      env: this.#current && this.#current.snapshot!(),
    };
  }

  protected override load({ stream, drawn, env }: EnvState): void {
    this.#rng = stream === null ? null : Rng.restore(stream as RngState);
    this.#drawn = drawn as Drawn;
    this.#current = env === null ? null : this.#of(this.#drawn);
    if (this.#current) this.#current.restore!(env as EnvState);
  }
}

function isVariable<Own extends object>(env: Own): env is Own & VariableEnv<Own> {
  return 'under' in env;
}

registerWrapper(DomainRandomisation);
