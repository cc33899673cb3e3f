// The shape of each graph input: by the file, and for its free dimensions by the user. A free first dimension is the batch, 1
// by default.
import { InputError } from '../../base/errors/input-error.js';
import { own } from '../../base/functions/own.js';
import { DataType, type GraphProto, type ValueInfoProto } from '../../base/onnx/proto.js';
import { graphsWithin } from '../analysis/node-view.js';
import { type ControlInput, controlInputs } from './control-inputs.js';

/**
 * An input as the file declares it; a free dimension is its name, or '' without one. Exporters write free ones as -1 or 0 too:
 * an input that is empty for certain would be of no use.
 */
export interface DeclaredInput {
  readonly name: string;
  readonly elemType: number;
  readonly dims: readonly (number | string)[];
  /** What it governs, where it is a trip count or a condition. */
  readonly control?: ControlInput;
}

/** An input with every dimension known. */
export interface BoundInput {
  readonly name: string;
  readonly elemType: number;
  readonly shape: readonly number[];
  /** Whether the file left more open than the batch, so that the model's URI must say it. */
  readonly shapeChosen: boolean;
  readonly control?: ControlInput;
}

/** The inputs that are fed: from IR version 4 on, an initialiser listed among the inputs is only an overridable default. */
export function declaredInputs(graph: GraphProto, label: string): DeclaredInput[] {
  const initialised = new Set(graph.initializer.map((tensor) => tensor.name));
  const controls = controlInputs(graph);
  return graph.input
    .filter((input) => !initialised.has(input.name))
    .map((input) => declared(input, controls.get(input.name), label));
}

function declared(input: ValueInfoProto, control: ControlInput | undefined, label: string): DeclaredInput {
  const type = input.type?.value;
  if (type?.case !== 'tensorType') {
    throw new InputError(
      `models: ${label}: input "${input.name}" is ${type?.case?.replace('Type', '') ?? 'untyped'}, not a tensor.`,
      'Export the model with tensor inputs.',
    );
  }
  const dims = (type.value.shape?.dim ?? []).map(({ value }) =>
    value.case === 'dimValue' && value.value > 0n ? Number(value.value) : value.case === 'dimParam' ? value.value : '',
  );
  return { name: input.name, elemType: type.value.elemType, dims, ...(control && { control }) };
}

export interface ShapeRequest {
  /** Shapes by input name. */
  readonly shape: Readonly<Record<string, readonly number[]>>;
  /** What a free first dimension becomes; 1 when null. */
  readonly batch: number | null;
}

/** @throws InputError when a shape contradicts the file, names no input, or leaves a dimension free. */
export function bindShapes(inputs: readonly DeclaredInput[], request: ShapeRequest, label: string): BoundInput[] {
  for (const name of Object.keys(request.shape)) {
    if (!inputs.some((input) => input.name === name)) {
      throw new InputError(
        `models: ${label}: a shape is given for "${name}", which is no input.`,
        `Its inputs are ${inputs.map((input) => `"${input.name}"`).join(', ')}.`,
      );
    }
  }
  const named = namedDimensions(inputs, request.shape);
  const bound = inputs.map((input) => bindInput(input, request, named, label));
  const batched = bound.find((input) => input.shape.length > 0);
  if (request.batch !== null && batched && !bound.some((input) => input.shape[0] === request.batch)) {
    throw new InputError(
      `models: ${label}: batch ${request.batch} is asked for, but the first dimension of input "${batched.name}" is ${batched.shape[0]}.`,
      'Leave the batch out, or export the model with a free first dimension.',
    );
  }
  return bound;
}

/** Values of dimension names, from the shapes given: one name is one size. `?` names nothing. */
function namedDimensions(inputs: readonly DeclaredInput[], shapes: ShapeRequest['shape']): Map<string, number> {
  const named = new Map<string, number>();
  for (const input of inputs) {
    input.dims.forEach((dim, axis) => {
      const size = own(shapes, input.name)?.[axis];
      if (typeof dim === 'string' && dim !== '' && dim !== '?' && size !== undefined) named.set(dim, size);
    });
  }
  return named;
}

