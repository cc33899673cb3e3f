// Reading and writing ONNX files. The message types are generated from the ONNX project's own onnx.proto (package onnx
// 1.23.2 on PyPI; CONTRIBUTING.md has the command). Fields that this version of the schema does not know survive a
// round trip.
import {
  clearField,
  create,
  type DescField,
  fromBinary,
  isFieldSet,
  type Message,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx_pb.js';

export { TensorProto_DataLocation as DataLocation, TensorProto_DataType as DataType } from './onnx_pb.js';
export type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto };
export { AttributeType };

/** @throws Error (of the protobuf reader) when `bytes` are no ONNX model. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return fromBinary(ModelProtoSchema, bytes);
}

/**
 * The model as one file. The bytes of initialisers are copied straight to their place: the protobuf writer would copy
 * each weight again at every level of nesting, which takes seconds for hundreds of megabytes.
 */
export function encodeModel(model: ModelProto): Uint8Array {
  const { graph } = model;
  if (!graph) return toBinary(ModelProtoSchema, model);
  const { rawData } = TensorProtoSchema.field;
  const initializers = graph.initializer.flatMap((tensor) => {
    const head = toBinary(TensorProtoSchema, without(tensor, rawData));
    const raw = isFieldSet(tensor, rawData) ? delimited(rawData, [tensor.rawData]) : [];
    return delimited(GraphProtoSchema.field.initializer, [head, ...raw]);
  });
  const body = [toBinary(GraphProtoSchema, without(graph, GraphProtoSchema.field.initializer)), ...initializers];
  const rest = toBinary(ModelProtoSchema, without(model, ModelProtoSchema.field.graph));
  const parts = [rest, ...delimited(ModelProtoSchema.field.graph, body)];
  const bytes = new Uint8Array(totalLength(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A shallow copy of the message with one field cleared. */
function without<T extends Message>(message: T, field: DescField): T {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(message)), message);
  clearField(copy, field);
  return copy;
}

/** `content` as a field of its length: protobuf's wire type for bytes and messages. */
function delimited({ number }: DescField, content: readonly Uint8Array[]): Uint8Array[] {
  const head = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(totalLength(content)).finish();
  return [head, ...content];
}

const totalLength = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);

/** What a node attribute may be given as: integers stay integers, floats are marked by `float()`. */
export type AttributeValue = number | string | readonly number[] | TensorProto | { readonly float: number };

/** Marks a number as an ONNX float attribute: in JavaScript, 1.0 looks like an integer. */
export const float = (value: number): { readonly float: number } => ({ float: value });

function attribute(name: string, value: AttributeValue): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: value.map(BigInt) };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.TENSOR, t: value as TensorProto };
}

/** A node of the default domain unless `domain` is given. */
export function makeNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  { name = output[0] ?? opType, domain = '' }: { name?: string; domain?: string } = {},
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    name,
    domain,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([key, value]) => create(AttributeProtoSchema, attribute(key, value))),
  });
}

/** A graph input or output; a dimension is a number, or a name when it is free; without `dims` the rank is open too. */
export function makeValueInfo(name: string, elemType: number, dims?: readonly (number | string)[]): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType,
          ...(dims && {
            shape: {
              dim: dims.map((dim) => ({
                value:
                  typeof dim === 'number'
                    ? { case: 'dimValue' as const, value: BigInt(dim) }
                    : { case: 'dimParam' as const, value: dim },
              })),
            },
          }),
        },
      },
    },
  });
}

export interface GraphParts {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly initializers: readonly TensorProto[];
}

/** A model of one graph. IR version 10 goes with opset 21 and is read by every ONNX Runtime since 1.18. */
export function makeModel(graph: GraphParts, opset: Readonly<Record<string, number>>, irVersion = 10): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: BigInt(irVersion),
    producerName: 'sparoa-gym',
    opsetImport: Object.entries(opset).map(([domain, version]) => ({ domain, version: BigInt(version) })),
    graph: create(GraphProtoSchema, {
      name: graph.name,
      node: [...graph.nodes],
      input: [...graph.inputs],
      output: [...graph.outputs],
      initializer: [...graph.initializers],
    }),
  });
}

/** An initialiser from raw little-endian bytes. */
export function makeTensor(name: string, dataType: number, dims: readonly number[], rawData: Uint8Array): TensorProto {
  return create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), rawData });
}
