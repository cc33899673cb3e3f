// Masks are correct: `step` takes every allowed action, and refuses a forbidden one without changing its state.
import { Discrete, MultiDiscrete } from '../spaces/discrete.js';
import { describeValue, type Mask, type Space } from '../spaces/space.js';
import { type Check, difference, maskOf, type Subject, text, throws } from './check.js';

/** Before any episode is played: actions are drawn under the masks. */
export const maskCheck: Check = {
  name: 'masks',
  first: true,
  remedy:
    'Let actionMask allow exactly what step() takes, something at every step; refuse the rest and change nothing.',
  skip: ({ env, seed }) => (maskOf(env.reset({ seed }).info) ? null : 'info has no actionMask'),
  problem: maskProblem,
};

function maskProblem(subject: Subject): string | null {
  const { env, actions, seed, guarantees } = subject;
  let { info } = env.reset({ seed });
  const [rng, taken, results] = [actions('masks'), [] as unknown[], [] as string[]];
  for (let step = 1, over = false; !over && step <= subject.maxSteps; step++) {
    const mask = maskOf(info);
    if (mask === null) return `step ${step}: the info has no actionMask, though reset()'s has one.`;
    if (env.maskInto && mask instanceof Uint8Array) {
      const alone = new Uint8Array(mask.length);
      if (!env.maskInto(alone) || text(alone) !== text(mask))
        return `step ${step}: maskInto() writes ${describeValue(alone)}, the info has the mask ${describeValue(mask)}.`;
    }
    if (throws(() => env.actionSpace.sample(actions('fit'), mask)))
      return `step ${step}: nothing can be sampled from ${env.actionSpace} under the mask ${describeValue(mask)}.`;
    const bad = forbidden(env.actionSpace, mask);
    if (bad !== null && !throws(() => env.step(bad)))
      return `step ${step}: step() takes ${describeValue(bad)}, which the mask ${describeValue(mask)} forbids.`;
    for (const allowed of guarantees.restorable ? allowedActions(env.actionSpace, mask) : []) {
      const fork = env.fork!();
      if (throws(() => fork.step(allowed))) return `step ${step}: step() refuses ${allowed}, which the mask allows.`;
    }
    const action = env.actionSpace.sample(rng, mask);
    const result = env.step(action);
    taken.push(action);
    results.push(text(result));
    over = result.terminated || result.truncated;
    info = result.info;
  }
  if (!guarantees.deterministic) return null;
  env.reset({ seed });
  const plain = taken.map((action) => text(env.step(action)));
  return difference('an episode with refused actions in between', plain, results);
}

/** An action of the space that the mask forbids; null where it forbids none, or the space is not one of choices. */
function forbidden(space: Space<unknown>, mask: Mask): unknown {
  if (space instanceof Discrete) {
    const index = (mask as Uint8Array).indexOf(0);
    return index < 0 ? null : space.start + index;
  }
  if (!(space instanceof MultiDiscrete)) return null;
  const masks = mask as readonly (Uint8Array | null)[];
  const element = masks.findIndex((one) => one?.includes(0));
  if (element < 0) return null;
  return Int32Array.from(masks, (one, i) => (i === element ? one!.indexOf(0) : Math.max(0, one?.indexOf(1) ?? 0)));
}

function allowedActions(space: Space<unknown>, mask: Mask): number[] {
  if (!(space instanceof Discrete)) return [];
  return Array.from(mask as Uint8Array, (allowed, i) => (allowed ? space.start + i : -1)).filter(
    (action) => action !== -1,
  );
}
