// Schemas of control messages. A client is another program, perhaps in another language, so everything that it sends is
// checked.
import { z } from 'zod';
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { type Frame, readJson } from './frames.js';

/** Whole numbers that a double holds exactly: a larger one would arrive as another. */
const seed = z.int().min(0);
const record = z.record(z.string(), z.unknown());

const schemas = {
  hello: z.strictObject({ do: z.literal('hello'), protocol: z.int(), token: z.string().nullish() }),
  /** With a `count` a vector, in the `autoreset` mode; without it one environment. */
  make: z.strictObject({
    do: z.literal('make'),
    id: z.string(),
    options: record.nullish(),
    count: z.int().min(1).optional(),
    autoreset: z.enum(['next-step', 'same-step', 'disabled']).optional(),
  }),
  /** One seed of a vector is that of its first environment, the others' follow it. `only`: 1 for each to reset. */
  reset: z.strictObject({
    do: z.literal('reset'),
    seed: z.union([seed, z.array(seed)]).nullish(),
    options: record.nullish(),
    only: z.array(z.union([z.literal(0), z.literal(1)])).nullish(),
  }),
  info: z.strictObject({ do: z.literal('info') }),
  render: z.strictObject({ do: z.literal('render'), mode: z.string() }),
  snapshot: z.strictObject({ do: z.literal('snapshot') }),
  restore: z.strictObject({ do: z.literal('restore'), state: record }),
  fork: z.strictObject({ do: z.literal('fork') }),
  baselines: z.strictObject({ do: z.literal('baselines') }),
  /** Without a `seed` that of the latest reset; so below. `randomSeed`: of what the baseline draws. */
  plan: z.strictObject({ do: z.literal('plan'), name: z.string(), seed: seed.nullish(), randomSeed: seed.nullish() }),
  reference: z.strictObject({ do: z.literal('reference'), seed: seed.nullish() }),
  bound: z.strictObject({ do: z.literal('bound'), seed: seed.nullish() }),
  metrics: z.strictObject({ do: z.literal('metrics') }),
  row: z.strictObject({ do: z.literal('row'), scheduler: z.string().min(1).max(200), seed: seed.nullish() }),
  close: z.strictObject({ do: z.literal('close') }),
};
type Schemas = typeof schemas;
type Verb = keyof Schemas;

export type Message = { [Name in Verb]: z.infer<Schemas[Name]> }[Verb];
export type MessageOf<Name extends Verb> = z.infer<Schemas[Name]>;
/** What a client asks of a reset; each part may be missing. */
export type ResetRequest = Omit<MessageOf<'reset'>, 'do'>;

const verbs = Object.keys(schemas);

/** @throws InputError when the payload is no JSON object, or not one of these messages */
export function readMessage(frame: Frame): Message {
  const content = readJson(frame);
  const verb = content.do;
  if (typeof verb !== 'string' || !verbs.includes(verb))
    throw new InputError(
      `serve: ${briefly(verb)} is no control message.`,
      typeof verb === 'string' && verb.length < 40 ? didYouMean(verb, verbs) : `Known: ${verbs.join(', ')}.`,
    );
  const parsed = schemas[verb as Verb].safeParse(content);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues as unknown as [z.core.$ZodIssue];
  throw new InputError(
    `serve: "${verb}"${path.length > 0 ? `: ${path.map(String).join('.')}` : ''}: ${message}.`,
    'Send what docs/python.md lists for it: seeds are whole numbers from 0 to 2^53 - 1.',
  );
}

function briefly(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
