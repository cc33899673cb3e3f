// Published JSON files, checked against a schema: what breaks it is named by file, line, place and rule.
import { readFileSync } from 'node:fs';
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { InputError } from '../../../base/errors/input-error.js';

/** @throws InputError when the file cannot be read, is no JSON or breaks the schema. */
export function readJson<T>(path: string, schema: z.ZodType<T>): T {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new InputError(`${path}: cannot be read as JSON: ${(error as Error).message}.`, 'Give the published file.');
  }
  return parseJson(text, path, schema);
}

/**
 * @param path how messages call the text
 * @throws InputError when it is no JSON or breaks the schema.
 */
export function parseJson<T>(text: string, path: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path}: cannot be read as JSON: ${(error as Error).message}.`, 'Give the published file.');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: place, message } = parsed.error.issues[0]!;
  const name = place.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  throw new InputError(
    `${path}:${lineOf(text, place)}: ${name.replace(/^\./, '') || 'the file'}: ${message}.`,
    'Give the published file, or mend this entry.',
  );
}

/** Line, counted from 1, of the value at `place`, or of the nearest thing around it; JSON is YAML, whose reader keeps lines. */
function lineOf(text: string, place: readonly PropertyKey[]): number {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  for (let depth = place.length; depth >= 0; depth--) {
    const node = document.getIn(place.slice(0, depth), true);
    if (isNode(node) && node.range) return lineCounter.linePos(node.range[0]).line;
  }
  return 1;
}