function bindInput(
  input: DeclaredInput,
  request: ShapeRequest,
  named: ReadonlyMap<string, number>,
  label: string,
): BoundInput {
  const given = own(request.shape, input.name);
  const declaration = `[${input.dims.map((dim) => (dim === '' ? '?' : dim)).join(', ')}]`;
  const at = `models: ${label}: input "${input.name}"`;
  if (given && input.dims.length > 0 && given.length !== input.dims.length) {
    throw new InputError(
      `${at} is given the shape [${given.join(', ')}], but is declared as ${declaration}.`,
      `Give ${input.dims.length} dimensions.`,
    );
  }
  const shape = (given && input.dims.length === 0 ? given : input.dims).map((dim, axis) => {
    const size = given?.[axis];
    if (typeof dim === 'number') {
      if (size !== undefined && size !== dim) {
        throw new InputError(
          `${at} is given the shape [${given?.join(', ')}], but dimension ${axis} is fixed at ${dim} in ${declaration}.`,
          'Give a shape that agrees with the file.',
        );
      }
      return dim;
    }
    // A batch that is asked for goes before the shape's own, so that one shape serves every batch.
    const value = (axis === 0 ? request.batch : null) ?? size ?? named.get(dim) ?? (axis === 0 ? 1 : null);
    if (value === null) {
      const example = input.dims.map((other, at) => (typeof other === 'number' ? other : at === 0 ? 1 : exampleSize));
      throw new InputError(
        `${at}: dimension ${axis}${dim && dim !== '?' ? ` ("${dim}")` : ''} of ${declaration} is free, and no value is given.`,
        `Give the input's shape, for instance --shape ${input.name}=${example.join(',')}.`,
      );
    }
    if (!Number.isInteger(value) || value < 0)
      throw new InputError(`${at}: dimension ${axis} is given as ${value}.`, 'Give a whole number of 0 or more.');
    return value;
  });
  const shapeChosen =
    input.dims.some((dim, axis) => typeof dim === 'string' && axis > 0) ||
    (given !== undefined && given.length > 0 && input.dims.length === 0);
  const { name, elemType, control } = input;
  return { name, elemType, shape, shapeChosen, ...(control && { control }) };
}

/** Divisible by every stride in use. */
const exampleSize = 224;

/** The batch: the first dimension of the first input that has one. */
export function batchOf(inputs: readonly BoundInput[]): number {
  return inputs.find((input) => input.shape.length > 0)?.shape[0] ?? 1;
}

/** Whether the file leaves that dimension open. */
export function batchIsFree(inputs: readonly DeclaredInput[]): boolean {
  return typeof inputs.find((input) => input.dims.length > 0)?.dims[0] === 'string';
}

/** Takes back dimensions that are declared as 0 or -1: the file means that they are free, ONNX Runtime that they are empty. */
export function freeDimensions(graph: GraphProto): void {
  for (const { input, output, valueInfo } of graphsWithin(graph)) {
    for (const { type } of [...input, ...output, ...valueInfo]) {
      if (type?.value.case !== 'tensorType') continue;
      for (const dim of type.value.value.shape?.dim ?? [])
        if (dim.value.case === 'dimValue' && dim.value.value <= 0n) dim.value = { case: undefined };
    }
  }
}

/** Writes the shapes into the graph's inputs, and forgets the shapes that it declared for anything else. */
export function writeShapes(graph: GraphProto, inputs: readonly Pick<BoundInput, 'name' | 'shape'>[]): void {
  for (const input of inputs) {
    const type = graph.input.find((candidate) => candidate.name === input.name)?.type?.value;
    if (type?.case !== 'tensorType' || !type.value.shape) continue;
    type.value.shape.dim.forEach((dim, axis) => {
      dim.value = { case: 'dimValue', value: BigInt(input.shape[axis]!) };
    });
  }
  graph.valueInfo = [];
  for (const output of graph.output) {
    const type = output.type?.value;
    if (type?.case === 'tensorType' && type.value.elemType !== DataType.UNDEFINED) delete type.value.shape;
  }
}
