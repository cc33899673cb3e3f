// The compiler's own view of a step: a graph of ONNX operators in single-assignment form. A value is an input, a constant
// or an output of a node, and knows which; a node is never changed. A builder gives the same value back when the same
// operator is asked for twice, so common subexpressions disappear as the graph is built.
import type { AttributeValue } from '../base/onnx/proto.js';

export type ElementType = 'float32' | 'int32' | 'int64' | 'bool';
export type ConstantData = Float32Array | Int32Array | BigInt64Array | Uint8Array;
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface Value {
  readonly id: number;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** The name of a graph input, the data of a constant, or the node that makes the value. */
  readonly origin: string | ConstantData | Node;
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

export interface Graph {
  /** Every input, read or not, in declared order. */
  readonly inputs: readonly Value[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly outputs: ReadonlyMap<string, Value>;
}

/** Type and shape of a value to be. */
export interface ValueType {
  readonly type: ElementType;
  readonly shape: readonly number[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i]);

/** The node that makes `value`, if its operator is `op`. */
export function madeBy(value: Value | undefined, op: string): Node | null {
  const origin = value?.origin;
  return origin && isNode(origin) && origin.op === op ? origin : null;
}

export function constantOf(value: Value | undefined): ConstantData | null {
  return value && typeof value.origin !== 'string' && !isNode(value.origin) ? value.origin : null;
}

const isNode = (origin: Value['origin']): origin is Node => typeof origin !== 'string' && 'op' in origin;

/** The one number a float constant repeats, or null when it holds several or is no constant. */
export function uniformOf(value: Value | undefined): number | null {
  const data = constantOf(value);
  if (!(data instanceof Float32Array) || data.length === 0) return null;
  const first = data[0]!;
  return data.every((element) => Object.is(element, first)) ? first : null;
}

/** The shape two operands broadcast to, as NumPy has it; both are taken as compatible. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const dimA = a[i - rank + a.length] ?? 1;
    const dimB = b[i - rank + b.length] ?? 1;
    return dimA === 1 ? dimB : dimA;
  });
}

export class GraphBuilder {
  readonly inputs: Value[] = [];
  readonly nodes: Node[] = [];
  readonly #known = new Map<string, Node>();
  readonly #constants = new Map<string, Value>();
  #values = 0;

  input(name: string, type: ElementType, shape: readonly number[]): Value {
    const value = this.#value(type, shape, name);
    this.inputs.push(value);
    return value;
  }

  /** A constant; equal ones are one value. */
  constant(type: ElementType, shape: readonly number[], data: ConstantData): Value {
    // Keys of large constants would cost more than the constants: only small ones are shared.
    const key = data.length <= 16 ? `${type}|${shape}|${[...data].map((x) => (Object.is(x, -0) ? '-0' : x))}` : null;
    const known = key === null ? undefined : this.#constants.get(key);
    if (known) return known;
    const value = this.#value(type, shape, data);
    if (key !== null) this.#constants.set(key, value);
    return value;
  }

  scalar(value: number): Value {
    return this.constant('float32', [], Float32Array.of(value));
  }

  /** A vector of int64: how ONNX takes axes, shapes and bounds. */
  integers(values: readonly number[]): Value {
    return this.constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  /** The outputs of an operator of the given types. */
  emit(
    op: string,
    inputs: readonly Value[],
    types: readonly ValueType[],
    attributes: Attributes = {},
  ): readonly Value[] {
    const key = keyOf(op, inputs, attributes);
    const known = this.#known.get(key);
    if (known) return known.outputs;
    const outputs: Value[] = [];
    const node: Node = { op, inputs, outputs, attributes };
    for (const { type, shape } of types) outputs.push(this.#value(type, shape, node));
    this.nodes.push(node);
    this.#known.set(key, node);
    return outputs;
  }

  /** The single output of an operator. */
  apply(op: string, inputs: readonly Value[], type: ValueType, attributes: Attributes = {}): Value {
    return this.emit(op, inputs, [type], attributes)[0]!;
  }

  /** An elementwise operator of one operand. */
  unary(op: string, x: Value, attributes: Attributes = {}): Value {
    return this.apply(op, [x], x, attributes);
  }

  /** An elementwise operator of two operands, with broadcasting. */
  binary(op: string, a: Value, b: Value): Value {
    return this.apply(op, [a, b], { type: a.type, shape: broadcastShape(a.shape, b.shape) });
  }

  reshape(x: Value, shape: readonly number[]): Value {
    if (sameShape(x.shape, shape)) return x;
    const data = constantOf(x);
    if (data) return this.constant(x.type, shape, data);
    return this.apply('Reshape', [x, this.integers(shape)], { type: x.type, shape });
  }

  cast(x: Value, type: ElementType): Value {
    return x.type === type ? x : this.apply('Cast', [x], { type, shape: x.shape }, { to: elementCode[type] });
  }

  /** The rows, columns, ... `begin` (inclusive) to `end` (exclusive) of one axis. */
  slice(x: Value, axis: number, begin: number, end: number): Value {
    const shape = x.shape.map((dim, i) => (i === axis ? end - begin : dim));
    const bounds = [begin, end, axis].map((bound) => this.integers([bound]));
    return this.apply('Slice', [x, ...bounds], { type: x.type, shape });
  }

  /** What `op` of `inputs` gave, if it was asked for before. */
  find(op: string, inputs: readonly Value[], attributes: Attributes = {}): Value | null {
    return this.#known.get(keyOf(op, inputs, attributes))?.outputs[0] ?? null;
  }

  #value(type: ElementType, shape: readonly number[], origin: Value['origin']): Value {
    return { id: this.#values++, type, shape, origin };
  }
}

/** ONNX's TensorProto.DataType of an element type. */
export const elementCode: Readonly<Record<ElementType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };

function keyOf(op: string, inputs: readonly Value[], attributes: Attributes): string {
  return `${op}(${inputs.map((input) => input.id)})${JSON.stringify(attributes)}`;
}
