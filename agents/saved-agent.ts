// What learners have in common: settings checked against a schema, bounds of actions, and checkpoints that fit the agent they
// are loaded into.
import * as z from 'zod';
import { InputError } from '../base/errors/input-error.js';

type Arrays = Readonly<Record<string, Float32Array>>;

/** @throws InputError when the config is not valid */
export function checkConfig<Schema extends z.ZodType>(
  learner: string,
  schema: Schema,
  config: unknown = {},
): z.output<Schema> {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  throw new InputError(
    `${learner}: the config is not valid: ${z.prettifyError(parsed.error)}.`,
    'Correct the named fields.',
  );
}

/** @throws InputError when an action's bounds are not two finite numbers in order */
export function checkBounds(learner: string, low: readonly number[], high: readonly number[]): void {
  for (const [i, least] of low.entries()) {
    const most = high[i]!;
    if (Number.isFinite(least) && Number.isFinite(most) && least < most) continue;
    throw new InputError(
      `${learner}: dimension ${i} of the action is bounded by ${least} and ${most}, not by two finite numbers in order.`,
      'Give the environment a Box of actions with finite bounds, for instance by a rescaling wrapper.',
    );
  }
}

/** @throws InputError when a checkpoint's identity or config is another agent's */
export function checkSaved(
  learner: string,
  saved: Readonly<Record<string, unknown>> & { readonly config: unknown },
  identity: Readonly<Record<string, string | number>>,
  config: unknown,
): void {
  for (const [field, value] of Object.entries(identity)) {
    if (saved[field] === value) continue;
    throw new InputError(
      `${learner}: the checkpoint has ${field} ${saved[field]}, but the agent has ${value}.`,
      'Load it into an agent made for the same environment.',
    );
  }
  const [own, other] = [JSON.stringify(config), JSON.stringify(saved.config)];
  if (own === other) return;
  throw new InputError(
    `${learner}: the checkpoint was made with the config ${other}, not ${own}.`,
    'Load it into an agent with the same config.',
  );
}

/** Arrays of a part of an agent, under names of their own in its checkpoint. */
export function prefixed(prefix: string, arrays: Arrays): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));
}

/** The arrays that `prefixed` named so. */
export function unprefixed(prefix: string, arrays: Arrays): Arrays {
  return Object.fromEntries(
    Object.entries(arrays).flatMap(([name, array]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), array]] : [],
    ),
  );
}
