// An ncnn graph as operator graphs. The file holds no weights, so nothing runs: shapes are inferred, layer by layer, from the
// inputs' and checked against those that the file states. Layers are what ncnn runs, activations fused already, so both
// granularities have the same units.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import { contentHash } from '../../base/files/hash.js';
import { own } from '../../base/functions/own.js';
import type { Analysis } from '../analysis/analysis.js';
import { modelLimits } from '../analysis/limits.js';
import type { Measured } from '../analysis/measure.js';
import type { CostedNode, Weight } from '../analysis/nodes.js';
import { buildGraph, distinctWeights } from '../analysis/units.js';
import type { ModelInput } from '../model-facts.js';
import { elements, Layer, type Shape } from './layer.js';
import { clip, isParamText, type ParamLayer, parseParam } from './param-text.js';
import { largestShapes, shapeOfSizes, shapeRules } from './shapes.js';
import { isCounted, workOf } from './work.js';

export interface NcnnGraph {
  readonly path: string;
  readonly hash: string;
  readonly inputs: readonly ModelInput[];
  /** Inputs whose shape the caller chose. */
  readonly chosen: readonly string[];
  readonly analysis: Analysis;
}

/** The public graphs have 2 to 30 kB. */
const largestBytes = 16e6;

/** Of one blob. Four bytes each: 8 GB. */
const mostElements = 2 ** 31;

/** Layers that only give a blob other names. */
const copies: ReadonlySet<string> = new Set(['Split', 'Noop', 'Dropout']);

const floatType = 1;
const float = (shape: Shape): Measured => ({ type: 'float', shape, bytes: 4 * elements(shape), sparsity: null });

/** Whether a file is to be read as an ncnn graph: by its name, as ncnn has no other mark that binary files lack. */
export const isNcnnPath = (path: string): boolean => path.endsWith('.param');

/**
 * @param given shapes of inputs by name, with the batch, in ONNX's order
 * @param otherwise the shape of inputs of which neither `given` nor the file says one
 * @throws InputError when the file is no ncnn graph, contradicts itself, exceeds a limit, or does not say a shape
 */
export function readNcnn(
  path: string,
  given: Readonly<Record<string, Shape>>,
  otherwise: Shape | null = null,
): NcnnGraph {
  const label = basename(path);
  if (!existsSync(path) || !statSync(path).isFile())
    throw new InputError(`models: ${path}: there is no such file.`, 'Give the path of a .param or .onnx file.');
  const { size } = statSync(path);
  if (size > largestBytes)
    throw new InputError(
      `models: ${label}: it has ${size} bytes, and ${largestBytes} are allowed.`,
      'Give a smaller graph.',
    );
  const text = readFileSync(path, 'utf8');
  if (!isParamText(text.slice(0, 100)))
    throw new InputError(
      `models: ${label}: no ncnn graph: it does not begin with the magic number 7767517.`,
      'Give the text file (.param), not the binary one (.param.bin).',
    );
  const limits = modelLimits();
  const builder = new GraphBuilder(label, given, otherwise, limits.inputElements);
  for (const layer of parseParam(text, label, limits.nodes)) builder.add(layer);
  return { path, hash: contentHash(text), ...builder.finish() };
}

class GraphBuilder {
  readonly #label: string;
  readonly #given: Readonly<Record<string, Shape>>;
  readonly #otherwise: Shape | null;
  readonly #mostInputElements: number;
  /** By blob: the tensor that it is. Copies are other names of one tensor. */
  readonly #tensors = new Map<string, string>();
  readonly #constants = new Map<string, Weight>();
  readonly #shapes = new Map<string, Measured>();
  readonly #inputs: ModelInput[] = [];
  readonly #nodes: CostedNode[] = [];
  readonly #names = new Set<string>();
  readonly #read = new Set<string>();
  readonly #estimated = new Set<string>();
  #quantised = false;
  /** Inputs with another shape than the file's: what it states of other blobs holds no more. */
  readonly #chosen: string[] = [];

  constructor(
    label: string,
    given: Readonly<Record<string, Shape>>,
    otherwise: Shape | null,
    mostInputElements: number,
  ) {
    this.#label = label;
    this.#given = given;
    this.#otherwise = otherwise;
    this.#mostInputElements = mostInputElements;
  }

