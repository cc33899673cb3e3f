// The rules for tensors, attributes and values of an ONNX file, as tables: those of ONNX's own checker that decoding a protobuf
// does not enforce. A rule returns the fault, or null.
import { type DescField, isFieldSet, type Message } from '@bufbuild/protobuf';
import { AttributeProtoSchema } from '../../base/onnx/onnx_pb.js';
import {
  type AttributeProto,
  AttributeType,
  DataLocation,
  DataType,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../../base/onnx/proto.js';
import { elementCount } from '../../base/onnx/tensor-data.js';

export type Rule<T> = (item: T) => string | null;

/** The first rule that `item` breaks, in words; null where it keeps all. */
export function broken<T>(rules: readonly Rule<T>[], item: T): string | null {
  for (const rule of rules) {
    const problem = rule(item);
    if (problem !== null) return problem;
  }
  return null;
}

type DataField = 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data' | 'stringData';
interface Encoding {
  /** Of one element in `rawData`; 0 where it cannot lie there. */
  readonly bits: number;
  /** Where elements lie otherwise, and how many entries each takes there. */
  readonly field: DataField;
  readonly entries: number;
}

const encodings: ReadonlyMap<number, Encoding> = new Map(
  (
    [
      ['floatData', 1, 32, DataType.FLOAT],
      ['floatData', 2, 64, DataType.COMPLEX64],
      ['doubleData', 1, 64, DataType.DOUBLE],
      ['doubleData', 2, 128, DataType.COMPLEX128],
      ['int64Data', 1, 64, DataType.INT64],
      ['uint64Data', 1, 32, DataType.UINT32],
      ['uint64Data', 1, 64, DataType.UINT64],
      ['stringData', 1, 0, DataType.STRING],
      ['int32Data', 1, 32, DataType.INT32],
      ['int32Data', 1, 16, DataType.INT16, DataType.UINT16, DataType.FLOAT16, DataType.BFLOAT16],
      ['int32Data', 1, 8, DataType.INT8, DataType.UINT8, DataType.BOOL],
      ['int32Data', 1, 8, DataType.FLOAT8E4M3FN, DataType.FLOAT8E4M3FNUZ, DataType.FLOAT8E8M0],
      ['int32Data', 1, 8, DataType.FLOAT8E5M2, DataType.FLOAT8E5M2FNUZ],
      // Packed into bytes there too.
      ['int32Data', 1 / 2, 4, DataType.UINT4, DataType.INT4, DataType.FLOAT4E2M1],
      ['int32Data', 1 / 4, 2, DataType.UINT2, DataType.INT2],
    ] as const
  ).flatMap(([field, entries, bits, ...types]) => types.map((type) => [type, { field, entries, bits }] as const)),
);

const dataFields: readonly DataField[] = [...new Set([...encodings.values()].map(({ field }) => field))];

const knownElementType: Rule<number> = (type) =>
  type === DataType.UNDEFINED || encodings.has(type) ? null : `has the element type ${type}, which ONNX does not have`;

const dimensions =
  (least: bigint) =>
  (dims: readonly bigint[]): string | null => {
    const wrong = dims.find((dim) => dim < least);
    return wrong === undefined ? null : `has a dimension of ${wrong}`;
  };

/** In order: later rules rely on earlier ones. Data outside of the file is checked where it is read. */
export const tensorRules: readonly Rule<TensorProto>[] = [
  ({ dataType }) => (dataType === DataType.UNDEFINED ? 'has no element type' : knownElementType(dataType)),
  ({ dataLocation }) =>
    dataLocation === DataLocation.DEFAULT || dataLocation === DataLocation.EXTERNAL
      ? null
      : `has the data location ${dataLocation}, which ONNX does not have`,
  ({ dims }) => dimensions(0n)(dims),
  ({ dims }) =>
    Number.isSafeInteger(elementCount(dims)) ? null : `has ${elementCount(dims)} elements, more than can be addressed`,
  (tensor) => {
    if (tensor.dataLocation === DataLocation.EXTERNAL) return null;
    const elements = elementCount(tensor.dims);
    const { field, entries, bits } = encodings.get(tensor.dataType)!;
    const filled = dataFields.filter((name) => tensor[name].length > 0);
    const type = DataType[tensor.dataType]!.toLowerCase();
    const other = filled.find((name) => name !== field);
    if (other) return `is of type ${type}, but its elements are given as ${other}`;
    if (filled.length > 0) {
      const expected = Math.ceil(elements * entries);
      if (tensor.rawData.length > 0) return 'has its elements twice, raw and typed';
      return tensor[field].length === expected
        ? null
        : `has ${tensor[field].length} entries of data, but its shape [${tensor.dims}] asks for ${expected}`;
    }
    if (bits === 0 && tensor.rawData.length > 0) return `is of type ${type}, which has no raw data`;
    const expected = bits === 0 ? elements : Math.ceil((elements * bits) / 8);
    return tensor.rawData.length === expected
      ? null
      : `has ${tensor.rawData.length} bytes of data, but its shape [${tensor.dims}] of type ${type} asks for ${expected}`;
  },
];

/** The field that holds the value of each type of attribute. */
const valueFields: ReadonlyMap<AttributeType, DescField> = new Map(
  (
    [
      [AttributeType.FLOAT, 'f'],
      [AttributeType.INT, 'i'],
      [AttributeType.STRING, 's'],
      [AttributeType.TENSOR, 't'],
      [AttributeType.GRAPH, 'g'],
      [AttributeType.SPARSE_TENSOR, 'sparseTensor'],
      [AttributeType.TYPE_PROTO, 'tp'],
      [AttributeType.FLOATS, 'floats'],
      [AttributeType.INTS, 'ints'],
      [AttributeType.STRINGS, 'strings'],
      [AttributeType.TENSORS, 'tensors'],
      [AttributeType.GRAPHS, 'graphs'],
      [AttributeType.SPARSE_TENSORS, 'sparseTensors'],
      [AttributeType.TYPE_PROTOS, 'typeProtos'],
    ] as const
  ).map(([type, name]) => [type, AttributeProtoSchema.field[name]]),
);

const isSet = (message: Message, field: DescField): boolean => isFieldSet(message, field as never);

export const attributeRules: readonly Rule<AttributeProto>[] = [
  ({ name }) => (name === '' ? 'has no name' : null),
  ({ type }) =>
    valueFields.has(type) ? null : `has the type ${AttributeType[type] ?? type}, which no attribute can have`,
  (attribute) => {
    const own = valueFields.get(attribute.type)!;
    const typeName = AttributeType[attribute.type];
    for (const [type, field] of valueFields)
      if (field !== own && isSet(attribute, field))
        return `is of type ${typeName}, but holds a value of type ${AttributeType[type]}`;
    // A list may be empty, and a function's attribute may come from its caller.
    if (own.fieldKind === 'list' || attribute.refAttrName !== '' || isSet(attribute, own)) return null;
    return `is of type ${typeName}, but holds no value`;
  },
];

/** Attributes that must be there, with their type: without its body an operator of control flow means nothing. */
const bodies: ReadonlyMap<string, readonly string[]> = new Map([
  ['If', ['then_branch', 'else_branch']],
  ['Loop', ['body']],
  ['Scan', ['body']],
  ['SequenceMap', ['body']],
]);

export const nodeRules: readonly Rule<NodeProto>[] = [
  ({ opType }) => (opType === '' ? 'names no operator' : null),
  ({ attribute }) => {
    const twice = duplicate(attribute.map(({ name }) => name));
    return twice === null ? null : `has the attribute "${twice}" twice`;
  },
  ({ opType, domain, attribute }) => {
    const missing = domain === '' ? bodies.get(opType)?.find((body) => !attribute.some(isGraph(body))) : undefined;
    return missing === undefined ? null : `has no graph "${missing}"`;
  },
];

const isGraph =
  (wanted: string) =>
  ({ name, g }: AttributeProto): boolean =>
    name === wanted && g !== undefined;

/** Of graph inputs and graph outputs; -1 stands for a free dimension in some files. */
export const valueRules: readonly Rule<ValueInfoProto>[] = [
  ({ name }) => (name === '' ? 'has no name' : null),
  ({ type }) => (type?.value.case === 'tensorType' ? knownElementType(type.value.value.elemType) : null),
  ({ type }) =>
    type?.value.case === 'tensorType'
      ? dimensions(-1n)(
          (type.value.value.shape?.dim ?? []).flatMap(({ value }) => (value.case === 'dimValue' ? [value.value] : [])),
        )
      : null,
];

/** The first name that stands twice; null where none does. */
export function duplicate(names: readonly string[]): string | null {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return null;
}
