// The checks of Gymnasium 1.4: gymnasium/utils/env_checker.py and passive_env_checker.py, but those that TypeScript's types
// replace (signatures, numbers of results).
import type { Env } from '../env.js';
import { Box } from '../spaces/box.js';
import { Dict, Tuple } from '../spaces/composite.js';
import { describeValue, type Space } from '../spaces/space.js';
import { type Check, goOn, maskOf, play, type Subject, text, throws } from './check.js';
import { resetProblem, sharedObject, stepProblem } from './results.js';

/** Before anything else happens to the instances. */
export const orderCheck: Check = {
  name: 'order',
  remedy: 'Throw an InputError from step() unless an episode is under way.',
  problem: ({ twin, actions }) =>
    throws(() => twin.step(twin.actionSpace.sample(actions('order'))))
      ? null
      : 'step() before the first reset() does not throw.',
};

/** After everything else. */
export const closeCheck: Check = {
  name: 'close',
  remedy: 'Let close() do nothing when there is nothing left to close.',
  problem({ env, twin }) {
    env.close();
    twin.close();
    return throws(() => env.close()) ? 'close() on a closed environment throws.' : null;
  },
};

/** Run before any episode is played. */
export const startChecks: readonly Check[] = [
  {
    name: 'spaces',
    first: true,
    remedy: 'Give observationSpace and actionSpace a space each that contains what it samples.',
    problem: (subject) =>
      spaceProblem('observationSpace', subject.env.observationSpace, subject) ??
      spaceProblem('actionSpace', subject.env.actionSpace, subject),
  },
  {
    name: 'space limits',
    advice: true,
    remedy: 'Bound observations; bound actions by [-1, 1] or [0, 1], which learners expect, or wrap in RescaleAction.',
    problem: ({ env: { observationSpace, actionSpace } }) => {
      for (const { low, high } of boxes(observationSpace))
        if (![...low, ...high].every(Number.isFinite)) return 'an observation Box has infinite bounds.';
      for (const { low, high } of boxes(actionSpace))
        if (
          !low.every(
            (bound, i) => Math.abs(bound) <= 1 && Math.abs(high[i]!) <= 1 && (bound === 0 || bound === -high[i]!),
          )
        )
          return 'an action Box is neither symmetric within [-1, 1] nor [0, 1].';
      return null;
    },
  },
  {
    name: 'reset result',
    first: true,
    remedy: 'Return { observation, info } with an observation of the space from reset().',
    problem: ({ env, seed }) => resetProblem(env, env.reset({ seed })) ?? resetProblem(env, env.reset()),
  },
  {
    name: 'reset options',
    remedy: 'Let reset() take { options: {} } as it takes nothing.',
    problem: ({ env, seed }) => resetProblem(env, env.reset({ seed, options: {} })),
  },
];

