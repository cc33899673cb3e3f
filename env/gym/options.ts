// Checks the options of an environment or a wrapper by a schema, and fills in defaults.
import { z } from 'zod';
import { didYouMean, InputError } from '../../base/errors/input-error.js';

/**
 * @param name whose options they are, for errors
 * @param others options beside these, as errors list them
 * @throws InputError when an option is unknown or bad
 */
export function parseOptions<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  options: unknown,
  others: readonly string[] = [],
): z.output<Schema> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const known = [...others, ...(schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])];
  const stray = parsed.error.issues.find((issue) => issue.code === 'unrecognized_keys' && issue.path.length === 0);
  if (stray?.code === 'unrecognized_keys' && known.length > 0)
    throw new InputError(`${name}: there is no option "${stray.keys[0]}".`, didYouMean(stray.keys[0]!, known));
  throw new InputError(
    `${name}: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`,
    `Options: ${known.join(', ') || 'none'}.`,
  );
}
