// JSON files that somebody else may have written, changed or cut: checked against a schema when they are read. What breaks
// it is named by file, line, place and rule.
import { existsSync } from 'node:fs';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { InputError } from '../errors/input-error.js';
import { systemError } from '../errors/system-error.js';
import { checkSize, readLimited, textLimit } from './limits.js';

/**
 * @param remedy what to do about a file that cannot be read
 * @throws InputError when there is no such file, it is larger than the limit on texts, no JSON, or breaks the schema.
 */
export function readJson<T>(path: string, schema: z.ZodType<T>, remedy: string): T {
  return parseJson(readText(path, remedy), path, schema, remedy);
}

/** Null where there is no such file, or nothing of use in it: for what can be made again. */
export function readJsonIfWhole<T>(path: string, schema: z.ZodType<T>): T | null {
  if (!existsSync(path)) return null;
  try {
    return readJson(path, schema, '');
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/**
 * The text of a file in UTF-8.
 * @throws InputError when it cannot be read, or is larger than the limit on texts
 */
export function readText(path: string, remedy: string): string {
  try {
    return readLimited(path, textLimit()).toString();
  } catch (error) {
    const refused = systemError(error, undefined);
    throw refused ? new InputError(refused.problem, remedy) : error;
  }
}

/**
 * @param path how messages call the text
 * @throws InputError when it is no JSON, or breaks the schema.
 */
export function parseJson<T>(text: string, path: string, schema: z.ZodType<T>, remedy: string): T {
  checkSize(path, text.length, textLimit());
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path}: cannot be read as JSON: ${(error as Error).message}.`, remedy);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: place, message } = deepest(parsed.error.issues[0]!);
  const name = place.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const line = lineOf(text, place);
  throw new InputError(
    `${path}${line === null ? '' : `:${line}`}: ${name.replace(/^\./, '') || 'the file'}: ${message.replace(/\.$/, '')}; it is ${shown(json, place)}.`,
    remedy,
  );
}

/** Of a choice between forms, what is wrong with the last one. */
function deepest(issue: z.core.$ZodIssue): { path: readonly PropertyKey[]; message: string } {
  if (issue.code !== 'invalid_union' || !issue.errors.at(-1)?.[0]) return issue;
  const inner = deepest(issue.errors.at(-1)![0]!);
  return { path: [...issue.path, ...inner.path], message: inner.message };
}

/** The value at a place, as short as a message needs it. */
function shown(json: unknown, place: readonly PropertyKey[]): string {
  const value = place.reduce<unknown>(
    (inner, key) =>
      inner !== null && typeof inner === 'object' ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    json,
  );
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** The number of the format that this version reads and writes; another one is named in the message. */
export const ownVersion = <const Version extends number>(version: Version) =>
  z.literal(version, { error: `this SparOA Gym reads ${version}` });

/** An array whose check ends at its first bad element: a million of them must not become a million messages. */
export function list<T extends z.ZodType>(element: T) {
  return z.array(z.unknown()).transform((values, context): z.output<T>[] => {
    const checked: z.output<T>[] = [];
    for (const [index, value] of values.entries()) {
      const result = element.safeParse(value);
      if (result.success) {
        checked.push(result.data);
        continue;
      }
      const { path, message } = result.error.issues[0]!;
      context.addIssue({ code: 'custom', path: [index, ...path], message });
      return z.NEVER;
    }
    return checked;
  });
}

/** A text of this size takes its reader a second. */
const mostNumberedLines = 2e6;

/** Line, counted from 1, of the value at `place`, or of the nearest thing around it; JSON is YAML, whose reader keeps lines. */
function lineOf(text: string, place: readonly PropertyKey[]): number | null {
  if (text.length > mostNumberedLines) return null;
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  for (let depth = place.length; depth >= 0; depth--) {
    const node = document.getIn(place.slice(0, depth), true);
    if (isNode(node) && node.range) return lineCounter.linePos(node.range[0]).line;
  }
  return 1;
}
