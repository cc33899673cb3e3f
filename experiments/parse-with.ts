// Checking a value by a schema, so that the error names the path within the value and the rule.
import type { z } from 'zod';
import { InputError } from '../base/errors/input-error.js';

/** Longest value in an error, so that it stays one readable line. */
const mostIssues = 5;
const short = (message: string): string => (message.length > 400 ? `${message.slice(0, 400)} ...` : message);

/** @throws InputError when `value` does not fit, with `where` in front of what is wrong */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(
    ({ path, message }) => `${path.length > 0 ? `${path.join('.')}: ` : ''}${short(message.replace(/\.$/, ''))}`,
  );
  const more = issues.length > mostIssues ? `; and ${issues.length - mostIssues} more` : '';
  throw new InputError(
    `${where}: ${issues.slice(0, mostIssues).join('; ')}${more}.`,
    'docs/experiments.md lists every field with its rule.',
  );
}
