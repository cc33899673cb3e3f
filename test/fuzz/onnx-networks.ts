// Small valid networks of every kind of content that a file can have: what a fuzz damages.
import { create } from '@bufbuild/protobuf';
import { StringStringEntryProtoSchema } from '../../base/onnx/onnx_pb.js';
import {
  AttributeType,
  DataLocation,
  DataType,
  encodeModel,
  float,
  type GraphParts,
  type GraphProto,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
} from '../../base/onnx/proto.js';
import { float32Tensor, int64Tensor } from '../../base/onnx/tensor-data.js';
import { Rng } from '../../base/random/rng.js';
import { tinyModel } from '../fixtures/tiny-model.js';

const { FLOAT, FLOAT16, INT64, BOOL, INT8 } = DataType;
const input = (name: string, type: number, ...dims: (number | string)[]) => makeValueInfo(name, type, dims);

function weight(name: string, ...dims: number[]): TensorProto {
  const rng = Rng.of(1, 'fuzz', name);
  return float32Tensor(
    name,
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => rng.normal()),
  );
}

function file(name: string, parts: Omit<GraphParts, 'name'>): Uint8Array {
  return encodeModel(makeModel({ name, ...parts }, { '': 17 }));
}

function graph(name: string, parts: Omit<GraphParts, 'name'>): GraphProto {
  return makeModel({ name, ...parts }, { '': 17 }).graph!;
}

function withBodies(node: NodeProto, bodies: Readonly<Record<string, GraphProto>>): NodeProto {
  for (const [name, g] of Object.entries(bodies)) {
    const [attribute] = makeNode('X', [], [], { [name]: [] }).attribute;
    node.attribute.push(Object.assign(attribute!, { type: AttributeType.GRAPH, g }));
  }
  return node;
}

const branch = (op: string) =>
  graph(op, { nodes: [makeNode(op, ['x'], ['z'])], inputs: [], outputs: [input('z', FLOAT, 2, 4)], initializers: [] });

const loopBody = graph('body', {
  nodes: [makeNode('Identity', ['go'], ['on']), makeNode('Add', ['a', 'x'], ['b'])],
  inputs: [input('i', INT64), input('go', BOOL), input('a', FLOAT, 2, 4)],
  outputs: [input('on', BOOL), input('b', FLOAT, 2, 4)],
  initializers: [],
});

function external(): Uint8Array {
  const w = makeTensor('w', FLOAT, [4, 2], new Uint8Array(0));
  w.dataLocation = DataLocation.EXTERNAL;
  w.externalData = Object.entries({ location: 'weights.bin', offset: '0', length: '32' }).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  return file('external', {
    nodes: [makeNode('MatMul', ['x', 'w'], ['y'])],
    inputs: [input('x', FLOAT, 'n', 4)],
    outputs: [input('y', FLOAT, 'n', 2)],
    initializers: [w],
  });
}

/** By name; `external` reads 32 bytes of weights.bin beside it. */
export const networks: Readonly<Record<string, Uint8Array>> = {
  conv: tinyModel(),
  mlp: file('mlp', {
    nodes: [
      makeNode('Gemm', ['x', 'w1', 'b1'], ['h'], { transB: 1, alpha: float(0.5) }),
      makeNode('Relu', ['h'], ['r']),
      makeNode('MatMul', ['r', 'w2'], ['m']),
      makeNode('Softmax', ['m'], ['y'], { axis: -1 }),
    ],
    inputs: [input('x', FLOAT, 'batch', 8)],
    outputs: [input('y', FLOAT, 'batch', 3)],
    initializers: [weight('w1', 6, 8), weight('b1', 6), weight('w2', 6, 3)],
  }),
  shapes: file('shapes', {
    nodes: [
      makeNode('Shape', ['x'], ['s']),
      makeNode('ConstantOfShape', ['s'], ['zeros'], { value: weight('one', 1) }),
      makeNode('Reshape', ['zeros', 'flat'], ['f']),
      makeNode('Expand', ['f', 'wide'], ['e']),
      makeNode('Slice', ['e', 'from', 'to'], ['y']),
    ],
    inputs: [input('x', FLOAT, 2, 4)],
    outputs: [makeValueInfo('y', FLOAT)],
    initializers: [
      int64Tensor('flat', [2], [1, -1]),
      int64Tensor('wide', [2], [3, 8]),
      int64Tensor('from', [1], [0]),
      int64Tensor('to', [1], [2]),
    ],
  }),
  if: file('if', {
    nodes: [
      makeNode('ReduceSum', ['x'], ['sum'], { keepdims: 0 }),
      makeNode('Greater', ['sum', 'zero'], ['c']),
      withBodies(makeNode('If', ['c'], ['y']), { then_branch: branch('Relu'), else_branch: branch('Exp') }),
    ],
    inputs: [input('x', FLOAT, 2, 4)],
    outputs: [input('y', FLOAT, 2, 4)],
    initializers: [float32Tensor('zero', [], new Float32Array(1))],
  }),
  loop: file('loop', {
    nodes: [withBodies(makeNode('Loop', ['trips', 'true', 'x'], ['y']), { body: loopBody })],
    inputs: [input('x', FLOAT, 2, 4)],
    outputs: [input('y', FLOAT, 2, 4)],
    initializers: [int64Tensor('trips', [], [5]), makeTensor('true', BOOL, [], Uint8Array.of(1))],
  }),
  sequence: file('sequence', {
    nodes: [
      makeNode('SplitToSequence', ['x'], ['q'], { axis: 0, keepdims: 1 }),
      makeNode('ConcatFromSequence', ['q'], ['y'], { axis: 1 }),
    ],
    inputs: [input('x', FLOAT, 2, 4)],
    outputs: [makeValueInfo('y', FLOAT)],
    initializers: [],
  }),
  quantised: file('quantised', {
    nodes: [
      makeNode('QuantizeLinear', ['x', 'scale', 'zero'], ['q']),
      makeNode('DequantizeLinear', ['q', 'scale', 'zero'], ['d']),
      makeNode('DequantizeLinear', ['w', 'scale', 'zero'], ['wd']),
      makeNode('MatMul', ['d', 'wd'], ['y']),
    ],
    inputs: [input('x', FLOAT, 2, 4)],
    outputs: [input('y', FLOAT, 2, 3)],
    initializers: [
      float32Tensor('scale', [], Float32Array.of(0.1)),
      makeTensor('zero', INT8, [], new Uint8Array(1)),
      makeTensor(
        'w',
        INT8,
        [4, 3],
        Uint8Array.from({ length: 12 }, (_, i) => 20 * i),
      ),
    ],
  }),
  half: file('half', {
    nodes: [makeNode('MatMul', ['x', 'w'], ['m']), makeNode('Relu', ['m'], ['y'])],
    inputs: [input('x', FLOAT16, 2, 4)],
    outputs: [input('y', FLOAT16, 2, 2)],
    initializers: [
      makeTensor(
        'w',
        FLOAT16,
        [4, 2],
        Uint8Array.from({ length: 16 }, (_, i) => (i % 2 ? 0x3c : i)),
      ),
    ],
  }),
  external: external(),
};
