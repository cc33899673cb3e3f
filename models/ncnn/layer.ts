// A layer with the shapes of what it reads: what the rules of shapes and work are functions of. Shapes are in ONNX's order,
// with the batch first: ncnn's (w), (w, h) and (w, h, c) are [1, w], [1, h, w] and [1, c, h, w].
import { InputError } from '../../base/errors/input-error.js';
import { clip, type ParamLayer } from './param-text.js';

export type Shape = readonly number[];

/** What a parameter holds that stands for "not given" in ncnn. */
export const unset = -233;

export class Layer {
  readonly type: string;
  readonly name: string;
  /** Shapes of its inputs, in order. */
  readonly inputs: readonly Shape[];
  readonly outputs: number;
  readonly #label: string;
  readonly #parameters: ParamLayer['parameters'];

  constructor({ type, name, writes, parameters }: ParamLayer, inputs: readonly Shape[], label: string) {
    this.type = type;
    this.name = name;
    this.inputs = inputs;
    this.outputs = writes.length;
    this.#label = label;
    this.#parameters = parameters;
  }

  /** Shape of the first input. @throws InputError when there is none */
  get input(): Shape {
    return this.inputs[0] ?? this.fail('it reads no blob');
  }

  /** Dimensions of the first input without the batch: ncnn's `dims`. */
  get rank(): number {
    return this.input.length - 1;
  }

  /** A parameter with one value, or its default. */
  number(id: number, otherwise: number): number {
    return this.#parameters.get(id)?.[0] ?? otherwise;
  }

  /** A parameter that must be a whole number of `least` or more. */
  count(id: number, what: string, least: number, otherwise?: number): number {
    const value = this.number(id, otherwise ?? Number.NaN);
    if (!Number.isInteger(value) || value < least || value > 2 ** 31)
      return this.fail(
        `${what} (parameter ${id}) is ${Number.isNaN(value) ? 'missing' : value}, no whole number of ${least} or more`,
      );
    return value;
  }

  /** A parameter with a list of values; null where it is not given. */
  list(id: number): readonly number[] | null {
    return this.#parameters.get(id) ?? null;
  }

  /** The axis that a parameter names: ncnn counts from the outermost dimension after the batch, or from the end. */
  axis(value: number, rank = this.rank): number {
    const axis = value < 0 ? value + rank : value;
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank)
      return this.fail(`it names axis ${value} of a blob with ${rank} dimensions`);
    return axis + 1;
  }

  fail(problem: string): never {
    throw new InputError(
      `models: ${this.#label}: layer "${clip(this.name)}" (${clip(this.type)}): ${problem}.`,
      'Check that the file is a whole ncnn graph for this input size; docs/models.md says what is read of it.',
    );
  }
}

export const elements = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);
