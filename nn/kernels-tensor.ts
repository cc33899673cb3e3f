// Kernels of TensorFlow.js that multiply matrices, reduce, or move elements, as ONNX operators.
import { sizeOf, type Value, type ValueType } from './graph.js';
import { axesOf, type Kernel, type Lowering, type LoweringTable } from './kernel.js';

type AxisAttribute = number | readonly number[] | null | undefined;

/** A reduction over axes; ONNX takes them as an input. */
const reduce =
  (op: string, attribute = 'axis'): Lowering =>
  (k) => {
    const x = k.inputs[0]!;
    const axes = axesOf(k.attribute<AxisAttribute>(attribute), x.shape.length);
    // Without axes ONNX would reduce over all of them.
    if (axes.length === 0) return k.g.reshape(x, k.out.shape);
    // The shape says whether reduced axes are kept; a reshape after the fact costs nothing.
    return k.g.apply(op, [x, k.g.integers(axes)], k.out, { keepdims: k.out.shape.length === x.shape.length ? 1 : 0 });
  };

/**
 * Matrix product. Two matrices make a Gemm, which fuses with what follows; so does a batch whose second operand is one
 * matrix, once its rows are stacked.
 */
function matMul({ g, out }: Kernel, a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value {
  const batchB = sizeOf(b.shape.slice(0, -2));
  const batchA = sizeOf(a.shape.slice(0, -2));
  if (batchB === 1 && (batchA === 1 || !transposeA)) {
    const rows = transposeA ? a.shape.slice(-2) : [sizeOf(a.shape.slice(0, -1)), a.shape.at(-1)!];
    const columns = out.shape.at(-1)!;
    const product = g.apply(
      'Gemm',
      [g.reshape(a, rows), g.reshape(b, b.shape.slice(-2))],
      { type: 'float32', shape: [sizeOf(out.shape) / columns, columns] },
      { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 },
    );
    return g.reshape(product, out.shape);
  }
  const swapped = (x: Value, swap: boolean) => (swap ? transpose(g, x, swapLast(x.shape.length)) : x);
  return g.apply('MatMul', [swapped(a, transposeA), swapped(b, transposeB)], out);
}

function transpose(g: Kernel['g'], x: Value, perm: readonly number[]): Value {
  return g.apply('Transpose', [x], { type: x.type, shape: perm.map((axis) => x.shape[axis]!) }, { perm });
}

const swapLast = (rank: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));

/** Pieces of `x` along `axis`, of the sizes that `outs` have there. */
function split({ g }: Kernel, x: Value, axis: number, outs: readonly ValueType[]): readonly Value[] {
  if (outs.length === 1) return [x];
  const sizes = outs.map(({ shape }) => shape[axis]!);
  return g.emit('Split', [x, g.integers(sizes)], outs, { axis });
}

const without = (shape: readonly number[], axis: number) => shape.filter((_, i) => i !== axis);

