import { equals, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ModelProtoSchema } from './onnx_pb.js';
import { DataType, decodeModel, encodeModel, makeModel, makeNode, makeTensor, makeValueInfo } from './proto.js';

test('a written model is read as the same message as from the protobuf writer, whatever its initialisers hold', () => {
  const raw = (length: number) => Uint8Array.from({ length }, (_, i) => (7 * i) % 256);
  const inText = makeTensor('inText', DataType.FLOAT, [2], raw(0));
  const { rawData: _, ...unset } = inText;
  const initializers = [
    makeTensor('long', DataType.FLOAT, [1000], raw(4000)),
    makeTensor('empty', DataType.FLOAT, [0], raw(0)),
    Object.assign(Object.create(Object.getPrototypeOf(inText)), unset, { floatData: [0.5, -1] }),
  ];
  const value = (name: string) => makeValueInfo(name, DataType.FLOAT, ['n', 1000]);
  const nodes = [makeNode('Add', ['x', 'long'], ['y'])];
  const graph = { name: 'sum', nodes, inputs: [value('x')], outputs: [value('y')], initializers };
  const model = makeModel(graph, { '': 21, local: 1 });
  // A field of number 99, which this version of the schema does not know.
  model.graph!.initializer[0]!.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(5) }];

  const bytes = encodeModel(model);
  expect(decodeModel(bytes)).toEqual(decodeModel(toBinary(ModelProtoSchema, model)));
  expect(equals(ModelProtoSchema, decodeModel(bytes), model)).toBe(true);
  expect(bytes).toHaveLength(toBinary(ModelProtoSchema, model).length);
});

test('a model without a graph is written too', () => {
  const model = makeModel({ name: '', nodes: [], inputs: [], outputs: [], initializers: [] }, { '': 21 });
  delete model.graph;
  expect(decodeModel(encodeModel(model))).toEqual(model);
});
