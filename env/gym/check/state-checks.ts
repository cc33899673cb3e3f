// Snapshots, forks and steps into buffers must give the same results as plain steps.
import type { Env } from '../env.js';
import { describeValue } from '../spaces/space.js';
import { type Check, difference, play, repeat, type Subject, text, texts } from './check.js';

const restorable = ({ guarantees }: Subject): string | null =>
  guarantees.restorable && guarantees.deterministic
    ? null
    : 'the environment does not promise to be restorable and deterministic';

/** An episode, and the unseeded one after it: a state includes that of the random generator. */
function reference(subject: Subject, name: string) {
  const rng = subject.actions(name);
  const episode = play(subject.env, subject, rng, subject.seed);
  const next = play(subject.env, subject, rng);
  const tail = (from: number) => [...texts(episode.steps.slice(from)), next.reset, ...texts(next.steps)];
  const goOnFrom = (env: Env<unknown, unknown>, from: number) => [
    ...repeat(env, episode.steps.slice(from)),
    text(env.reset()),
    ...repeat(env, next.steps),
  ];
  /** Plays the first `count` steps again. */
  const advance = (count: number) => {
    subject.env.reset({ seed: subject.seed });
    repeat(subject.env, episode.steps.slice(0, count));
  };
  const { length } = episode.steps;
  const points = [...new Set([0, 1, Math.floor(length / 2), length - 1, length])];
  return { tail, goOnFrom, advance, points };
}

export const stateChecks: readonly Check[] = [
  {
    name: 'snapshot',
    remedy:
      'Put all that later steps depend on, the random stream too, into snapshot() as plain JSON; restore() takes it.',
    skip: restorable,
    problem(subject) {
      const { env, twin } = subject;
      if (!env.snapshot || !env.restore) return 'restorable is promised, but there is no snapshot() or restore().';
      const { tail, goOnFrom, advance, points } = reference(subject, 'snapshot');
      for (const at of points) {
        advance(at);
        const state = env.snapshot();
        const path = notJson(state, 'state');
        if (path !== null) return `${path}, which JSON text does not keep.`;
        const copy = JSON.stringify(state);
        const undisturbed = difference(`after snapshot() at step ${at}`, tail(at), goOnFrom(env, at));
        if (undisturbed !== null) return undisturbed;
        for (const [which, one] of [
          ['the instance', env],
          ['another instance', twin],
        ] as const) {
          one.restore!(JSON.parse(copy));
          const problem = difference(`${which} restored to step ${at}`, tail(at), goOnFrom(one, at));
          if (problem !== null) return problem;
        }
      }
      return null;
    },
  },
  {
    name: 'fork',
    remedy: 'Copy all that changes in fork(); share only what never does.',
    skip: restorable,
    problem(subject) {
      const { env } = subject;
      if (!env.fork) return 'restorable is promised, but there is no fork().';
      const { tail, goOnFrom, advance, points } = reference(subject, 'fork');
      for (const at of points) {
        advance(at);
        const [stray, fork] = [env.fork(), env.fork()];
        goOnFrom(stray, at);
        const problem =
          difference(`after a fork at step ${at} went its way`, tail(at), goOnFrom(env, at)) ??
          difference(`a fork at step ${at}`, tail(at), goOnFrom(fork, at));
        if (problem !== null) return problem;
      }
      return null;
    },
  },
  {
    name: 'stepInto',
    remedy: 'Let step() call stepInto() and info(), and reset() likewise, or both the same function.',
    skip: ({ env, guarantees }) => {
      if (!env.stepInto) return 'there is no stepInto()';
      return guarantees.deterministic ? null : 'the environment does not promise determinism';
    },
    problem(subject) {
      const { env, actions, seed } = subject;
      const episode = play(env, subject, actions('stepInto'), seed);
      const { observation, info } = env.reset({ seed });
      const buffer = structuredClone(observation);
      if (env.resetInto) {
        const expected = text({ observation, info });
        env.resetInto(buffer, { seed });
        const problem = difference(
          'reset() and resetInto()',
          [expected],
          [text({ observation: buffer, info: env.info?.() })],
        );
        if (problem !== null) return problem;
      }
      const written = episode.steps.map(({ action }) => {
        const { reward, terminated, truncated } = env.stepInto!(action, buffer);
        return text({ observation: buffer, reward, terminated, truncated, info: env.info?.() });
      });
      const expected = episode.steps.map(({ result: { observation, reward, terminated, truncated, info } }) =>
        text({ observation, reward, terminated, truncated, info }),
      );
      return difference('step() and stepInto()', expected, written);
    },
  },
];

/** The path and the value of the first part that JSON does not preserve; null if all of it is preserved. */
function notJson(value: unknown, path: string): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${path} is ${value}`;
  const plain =
    Array.isArray(value) || (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype);
  if (!plain) return `${path} is ${describeValue(value)}`;
  for (const [key, part] of Object.entries(value as object)) {
    const problem = notJson(part, `${path}.${key}`);
    if (problem !== null) return problem;
  }
  return null;
}
