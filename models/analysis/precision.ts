// Half-precision models. ONNX Runtime's CPU provider has few kernels for float16: it puts casts around all other nodes,
// removes the model's own casts next to them, and writes that as the optimised model. So we optimise the float32 equivalent of
// the model, and give the result the model's types again.
import { create } from '@bufbuild/protobuf';
import { floatTensorOf, halfBits, halfTensorOf, halfValue } from '../../base/onnx/half.js';
import { TensorProtoSchema, type TypeProto } from '../../base/onnx/onnx_pb.js';
import {
  type AttributeProto,
  DataType,
  type ModelProto,
  makeNode,
  type NodeProto,
  type TensorProto,
} from '../../base/onnx/proto.js';
import { float32Tensor, numbersOf } from '../../base/onnx/tensor-data.js';
import { exposeTensors } from './measure.js';
import { graphsWithin, subgraphsOf } from './node-view.js';

/** Attributes that name an element type. */
const typeAttributes: ReadonlySet<string> = new Set(['to', 'dtype', 'output_dtype']);

/** Inputs that are float32 whatever the node computes in. */
const alwaysFloat: ReadonlyMap<string, readonly number[]> = new Map([
  ['Resize', [2]],
  ['Upsample', [1]],
]);

export function isHalfModel(model: ModelProto): boolean {
  return [...graphsWithin(model.graph!)].some(
    (graph) =>
      graph.initializer.some(isHalfTensor) ||
      [...graph.input, ...graph.output].some(({ type }) => tensorTypeOf(type)?.elemType === DataType.FLOAT16) ||
      graph.node.some((node) => node.attribute.some((each) => namesHalf(each) || (each.t && isHalfTensor(each.t)))),
  );
}

/** Bodies and functions have tensors whose types are not known from outside: models with them have no twin. */
export function hasTwin(model: ModelProto): boolean {
  return model.functions.length === 0 && model.graph!.node.every((node) => subgraphsOf(node).length === 0);
}

