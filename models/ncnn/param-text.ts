// The text of an ncnn graph (`.param`): a magic number, the counts of layers and blobs, then a line for each layer: its type and
// name, how many blobs it reads and writes, their names, and parameters `id=value`. Parameter -23300 - i is parameter i with a
// list of values, its length first. Format: github.com/Tencent/ncnn, docs/developer-guide/param-and-model-file-structure.md.
import { InputError } from '../../base/errors/input-error.js';

/** One line, as written. */
export interface ParamLayer {
  readonly type: string;
  readonly name: string;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  /** Parameters by id: a number alone is a list of one. */
  readonly parameters: ReadonlyMap<number, readonly number[]>;
  /** Line of the file, from 1. */
  readonly line: number;
}

const magic = '7767517';

/** The last id of a parameter; lists have the ids from -23300 on downwards. */
const [largestId, listOffset] = [99, -23300];

/** ncnn reads names of at most 255 bytes. */
const longestName = 255;

/** Whether the bytes begin as ncnn's text does. */
export const isParamText = (start: string): boolean => new RegExp(`^\\s*${magic}\\s`).test(start);

/**
 * The layers that ncnn reads: as many as the second line says, whatever follows them.
 * @param label names the file in messages
 * @param mostLayers what is allowed
 * @throws InputError naming the line and what is wrong with it
 */
export function parseParam(text: string, label: string, mostLayers: number): ParamLayer[] {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const fail = (line: number, problem: string): never => {
    throw new InputError(
      `models: ${label}: line ${line}: ${problem}.`,
      'Give the text file (.param) of an ncnn graph; ncnn2table, pnnx and ncnnoptimize write such files.',
    );
  };
  if (lines[0]?.[0] !== magic) fail(1, `the magic number ${magic} is missing`);
  const layers = wholeNumber(lines[1]?.[0] ?? '');
  if (layers === null || layers === 0 || wholeNumber(lines[1]?.[1] ?? '') === null)
    fail(2, 'it must hold the counts of layers and blobs');
  if (layers! > mostLayers)
    throw new InputError(
      `models: ${label}: line 2: the graph has ${layers} layers, and ${mostLayers} are allowed.`,
      `Give a smaller graph, or allow more with SPAROA_GYM_MAX_NODES=${layers}.`,
    );
  const found: ParamLayer[] = [];
  for (let at = 2; at < lines.length && found.length < layers!; at++) {
    if (lines[at]![0] === '') continue;
    found.push(layerOf(lines[at]!, at + 1, (problem) => fail(at + 1, problem)));
  }
  if (found.length < layers!) fail(2, `it counts ${layers} layers, and the file has ${found.length}`);
  return found;
}

function layerOf(words: readonly string[], line: number, fail: (problem: string) => never): ParamLayer {
  const [type = '', name = '', ...rest] = words;
  const reads = wholeNumber(rest[0] ?? '');
  const writes = wholeNumber(rest[1] ?? '');
  if (reads === null || writes === null) return fail('after type and name stand the counts of blobs read and written');
  const blobs = rest.slice(2, 2 + reads + writes);
  if (blobs.length < reads + writes || blobs.some((blob) => isParameter(blob)))
    return fail(`layer "${clip(name)}" names fewer blobs than the ${reads} and ${writes} that it counts`);
  const long = [type, name, ...blobs].find((word) => word.length > longestName);
  if (long) return fail(`the name "${clip(long)}" has ${long.length} characters, more than ${longestName}`);
  const parameters = new Map<number, readonly number[]>();
  for (const word of rest.slice(2 + reads + writes)) {
    const [, key, value] = /^(-?\d+)=(.+)$/.exec(word) ?? [];
    const id = Number(key);
    const isList = id <= listOffset && id >= listOffset - largestId;
    if (value === undefined || !(isList || (id >= 0 && id <= largestId)))
      return fail(`layer "${clip(name)}": "${clip(word)}" is no parameter`);
    // Expressions and other strings, which newer converters write, say nothing that is read here.
    if (value.startsWith('"')) continue;
    const [first, ...others] = value.split(',').map(Number);
    const values = isList ? others : [first!, ...others];
    if ([first!, ...others].some((each) => !Number.isFinite(each)) || values.length !== (isList ? first : 1))
      return fail(`layer "${clip(name)}": parameter ${clip(word)} is ${isList ? 'no list' : 'no number'}`);
    parameters.set(isList ? listOffset - id : id, values);
  }
  return { type, name, reads: blobs.slice(0, reads), writes: blobs.slice(reads), parameters, line };
}

const isParameter = (word: string): boolean => /^-?\d+=/.test(word);

const wholeNumber = (text: string): number | null => (/^\d{1,9}$/.test(text) ? Number(text) : null);

/** Names in messages stay short. */
export const clip = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}...` : text);
