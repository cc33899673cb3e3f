// What every environment of this package must satisfy, as a function that lists violations, so that tests of each
// environment and the user's own can call it. Gymnasium's rules (its env_checker), and determinism over whole episodes.
import { Stream } from '../../base/random/stream.js';
import type { Env } from './env.js';

export interface ConformanceOptions {
  readonly episodes?: number;
  readonly seed?: number;
  /** False where an environment runs on hardware: two instances with the same actions then need not agree. */
  readonly deterministic?: boolean;
  /** An episode that is still going after this many steps is taken to be endless. */
  readonly maxSteps?: number;
}

/** Violated rules of the environment that `create` makes, as sentences; empty when it conforms. */
export async function conformanceViolations<Observation, Action>(
  create: () => Env<Observation, Action> | Promise<Env<Observation, Action>>,
  { episodes = 3, seed = 0, maxSteps = 10_000, deterministic = true }: ConformanceOptions = {},
): Promise<string[]> {
  const [env, twin] = [await create(), await create()];
  const violations = new Set<string>();
  const require = (holds: boolean, violation: string) => {
    if (!holds) violations.add(violation);
  };
  for (let episode = 0; episode < episodes; episode++) {
    const stream = Stream.of(seed, 'conformance', episode);
    const [first, second] = [env.reset({ seed: seed + episode }), twin.reset({ seed: seed + episode })];
    require(env.observationSpace.contains(
      first.observation,
    ), 'reset() returns an observation outside the observation space');
    require(!deterministic ||
      same(first.observation, second.observation), 'reset() with one seed gives two observations');
    let previous = first.observation;
    for (let step = 0, over = false; !over; step++) {
      if (step >= maxSteps) return [...violations, `an episode is not over after ${maxSteps} steps`];
      const action = env.actionSpace.sample(stream);
      require(env.actionSpace.contains(action), 'the action space does not contain its own sample');
      const kept = JSON.stringify(previous);
      const [result, repeated] = [env.step(action), twin.step(action)];
      require(JSON.stringify(previous) === kept, 'step() overwrites the observation it returned before');
      require(env.observationSpace.contains(
        result.observation,
      ), 'step() returns an observation outside the observation space');
      require(Number.isFinite(result.reward), 'step() returns a reward that is not finite');
      require(!deterministic ||
        (same(result.observation, repeated.observation) &&
          result.reward === repeated.reward), 'two instances with one seed and the same actions differ');
      require(!(result.terminated && result.truncated), 'a step is both terminated and truncated');
      previous = result.observation;
      over = result.terminated || result.truncated;
    }
    require(throws(() =>
      env.step(env.actionSpace.sample(stream)),
    ), 'step() after the end of an episode does not throw');
    require(throws(() =>
      twin.step('no action' as never),
    ), 'step() with a value outside the action space does not throw');
  }
  env.close();
  twin.close();
  return [...violations];
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function throws(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch {
    return true;
  }
}