export const tensorKernels: LoweringTable = {
  BatchMatMul: (k) =>
    matMul(k, k.input('a'), k.input('b'), k.attribute<boolean>('transposeA'), k.attribute<boolean>('transposeB')),

  All: reduceBool('ReduceMin'),
  Any: reduceBool('ReduceMax'),
  Max: reduce('ReduceMax', 'reductionIndices'),
  Mean: reduce('ReduceMean'),
  Min: reduce('ReduceMin'),
  Prod: reduce('ReduceProd'),
  Sum: (k) => {
    // Booleans are counted.
    const x = k.g.cast(k.inputs[0]!, k.out.type);
    return reduce('ReduceSum')({ ...k, inputs: [x] });
  },
  ArgMax: argExtreme('ArgMax'),
  ArgMin: argExtreme('ArgMin'),
  Softmax: (k) =>
    k.g.unary('Softmax', k.inputs[0]!, { axis: axesOf(k.attribute<number>('dim'), k.out.shape.length)[0]! }),
  Cumsum: (k) => {
    const axis = k.g.constant('int64', [], BigInt64Array.of(BigInt(k.attribute<number>('axis'))));
    const flag = (name: string) => (k.attribute<boolean>(name) ? 1 : 0);
    return k.g.apply('CumSum', [k.inputs[0]!, axis], k.out, { exclusive: flag('exclusive'), reverse: flag('reverse') });
  },

  Reshape: (k) => k.g.reshape(k.inputs[0]!, k.out.shape),
  Transpose: (k) => transpose(k.g, k.inputs[0]!, k.attribute<number[]>('perm')),
  Concat: (k) => {
    const axis = axesOf(k.attribute<number>('axis'), k.out.shape.length)[0]!;
    const parts = k.inputs.filter((x) => sizeOf(x.shape) > 0);
    return parts.length === 1 ? parts[0]! : k.g.apply('Concat', parts, k.out, { axis });
  },
  SplitV: (k) => split(k, k.inputs[0]!, axesOf(k.attribute<number>('axis'), k.inputs[0]!.shape.length)[0]!, k.outs),
  Pack: (k) => {
    const axis = axesOf(k.attribute<number>('axis'), k.out.shape.length)[0]!;
    const shape = k.out.shape.map((dim, i) => (i === axis ? 1 : dim));
    return k.g.apply(
      'Concat',
      k.inputs.map((x) => k.g.reshape(x, shape)),
      k.out,
      { axis },
    );
  },
  Unpack: (k) => {
    const x = k.inputs[0]!;
    const axis = axesOf(k.attribute<number>('axis'), x.shape.length)[0]!;
    const slices = k.outs.map(({ type }) => ({ type, shape: x.shape.map((dim, i) => (i === axis ? 1 : dim)) }));
    return split(k, x, axis, slices).map((slice) => k.g.reshape(slice, without(x.shape, axis)));
  },
  Slice: (k) => {
    const x = k.inputs[0]!;
    const begin = [k.attribute<number | number[]>('begin')].flat();
    return k.out.shape.reduce((sliced, size, axis) => {
      const from = begin[axis] ?? 0;
      return size === x.shape[axis] ? sliced : k.g.slice(sliced, axis, from, from + size);
    }, x);
  },
  PadV2: (k) => {
    const paddings = k.attribute<[number, number][]>('paddings');
    const value = k.g.constant(k.out.type, [], fill(k.out.type, k.attribute<number>('constantValue')));
    const pads = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)];
    return k.g.apply('Pad', [k.inputs[0]!, k.g.integers(pads), value], k.out);
  },
  Tile: (k) => k.g.apply('Tile', [k.inputs[0]!, k.g.integers(k.attribute<number[]>('reps'))], k.out),
  Reverse: (k) => {
    const x = k.inputs[0]!;
    const axes = axesOf(k.attribute<number[]>('dims'), x.shape.length);
    const all = (value: number) => k.g.integers(axes.map(() => value));
    // From the last element (-1) to before the first, backwards.
    return k.g.apply('Slice', [x, all(-1), all(-(2 ** 31)), k.g.integers(axes), all(-1)], k.out);
  },
  GatherV2: (k) => {
    const x = k.input('x');
    const axis = axesOf(k.attribute<number>('axis'), x.shape.length)[0]!;
    const indices = k.input('indices');
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return k.g.reshape(k.g.apply('Gather', [x, indices], { type: x.type, shape }, { axis }), k.out.shape);
  },
  UnsortedSegmentSum: (k) => {
    // The transpose of a gather of rows: rows of x are added where segmentIds say.
    const x = k.input('x');
    const ids = k.g.cast(k.input('segmentIds'), 'int64');
    const indices = k.g.reshape(ids, [...ids.shape, 1]);
    const zeros = k.g.constant(k.out.type, k.out.shape, new Float32Array(sizeOf(k.out.shape)));
    return k.g.apply('ScatterND', [zeros, indices, x], k.out, { reduction: 'add' });
  },
  OneHot: (k) => {
    // Of index and value types, ONNX Runtime has this combination.
    const indices = k.g.cast(k.inputs[0]!, 'int64');
    const depth = k.g.integers([k.attribute<number>('depth')]);
    const values = Float32Array.of(k.attribute<number>('offValue'), k.attribute<number>('onValue'));
    const type = { type: 'float32', shape: k.out.shape } as const;
    const hot = k.g.apply('OneHot', [indices, depth, k.g.constant('float32', [2], values)], type, { axis: -1 });
    return k.g.cast(hot, k.out.type);
  },
};

function reduceBool(op: string): Lowering {
  return (k) => {
    const x = k.g.cast(k.inputs[0]!, 'int32');
    const reduced = reduce(op)({ ...k, inputs: [x], out: { type: 'int32', shape: k.out.shape } });
    return k.g.cast(reduced as Value, 'bool');
  };
}

function argExtreme(op: string): Lowering {
  return (k) => {
    const x = k.inputs[0]!;
    const axis = axesOf(k.attribute<AxisAttribute>('axis'), x.shape.length)[0]!;
    const index = k.g.apply(op, [x], { type: 'int64', shape: k.out.shape }, { axis, keepdims: 0 });
    return k.g.cast(index, 'int32');
  };
}

function fill(type: string, value: number): Float32Array | Int32Array {
  return type === 'int32' ? Int32Array.of(value) : Float32Array.of(value);
}