  add(line: ParamLayer): void {
    const { type, reads, writes } = line;
    const sources = reads.map(
      (blob) => this.#tensors.get(blob) ?? this.#fail(line, `no layer before it writes "${clip(blob)}"`),
    );
    const twice = writes.find((blob, at) => this.#tensors.has(blob) || writes.indexOf(blob) < at);
    if (twice !== undefined) this.#fail(line, `"${clip(twice)}" is written twice`);
    if (writes.length === 0 || (reads.length === 0 && type !== 'Input' && type !== 'MemoryData'))
      this.#fail(line, `it ${writes.length === 0 ? 'writes' : 'reads'} no blob`);
    if (type === 'Input') this.#input(line);
    else if (type === 'MemoryData') this.#constant(line);
    else if (copies.has(type)) for (const blob of writes) this.#tensors.set(blob, sources[0]!);
    else this.#compute(line, sources);
  }

  finish(): Omit<NcnnGraph, 'path' | 'hash'> {
    const label = this.#label;
    const nodes = this.#nodes;
    if (nodes.length === 0)
      throw new InputError(`models: ${label}: no layer of it computes anything.`, 'Give a whole ncnn graph.');
    const unknown = Object.keys(this.#given).find((name) => !this.#inputs.some((input) => input.name === name));
    if (unknown !== undefined)
      throw new InputError(
        `models: ${label}: there is no input "${unknown}".`,
        `Its inputs are ${this.#inputs.map(({ name }) => `"${name}"`).join(', ')}.`,
      );
    const material = {
      nodes,
      measured: this.#shapes,
      inputs: this.#inputs.map(({ name }) => name),
      outputs: nodes.flatMap(({ writes }) => writes).filter((name) => !this.#read.has(name)),
    };
    const each = nodes.map((_, at) => [at]);
    const operator = buildGraph('operator', each, material);
    const weights = distinctWeights(nodes);
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    const totals = {
      macs: sum(nodes.map(({ macs }) => macs)),
      flops: sum(nodes.map(({ flops }) => flops)),
      parameters: sum(weights.map((weight) => weight.elements)),
      weightBytes: sum(weights.map(({ bytes }) => bytes)),
    };
    if (!Object.values(totals).every(Number.isSafeInteger))
      throw new InputError(
        `models: ${label}: its work is ${totals.macs} multiply-accumulates, more than can be counted.`,
        'Give smaller shapes (--shape).',
      );
    const chosen = this.#chosen;
    const analysis = { operator, fused: buildGraph('fused', each, material), totals, warnings: this.#warnings() };
    return { inputs: this.#inputs, chosen, analysis };
  }

  #warnings(): string[] {
    const uncounted = [...new Set(this.#nodes.flatMap((node) => node.uncounted))];
    return [
      'The file holds no weights: zeros are unknown, and only profiles simulate it.',
      ...(this.#quantised
        ? ['Its weights are int8: no profile knows int8 rates, so it is simulated at those of floats.']
        : []),
      ...(uncounted.length > 0
        ? [`The work of ${uncounted.join(', ')} is not known: one operation per output element is counted.`]
        : []),
      ...(this.#estimated.size > 0
        ? [`How much ${[...this.#estimated].join(', ')} writes depends on the values: the most is counted.`]
        : []),
    ];
  }

  #input(line: ParamLayer): void {
    const layer = new Layer(line, [], this.#label);
    const [name = '', ...others] = line.writes;
    if (others.length > 0) layer.fail('an input is one blob');
    const stated = shapeOfSizes([0, 1, 2].map((id) => layer.number(id, 0)));
    const hint = hintsOf(line)?.[0];
    const inFile = stated.length > 1 ? stated : hint;
    const shape = own(this.#given, name) ?? inFile ?? this.#otherwise;
    if (!shape)
      throw new InputError(
        `models: ${this.#label}: input "${clip(name)}" has no shape in the file.`,
        `Give it, batch first: --shape ${name}=1,3,224,224, or ?shape.${name}=1x3x224x224.`,
      );
    if (shape[0] !== 1 || shape.length < 2 || shape.length > 4)
      layer.fail(`its shape is [${shape.join(', ')}], and ncnn takes a batch of 1 and 1 to 3 dimensions more`);
    if (shape.join() !== inFile?.join()) this.#chosen.push(name);
    this.#declare(layer, name, shape);
    this.#inputs.push({ name, elemType: floatType, shape });
    const all = this.#inputs.reduce((sum, input) => sum + elements(input.shape), 0);
    if (all > this.#mostInputElements)
      throw new InputError(
        `models: ${this.#label}: its inputs have ${all} elements together, and ${this.#mostInputElements} are allowed.`,
        `Give smaller shapes (--shape), or allow more with SPAROA_GYM_MAX_INPUT_ELEMENTS=${all}.`,
      );
  }

  #constant(line: ParamLayer): void {
    const layer = new Layer(line, [], this.#label);
    const [name = '', ...others] = line.writes;
    if (others.length > 0) layer.fail('a constant is one blob');
    const shape = shapeOfSizes([0, 1, 2].map((id) => layer.number(id, 0)));
    this.#declare(layer, name, shape);
    this.#constants.set(name, { name, elements: elements(shape), bytes: 4 * elements(shape), zeros: 0 });
  }

  #compute(line: ParamLayer, sources: readonly string[]): void {
    const { type, writes, name } = line;
    const layer = new Layer(
      line,
      sources.map((source) => this.#shapes.get(source)!.shape),
      this.#label,
    );
    for (const source of sources) this.#read.add(source);
    const outputs = this.#outputsOf(layer, line);
    for (const [at, blob] of writes.entries()) this.#declare(layer, blob, outputs[at]!);
    const { weights, biases, weightBytes, split, ...work } = workOf(layer, outputs);
    if (weightBytes === 1) this.#quantised = true;
    const unique = this.#uniqueName(name);
    const constants = sources.flatMap((source) => this.#constants.get(source) ?? []);
    const owned = weights + biases;
    const bytes = weights * weightBytes + 4 * biases;
    const own: Weight[] = owned > 0 ? [{ name: `${unique}/weights`, elements: owned, bytes, zeros: 0 }] : [];
    const all = [...own, ...new Map(constants.map((weight) => [weight.name, weight])).values()];
    this.#nodes.push({
      ...work,
      name: unique,
      reads: [...new Set(sources)].filter((source) => !this.#constants.has(source)),
      writes,
      weights: all,
      weightBytesRead: all.reduce((sum, weight) => sum + weight.bytes, 0),
      split: constants.length > 0 ? null : split,
      onlyOn: null,
      elementwise: (work.opClass === 'activation' || work.opClass === 'elementwise') && all.length === 0,
      bodies: null,
      uncounted: isCounted(type) ? [] : [type],
    });
  }

  #outputsOf(layer: Layer, line: ParamLayer): readonly Shape[] {
    const stated = this.#chosen.length > 0 ? null : hintsOf(line);
    const rule = shapeRules.get(layer.type);
    const inferred = rule?.(layer) ?? (stated ? null : largestShapes.get(layer.type)?.(layer)) ?? null;
    if (!rule && inferred) this.#estimated.add(layer.type);
    const outputs = inferred ?? stated;
    if (!outputs) return layer.fail('its shape is neither in the file nor known for its type');
    if (outputs.length !== line.writes.length)
      layer.fail(`it writes ${line.writes.length} blobs, and has ${outputs.length} shapes`);
    const wrong = stated && inferred ? outputs.findIndex((shape, at) => shape.join() !== stated[at]?.join()) : -1;
    if (wrong >= 0)
      layer.fail(
        `the file says that it writes ${stated![wrong]?.slice(1).join(' x ') ?? 'nothing'}, and its parameters make ${outputs[wrong]!.slice(1).join(' x ')}`,
      );
    return outputs;
  }

  #declare(layer: Layer, blob: string, shape: Shape): void {
    if (shape.length < 2 || shape.some((size) => !Number.isInteger(size) || size < 1))
      layer.fail(`it would write a blob of [${shape.slice(1).join(', ')}]`);
    if (elements(shape) > mostElements)
      layer.fail(`it would write ${elements(shape)} elements, and ${mostElements} are allowed`);
    this.#tensors.set(blob, blob);
    this.#shapes.set(blob, float(shape));
  }

  #uniqueName(name: string): string {
    let unique = name;
    for (let counter = this.#nodes.length; this.#names.has(unique); counter++) unique = `${name}_${counter}`;
    this.#names.add(unique);
    return unique;
  }

  #fail(line: ParamLayer, problem: string): never {
    return new Layer(line, [], this.#label).fail(problem);
  }
}

/** The shapes that the file states: for each blob its dimensions, then width, height and channels. */
function hintsOf({ parameters }: ParamLayer): Shape[] | null {
  const list = parameters.get(30);
  if (!list) return null;
  return Array.from({ length: Math.floor(list.length / 4) }, (_, at) => {
    const [dimensions = 0, ...sizes] = list.slice(4 * at, 4 * at + 4);
    return [1, ...sizes.slice(0, Math.max(0, Math.min(3, dimensions))).reverse()];
  });
}