/** What must be known of a half-precision model to make it out of its optimised twin. */
export interface HalfTypes {
  /** Element types of its tensors by name, as ONNX Runtime names them. */
  readonly types: ReadonlyMap<string, string>;
  /** Its casts between float16 and float32, by name, and the type they make. */
  readonly casts: ReadonlyMap<string, number>;
  /** What each node reads, by its name. */
  readonly reads: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Makes `model` its float32 twin. A cast between the two types computes nothing there, and ONNX Runtime would take it out;
 * a maximum of one number computes nothing either, and stays.
 * @throws ONNX Runtime's own error
 */
export async function toFloatTwin(model: ModelProto): Promise<HalfTypes> {
  const graph = model.graph!;
  const types = await typesOf(model);
  const reads = new Map(graph.node.map(({ name, input }) => [name, new Set(input)]));
  const casts = new Map<string, number>();
  for (const node of graph.node) {
    if (node.opType !== 'Cast' && node.opType !== 'CastLike') continue;
    const [from, to] = [types.get(node.input[0]!), types.get(node.output[0]!)];
    const crosses = (from === 'float16' && to === 'float32') || (from === 'float32' && to === 'float16');
    if (!crosses) continue;
    casts.set(node.name, to === 'float16' ? DataType.FLOAT16 : DataType.FLOAT);
    node.opType = 'Max';
    node.input.length = 1;
    node.attribute = [];
  }
  graph.initializer = graph.initializer.map((tensor) => (isHalfTensor(tensor) ? widened(tensor) : tensor));
  graph.valueInfo = [];
  for (const { type } of [...graph.input, ...graph.output]) retype(type, DataType.FLOAT16, DataType.FLOAT);
  for (const { attribute } of graph.node) {
    for (const each of attribute) {
      if (namesHalf(each)) each.i = BigInt(DataType.FLOAT);
      if (each.t && isHalfTensor(each.t)) each.t = widened(each.t);
    }
  }
  return { types, casts, reads };
}

/** Constants of Gelu, by which ONNX Runtime knows it; as half-precision numbers they are rounded. */
const knownConstants = [Math.SQRT2, Math.SQRT1_2, Math.sqrt(2 / Math.PI), 0.044715];

/** The tensor in float32; a scalar that is a known constant rounded is that constant, and rounds to the same again. */
function widened(tensor: TensorProto): TensorProto {
  const wide = floatTensorOf(tensor);
  const numbers = numbersOf(wide)!;
  const known = knownConstants.find((constant) => numbers.length === 1 && halfValue(halfBits(constant)) === numbers[0]);
  return known === undefined ? wide : float32Tensor(wide.name, wide.dims.map(Number), Float32Array.of(known));
}

/** Gives the optimised twin the types of the model. */
export function toHalfModel(twin: ModelProto, { types, casts, reads }: HalfTypes): void {
  const graph = twin.graph!;
  const halves = new Set([...types].filter(([, type]) => type === 'float16').map(([name]) => name));
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const made = new Map<string, TensorProto>();
  for (const node of graph.node) {
    const cast = casts.get(node.name);
    if (cast !== undefined) restoreCast(node, cast);
    const isOwn = (name: string): boolean => types.has(name) && (reads.get(node.name)?.has(name) ?? true);
    const known = node.input.filter((name) => !initializers.has(name) || isOwn(name));
    const isHalf = [...node.output, ...known].some((name) => halves.has(name));
    node.input.forEach((name, position) => {
      const tensor = initializers.get(name);
      if (!tensor || tensor.dataType !== DataType.FLOAT) return;
      // Constants that ONNX Runtime made, or shares between equal ones of the twin, are of their reader's type.
      const asHalf = isOwn(name) ? halves.has(name) : isHalf && !alwaysFloat.get(node.opType)?.includes(position);
      const typed = asHalf === halves.has(name) ? name : `${name}/${asHalf ? 'float16' : 'float32'}`;
      if (!made.has(typed)) made.set(typed, asHalf ? halfTensorOf(tensor, typed) : renamed(tensor, typed));
      node.input[position] = typed;
    });
    for (const name of node.output) if (cast === undefined && isHalf && !types.has(name)) halves.add(name);
    if (node.output.some((name) => halves.has(name))) restoreAttributes(node);
  }
  const halfOutputs = graph.output.filter(({ name }) => halves.has(name));
  for (const { name } of halfOutputs) {
    const tensor = initializers.get(name);
    if (tensor?.dataType === DataType.FLOAT) made.set(name, halfTensorOf(tensor, name));
  }
  const read = new Set([...graph.node.flatMap(({ input }) => input), ...graph.output.map(({ name }) => name)]);
  const kept = graph.initializer.filter(({ name }) => read.has(name) && !made.has(name));
  graph.initializer = [...kept, ...made.values()];
  graph.valueInfo = [];
  for (const { name, type } of [...graph.input, ...graph.output])
    if (halves.has(name)) retype(type, DataType.FLOAT, DataType.FLOAT16);
}

const renamed = (tensor: TensorProto, name: string): TensorProto =>
  name === tensor.name ? tensor : create(TensorProtoSchema, { ...tensor, name });

function restoreCast(node: NodeProto, to: number): void {
  node.opType = 'Cast';
  node.attribute = makeNode('Cast', [], [], { to }).attribute;
}

function restoreAttributes(node: NodeProto): void {
  for (const each of node.attribute) {
    if (typeAttributes.has(each.name) && each.i === BigInt(DataType.FLOAT)) each.i = BigInt(DataType.FLOAT16);
    if (each.t?.dataType === DataType.FLOAT) each.t = halfTensorOf(each.t, each.t.name);
  }
}

/** Types of all tensors that are no part of a sequence or an optional, by ONNX Runtime's own inference. */
async function typesOf(model: ModelProto): Promise<Map<string, string>> {
  const graph = model.graph!;
  const names = new Set([...graph.node.flatMap(({ output }) => output), ...graph.output.map(({ name }) => name)]);
  const session = await exposeTensors(
    model,
    [...names].filter((name) => name !== ''),
  );
  const described = [...session.inputMetadata, ...session.outputMetadata].flatMap((value) =>
    value.isTensor ? [[value.name, value.type] as const] : [],
  );
  await session.release();
  const constants = graph.initializer.map(({ name, dataType }) => [name, constantTypes[dataType] ?? 'other'] as const);
  return new Map<string, string>([...described, ...constants]);
}

const constantTypes: Readonly<Record<number, string>> = {
  [DataType.FLOAT]: 'float32',
  [DataType.FLOAT16]: 'float16',
};

const isHalfTensor = ({ dataType }: TensorProto): boolean => dataType === DataType.FLOAT16;

const namesHalf = ({ name, i }: AttributeProto): boolean => typeAttributes.has(name) && i === BigInt(DataType.FLOAT16);

/** Element types in a type: that of a tensor, or of what a sequence or an optional holds. */
function tensorTypeOf(type: TypeProto | undefined): { elemType: number } | null {
  if (type?.value.case === 'tensorType') return type.value.value;
  if (type?.value.case === 'sequenceType' || type?.value.case === 'optionalType')
    return tensorTypeOf(type.value.value.elemType);
  return null;
}

function retype(type: TypeProto | undefined, from: DataType, to: DataType): void {
  const tensor = tensorTypeOf(type);
  if (tensor?.elemType === from) tensor.elemType = to;
}
