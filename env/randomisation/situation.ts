// The situation of an environment: the scenario behind it, and how to make the same environment on another board or under
// another load. Lists of models, DomainRandomisation and the recording of episodes use only this.
import { InputError } from '../../base/errors/input-error.js';
import { memoize } from '../../base/functions/memoize.js';
import type { LoadProcess } from '../../engine/load-process.js';
import { type Scenario, scenarioOf } from '../../engine/scenario.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import type { Env, Info } from '../gym/env.js';
import { Wrapper } from '../gym/wrappers/wrapper.js';
import type { Goal } from '../rewards/rewards.js';

/** What may change from episode to episode; missing fields stay as they are. */
export interface Situation {
  /** A profile's URI; one with `member=` where a profile has an ensemble. */
  readonly profile?: string;
  /** Co-running load; null: none. Either means overlap execution, the one that knows load. */
  readonly load?: LoadProcess | null;
}

/** An environment of one scenario. */
export interface SituatedEnv<Action = never> extends Env<Float32Array, Action> {
  readonly id: string;
  /** How it presents the scenario. With the scenario, seed and actions it determines an episode. */
  readonly options: Readonly<Record<string, string | number | null>>;
  readonly scenario: Scenario;
  /** C_ref, ms: rewards are divided by it. */
  readonly referenceMs: number;
  /** Its reward, where it can be chosen. */
  readonly goal?: Goal;
}

/** The draw of an episode, in `info.drawn` from its reset on. */
export interface Drawn extends Situation {
  readonly model?: string;
  /** The seed of that environment's reset, which replays the episode. */
  readonly seed: number;
}

/** An environment that plays each episode in one of several. */
export interface DrawingEnv {
  /** The environment that plays the latest episode. @throws InputError before the first reset */
  readonly playing: unknown;
}

/** An environment that can be moved to another situation. */
export interface VariableEnv<Self> {
  /**
   * The same environment in another situation, before its first reset; models and options stay.
   * @throws InputError when it runs on hardware, or the profile cannot be loaded
   */
  under(situation: Situation): Self;
}

/**
 * The scenario on another board, or beside another load.
 * @throws InputError when it is one of hardware, or the profile cannot be loaded
 */
export function scenarioUnder(scenario: Scenario, { profile, load }: Situation): Scenario {
  if (scenario.executor.kind === 'measured')
    throw new InputError(
      `${scenario.platform.uri}: hardware is what it is, and cannot be exchanged for a profile or load.`,
      'Vary simulated environments; on hardware give the device pair when you make one.',
    );
  const { platform, graph, executor, costs, conditions } =
    profile === undefined ? scenario : scenarioOf(scenario.model, loadProfile(profile));
  const { seed, memoryBudgetBytes } = scenario.conditions;
  const execution = load === undefined ? scenario.conditions.execution : 'overlap';
  return {
    model: scenario.model,
    platform,
    graph,
    executor,
    costs,
    conditions: {
      seed,
      execution,
      mode: conditions.mode,
      load: load === undefined ? scenario.conditions.load : load,
      memoryBudgetBytes,
    },
  };
}

/** Environments in other situations, by the scenario they vary: forks of one environment have them in common. */
const variants = memoize((_: Scenario) => new Map<string, unknown>());

/** The environment in another situation: a fork of the one that `make` made of the scenario there, once. */
export function variantOf<Self extends { fork(): Self }>(
  env: Self & Pick<SituatedEnv, 'id' | 'options' | 'scenario'>,
  situation: Situation,
  make: (scenario: Scenario) => Self,
): Self {
  const known = variants(env.scenario);
  const key = JSON.stringify([env.id, env.options, situation]);
  let made = known.get(key) as Self | undefined;
  if (!made) {
    made = make(scenarioUnder(env.scenario, situation));
    known.set(key, made);
  }
  return made.fork();
}

/**
 * The environment of the one scenario in which the latest episode is played, under wrappers and draws.
 * @throws InputError when there is none, or nothing has begun
 */
export function situated(env: unknown): SituatedEnv {
  let inner = env;
  for (;;) {
    if (typeof inner === 'object' && inner !== null) {
      if ('playing' in inner) {
        inner = inner.playing;
        continue;
      }
      if (inner instanceof Wrapper) {
        inner = inner.env;
        continue;
      }
      if ('scenario' in inner) return inner as SituatedEnv;
    }
    throw new InputError(
      `${(inner as object | null)?.constructor.name}: this environment has no scenario.`,
      'Make one by its id.',
    );
  }
}

/** @throws InputError always: the environment was not made of a scenario */
export function situationless(id: string): never {
  throw new InputError(`${id}: this environment has no scenario.`, 'Make it by its id with make().');
}

/** The info of an episode in a drawn environment, with the draw; draws of inner environments take precedence. */
export function withDrawn(info: Info, drawn: Drawn): Info {
  return { ...info, drawn: { ...drawn, ...(info.drawn as Drawn | undefined) } };
}
