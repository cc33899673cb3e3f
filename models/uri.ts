// Names of models. A URI says everything that the operator graph depends on, so that a table cell names a result's
// model completely: `model://resnet18?batch=4&seed=0`, `file:///models/det.onnx?batch=1&shape.x=1x3x64x320`. A path is
// short for its file URI. Canonical URIs hold no comma, because they stand in CSV cells.
import { didYouMean, InputError } from '../base/errors/input-error.js';
import { formatUri, parseUri, type UriParts } from '../base/files/uri.js';
import { emptyTable } from '../base/functions/own.js';

/** What a model's name says, before anything is looked up. */
export interface ModelReference {
  readonly scheme: 'model' | 'file';
  /** The builder's name, or the file's absolute path. */
  readonly name: string;
  readonly batch: number | null;
  /** Shapes of inputs by name. */
  readonly shape: Readonly<Record<string, readonly number[]>>;
  /** Files with input values, or a number for all of its elements, by input name; '' is the only input. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Builder parameters. */
  readonly parameters: Readonly<Record<string, number>>;
}

export interface ModelOptions {
  /** Shapes by input name: what `--shape x=1,3,48,320` gives. */
  readonly shape?: Readonly<Record<string, readonly number[]>>;
  /** .npy or .png files or a number by input name, '' for the only input: what `--input x=page.png` gives. */
  readonly inputs?: Readonly<Record<string, string>>;
}

/** Every name of `ModelOptions`. */
export const modelOptionNames = { shape: true, inputs: true } as const satisfies Record<keyof ModelOptions, true>;

const remedy = 'Give a path, file:///path/model.onnx?shape.x=1x3x48x320, or model://resnet18?batch=4&seed=0.';

/** @throws InputError when the name cannot be understood. */
export function parseModelUri(
  uri: string,
  options: ModelOptions,
  builderParameters: readonly string[],
): ModelReference {
  const { scheme, name, parameters } = partsOf(uri);
  if (scheme === 'model') return reference('model', name, parameters, options, uri, builderParameters);
  if (scheme === 'file' || scheme === null) return reference('file', name, parameters, options, uri, []);
  throw new InputError(`models: "${uri}": models have no scheme "${scheme}://".`, remedy);
}

function partsOf(uri: string): UriParts {
  try {
    return parseUri(uri, ['shape']);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`models: "${uri}": no file URI: ${(error as Error).message}.`, remedy);
  }
}

function reference(
  scheme: 'model' | 'file',
  name: string,
  query: URLSearchParams,
  options: ModelOptions,
  uri: string,
  builderParameters: readonly string[],
): ModelReference {
  let batch: number | null = null;
  const shape = Object.assign(emptyTable<readonly number[]>(), options.shape);
  const inputs = Object.assign(emptyTable<string>(), options.inputs);
  const parameters: Record<string, number> = {};
  for (const [key, value] of query) {
    if (key === 'batch') batch = wholeNumber(value, key, uri);
    else if (key.startsWith('shape.')) shape[key.slice('shape.'.length)] ??= parseShape(value, uri);
    else if (key === 'shape') Object.assign(shape, parseNamedShape(value, uri));
    else if (key === 'input') inputs[''] ??= value;
    else if (key.startsWith('input.')) inputs[key.slice('input.'.length)] ??= value;
    else if (builderParameters.includes(key)) parameters[key] = number(value, key, uri);
    else {
      const known = ['batch', ...builderParameters, 'shape.<input>', 'input.<input>'];
      throw new InputError(`models: "${uri}": there is no parameter "${key}".`, didYouMean(key, known));
    }
  }
  return { scheme, name, batch, shape, inputs, parameters };
}

function number(text: string, key: string, uri: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value))
    throw new InputError(`models: "${uri}": ${key} is "${text}", no number.`, `Give a number: ${key}=1.`);
  return value;
}

function wholeNumber(text: string, key: string, uri: string, least: 0 | 1 = 1): number {
  const value = number(text, key, uri);
  if (!Number.isInteger(value) || value < least)
    throw new InputError(`models: "${uri}": ${key} is ${text}.`, `Give a whole number of ${least} or more: ${key}=1.`);
  return value;
}

/** `1x3x48x320`, or with commas. */
function parseShape(text: string, uri: string): number[] {
  return text === '' ? [] : text.split(/[x,]/).map((dim) => wholeNumber(dim, 'a dimension of the shape', uri, 0));
}

/** `x:1,3,48,320`. */
function parseNamedShape(text: string, uri: string): Record<string, number[]> {
  const at = text.lastIndexOf(':');
  if (at < 1)
    throw new InputError(
      `models: "${uri}": the shape "${text}" names no input.`,
      'Write shape.x=1x3x48x320 for input "x".',
    );
  return { [text.slice(0, at)]: parseShape(text.slice(at + 1), uri) };
}

/** A canonical URI: parameters in the order given, a shape as `1x3x48x320`. */
export function formatModelUri(
  scheme: 'model' | 'file',
  name: string,
  parameters: readonly (readonly [string, string | number | readonly number[]])[],
): string {
  return formatUri(
    scheme,
    name,
    parameters.map(([key, value]) => [key, typeof value === 'object' ? value.join('x') : value]),
  );
}

/** The model's URI with another batch. */
export function withBatch(uri: string, batch: number): string {
  const [address = '', query = ''] = uri.split('?', 2);
  const others = query.split('&').filter((part) => part !== '' && !part.startsWith('batch='));
  return `${address}?${[`batch=${batch}`, ...others].join('&')}`;
}
