// The input of a lowering, one recorded kernel: its inputs as graph values, its attributes, the types of its outputs.
import type { ElementType, GraphBuilder, Value, ValueType } from './graph.js';

export interface Kernel {
  readonly g: GraphBuilder;
  readonly name: string;
  /** In the order the kernel lists them. */
  readonly inputs: readonly Value[];
  /** The input of that name, as the kernel saw it. */
  input(name: string): Value;
  /** An attribute; the caller states its type, which the kernel's own declaration in TensorFlow.js fixes. */
  attribute<T>(name: string): T;
  /** Type and shape of the first output, and of all. */
  readonly out: ValueType;
  readonly outs: readonly ValueType[];
}

/** How one kernel becomes ONNX operators: the value, or values, it gives. */
export type Lowering = (kernel: Kernel) => Value | readonly Value[];

export type LoweringTable = Readonly<Record<string, Lowering>>;

/** TensorFlow.js's name of an element type as the graph's; null for strings and complex numbers. */
export function elementType(dtype: string): ElementType | null {
  return dtype === 'float32' || dtype === 'int32' || dtype === 'bool' ? dtype : null;
}

/** Axes as TensorFlow.js takes them (one, several, none for all; negative from the end) as a list of axes from the front. */
export function axesOf(axis: number | readonly number[] | null | undefined, rank: number): number[] {
  const axes = axis === null || axis === undefined ? Array.from({ length: rank }, (_, i) => i) : [axis].flat();
  return axes.map((a) => (a < 0 ? a + rank : a));
}
