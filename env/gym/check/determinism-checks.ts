// The seed and the actions determine whole episodes, in any instance, whatever another instance does meanwhile. Gymnasium
// checks one step of one instance.
import type { Check } from './check.js';
import { difference, play, repeat, type Subject, text, texts } from './check.js';

const notOnHardware = ({ guarantees }: Subject): string | null =>
  guarantees.deterministic ? null : 'the environment does not promise determinism';

export const determinismChecks: readonly Check[] = [
  {
    name: 'reset seed',
    remedy: 'Draw everything random from a stream that reset({ seed }) begins anew.',
    skip: notOnHardware,
    problem({ env, seed }) {
      const twice = [seed, seed].map((one) => [text(env.reset({ seed: one })), text(env.reset())]);
      return (
        difference(`reset({ seed: ${seed} }) twice`, twice[0]!.slice(0, 1), twice[1]!) ??
        difference(`reset() after reset({ seed: ${seed} }) twice`, twice[0]!, twice[1]!)
      );
    },
  },
  {
    name: 'seeds differ',
    advice: true,
    remedy: 'Begin the stream from the seed that reset() is given; ignore this where nothing is random.',
    skip: ({ guarantees, env }) =>
      guarantees.restorable && env.snapshot ? null : 'without snapshot() the generator cannot be seen',
    problem({ env, seed }) {
      const [first, second] = [seed, seed + 1].map((one) => {
        env.reset({ seed: one });
        return text(env.snapshot!());
      });
      return first === second ? 'two seeds lead to one state.' : null;
    },
  },
  {
    name: 'replay',
    remedy: 'Let reset() forget everything but the position of the random stream.',
    skip: notOnHardware,
    problem(subject) {
      const { env, actions, seed } = subject;
      const rng = actions('replay');
      const [first, second] = [play(env, subject, rng, seed), play(env, subject, rng)];
      for (const [which, episode, reset] of [
        ['an episode played twice', first, { seed }],
        ['the unseeded episode after it', second, {}],
      ] as const) {
        const again = [text(env.reset(reset)), ...repeat(env, episode.steps)];
        const problem = difference(which, [episode.reset, ...texts(episode.steps)], again);
        if (problem !== null) return problem;
      }
      return null;
    },
  },
  {
    name: 'instances',
    remedy: 'Let nothing but the options, the seed and the actions decide what happens.',
    skip: notOnHardware,
    problem(subject) {
      const { env, twin, actions, seed } = subject;
      const episode = play(env, subject, actions('instances'), seed);
      const again = [text(twin.reset({ seed })), ...repeat(twin, episode.steps)];
      return difference(
        'two instances with one seed and the same actions',
        [episode.reset, ...texts(episode.steps)],
        again,
      );
    },
  },
  {
    name: 'independence',
    remedy: 'Keep state in the instance: no variable of the module, no buffer that instances share.',
    skip: notOnHardware,
    problem(subject) {
      const { env, twin, actions, seed } = subject;
      const episode = play(env, subject, actions('independence'), seed);
      const other = actions('beside');
      const again = [text(env.reset({ seed }))];
      for (const step of episode.steps) {
        play(twin, { ...subject, maxSteps: 2 }, other, seed + 1);
        again.push(...repeat(env, [step]));
      }
      return difference('an episode while another instance plays', [episode.reset, ...texts(episode.steps)], again);
    },
  },
];
