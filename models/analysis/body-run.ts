// A part of a graph that runs as a model of its own on given tensors: the body of a control-flow node, or the node.
import { create } from '@bufbuild/protobuf';
import { GraphProtoSchema, ModelProtoSchema } from '../../base/onnx/onnx_pb.js';
import {
  DataType,
  encodeModel,
  type GraphProto,
  type ModelProto,
  makeNode,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
} from '../../base/onnx/proto.js';
import { type InferenceSession, OrtTensor, openSession, type Tensor } from '../../base/onnx/session.js';
import { exposeTensors, extentOf } from './measure.js';
import { bodyOf } from './node-view.js';

/** What a body sees: tensors by name, and constants. */
export interface Scope {
  readonly values: ReadonlyMap<string, Tensor>;
  readonly constants: ReadonlyMap<string, TensorProto>;
}

/** The nodes as a model whose inputs are the values of a scope, without outputs. */
function modelOf(model: ModelProto, nodes: readonly NodeProto[], { values, constants }: Scope): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: model.irVersion,
    opsetImport: model.opsetImport,
    functions: model.functions,
    graph: create(GraphProtoSchema, {
      name: 'part',
      node: [...nodes],
      input: [...values].map(([name, tensor]) => makeValueInfo(name, elementType(tensor))),
      initializer: [...constants].map(([name, tensor]) => ({ ...tensor, name })),
    }),
  });
}

const elementType = (tensor: Tensor): number =>
  DataType[extentOf(tensor).type.toUpperCase() as keyof typeof DataType] ?? DataType.UNDEFINED;

/** A body, ready to run again and again. */
export interface OpenBody {
  /** With the constants that it reads from around it. */
  readonly graph: GraphProto;
  /** Every tensor that its nodes write. */
  readonly run: (feeds: ReadonlyMap<string, Tensor>) => Promise<Readonly<Record<string, Tensor>>>;
  readonly close: () => Promise<void>;
}

/** @param scope what it is fed, and the constants that it reads, its own included */
export async function openBody(model: ModelProto, body: GraphProto, scope: Scope): Promise<OpenBody> {
  const part = modelOf(model, body.node, scope);
  const written = body.node.flatMap(({ output }) => output.filter((name) => name !== ''));
  const session: InferenceSession | null = written.length > 0 ? await exposeTensors(part, written) : null;
  const names = session?.outputMetadata.flatMap(({ isTensor, name }) => (isTensor ? [name] : [])) ?? [];
  return {
    graph: part.graph!,
    run: async (feeds) => (names.length > 0 ? session!.run(Object.fromEntries(feeds), names) : {}),
    close: async () => session?.release(),
  };
}

/** Runs a Loop by itself for the number of its trips alone: the length of one more list that it makes, of its conditions. */
export async function countTrips(model: ModelProto, loop: NodeProto, scope: Scope): Promise<number> {
  const body = bodyOf(loop, 'body');
  const counted = 'sparoa-gym/trips';
  const attribute = loop.attribute.map((each) =>
    each.g !== body
      ? each
      : {
          ...each,
          g: {
            ...body,
            node: [...body.node, makeNode('Identity', [body.output[0]!.name], [counted])],
            output: [...body.output, makeValueInfo(counted, DataType.BOOL)],
          },
        },
  );
  const unnamed = Array<string>(body.output.length - 1 - loop.output.length).fill('');
  const node = { ...loop, attribute, output: [...loop.output, ...unnamed, counted] };
  const part = modelOf(model, [node], scope);
  part.graph!.output = [makeValueInfo(counted, DataType.BOOL)];
  const session = await openSession(encodeModel(part), { level: 'disabled' });
  const { [counted]: conditions } = await session.run(Object.fromEntries(scope.values));
  await session.release();
  return conditions!.dims[0]!;
}

/** A constant as a tensor, of whatever type: what ONNX Runtime makes of it. */
export async function tensorOf(model: ModelProto, constant: TensorProto): Promise<Tensor> {
  const scope = { values: new Map<string, Tensor>(), constants: new Map([['constant', constant]]) };
  const session = await exposeTensors(modelOf(model, [makeNode('Identity', ['constant'], ['value'])], scope), [
    'value',
  ]);
  const { value } = await session.run({});
  await session.release();
  return value!;
}

/** Of a tensor of one element. */
export const scalarOf = ({ data }: Tensor): number => Number((data as ArrayLike<number | bigint>)[0]);

/** What a Scan takes of a sequence at a trip: the elements at an index of an axis, which is no axis of the result. */
export function sliceOf({ type, data, dims }: Tensor, axis: number, index: number): Tensor {
  const rows = dims.slice(0, axis).reduce((a, b) => a * b, 1);
  const step = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const values = data as Float32Array;
  const slice = values.slice(0, rows * step);
  for (let row = 0; row < rows; row++) {
    const from = (row * dims[axis]! + index) * step;
    slice.set(values.subarray(from, from + step), row * step);
  }
  return new OrtTensor(type as 'float32', slice, dims.toSpliced(axis, 1));
}