export const contractChecks: readonly Check[] = [
  {
    name: 'step result',
    first: true,
    remedy: 'Return an observation of the space, a finite reward, two booleans and an info object from every step().',
    problem(subject) {
      const { env, actions, seed, maxSteps } = subject;
      let { info } = env.reset({ seed });
      const rng = actions('episode', 0);
      for (let step = 1; step <= maxSteps; step++) {
        const result = env.step(env.actionSpace.sample(rng, maskOf(info)));
        const problem = stepProblem(env, result);
        if (problem !== null) return `step ${step}: ${problem}`;
        if (result.terminated || result.truncated) break;
        info = result.info;
      }
      return null;
    },
  },
  {
    name: 'first step',
    remedy: 'Truncate later, or call it terminated.',
    problem({ env, actions, seed }) {
      const { info } = env.reset({ seed });
      const { truncated } = env.step(env.actionSpace.sample(actions('episode', 0), maskOf(info)));
      return truncated ? 'an episode is truncated after one step.' : null;
    },
  },
  {
    name: 'fresh objects',
    remedy: 'Copy what is returned: users keep it in replay buffers.',
    problem(subject) {
      const { env, actions, seed, maxSteps } = subject;
      const rng = actions('episode', 0);
      const first = env.reset({ seed });
      const calls: { call: string; parts: { observation: unknown; info: unknown }; before: string }[] = [];
      const keep = (call: string, { observation, info }: { observation: unknown; info: unknown }) =>
        calls.push({ call, parts: { observation, info }, before: text({ observation, info }) });
      keep('reset()', first);
      let { info } = first;
      for (let step = 1, over = false; !over && step <= maxSteps; step++) {
        const result = env.step(env.actionSpace.sample(rng, maskOf(info)));
        over = result.terminated || result.truncated;
        info = result.info;
        if (step <= 2 || over) keep(`step() ${step}`, result);
      }
      keep('the next reset()', env.reset());
      for (const { call, parts, before } of calls)
        if (text(parts) !== before) return `what ${call} returned is overwritten by a later call.`;
      for (const [i, a] of calls.entries()) {
        for (const b of calls.slice(i + 1)) {
          const shared = sharedObject(a.parts, b.parts, 'result');
          if (shared) return `${a.call} and ${b.call} share ${shared}: changing one changes the other.`;
        }
      }
      return null;
    },
  },
  {
    name: 'render',
    remedy: 'Name what render() draws in renderModes, return text for each, and throw an InputError for any other.',
    skip: ({ env }) => (env.renderModes?.length || env.render ? null : 'there is no render mode'),
    problem(subject) {
      const { env, actions, seed } = subject;
      if (!env.render) return 'there are renderModes, but no render().';
      if (!env.renderModes) return 'there is render(), but no renderModes.';
      const { info } = env.reset({ seed });
      const problem = renderProblem(env, 'reset()');
      if (problem !== null) return problem;
      goOn(env, subject, actions('episode', 0), info);
      return renderProblem(env, 'the end');
    },
  },
  {
    name: 'end',
    first: true,
    remedy: 'Terminate or truncate every episode; wrap in TimeLimit where the MDP has no end.',
    problem(subject) {
      const { env, actions, seed, maxSteps } = subject;
      const { terminated, truncated } = play(env, subject, actions('episode', 0), seed).steps.at(-1)!.result;
      if (!terminated && !truncated) return `an episode is not over after ${maxSteps} steps.`;
      return throws(() => env.step(env.actionSpace.sample(actions('after'))))
        ? null
        : 'step() after the end does not throw.';
    },
  },
  {
    name: 'bad action',
    remedy: 'Throw an InputError from step() for what actionSpace does not contain.',
    problem({ env, seed }) {
      env.reset({ seed });
      return throws(() => env.step('no action'))
        ? null
        : 'step() takes "no action", which is outside the action space.';
    },
  },
];

function renderProblem(env: Env<unknown, unknown>, when: string): string | null {
  for (const mode of env.renderModes!) {
    const drawn = env.render!(mode);
    if (typeof drawn !== 'string' || drawn === '')
      return `render("${mode}") after ${when} returns ${describeValue(drawn)}, not text.`;
  }
  return throws(() => env.render!('no mode')) ? null : 'render("no mode") does not throw.';
}

function spaceProblem(name: string, space: Space<unknown> | undefined, { actions }: Subject): string | null {
  if (typeof space?.sample !== 'function' || typeof space.problem !== 'function')
    return `${name} is ${describeValue(space)}, not a space.`;
  const rng = actions('spaces', name);
  for (let draw = 0; draw < 20; draw++) {
    const problem = space.problem(space.sample(rng));
    if (problem !== null) return `${name} ${space} does not contain its own sample: it ${problem}.`;
  }
  return null;
}

function boxes(space: Space<unknown>): Box[] {
  if (space instanceof Box) return [space];
  if (space instanceof Dict || space instanceof Tuple)
    return Object.values<Space<unknown>>(space.spaces).flatMap(boxes);
  return [];
}
