// Quantised models. QuantizeLinear and DequantizeLinear define the integers in which an operator reads and writes its tensors.
// They belong to the operator and count no work. Their scales and zero points are settings; integer weights are weights.
import { DataType, type GraphProto, type TensorProto } from '../../base/onnx/proto.js';
import { numbersOf } from '../../base/onnx/tensor-data.js';

/** The two operators between floating-point numbers and integers. */
export const quantisers: ReadonlySet<string> = new Set(['QuantizeLinear', 'DequantizeLinear']);

/** Positions of an operator's inputs: quantised tensors with their zero points, the output's zero point, all settings. */
interface Roles {
  readonly inputs: readonly (readonly [tensor: number, zeroPoint: number])[];
  readonly output?: number;
  readonly settings: readonly number[];
  readonly bias?: number;
}

const twoOperands: Roles = {
  inputs: [
    [0, 2],
    [3, 5],
  ],
  output: 7,
  settings: [1, 2, 4, 5, 6, 7],
};
const oneOperand: Roles = { inputs: [[0, 2]], output: 4, settings: [1, 2, 3, 4] };
const integerProduct: Roles = {
  inputs: [
    [0, 2],
    [1, 3],
  ],
  settings: [2, 3],
};

const roles: ReadonlyMap<string, Roles> = new Map(
  Object.entries<Roles>({
    QuantizeLinear: { inputs: [], output: 2, settings: [1, 2] },
    DequantizeLinear: { inputs: [[0, 2]], settings: [1, 2], bias: 0 },
    QLinearConv: { ...twoOperands, bias: 8 },
    QLinearMatMul: twoOperands,
    QLinearAdd: twoOperands,
    QLinearMul: twoOperands,
    QGemm: {
      inputs: [
        [0, 2],
        [3, 5],
      ],
      output: 8,
      settings: [1, 2, 4, 5, 7, 8],
      bias: 6,
    },
    ConvInteger: integerProduct,
    MatMulInteger: integerProduct,
    QLinearAveragePool: oneOperand,
    QLinearGlobalAveragePool: oneOperand,
    QLinearLeakyRelu: oneOperand,
    QLinearReduceMean: oneOperand,
    QLinearSigmoid: oneOperand,
    QLinearSoftmax: oneOperand,
  }),
);

/** What a graph says of its integers. */
export interface Quantisation {
  /** Names of scales and zero points. */
  readonly settings: ReadonlySet<string>;
  /** Names of 32-bit biases. */
  readonly biases: ReadonlySet<string>;
  /** The integer that stands for zero, by tensor; a tensor with one for each channel is not in it, unless all are equal. */
  readonly zeroPoints: ReadonlyMap<string, number>;
}

export function quantisationOf(graph: GraphProto): Quantisation {
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const settings = new Set<string>();
  const biases = new Set<string>();
  const zeroPoints = new Map<string, number>();
  for (const { opType, input, output } of graph.node) {
    const role = roles.get(opType);
    if (!role) continue;
    for (const position of role.settings) if (input[position]) settings.add(input[position]);
    const bias = constants.get(input[role.bias ?? -1] ?? '');
    if (bias?.dataType === DataType.INT32) biases.add(bias.name);
    const zeroAt = (tensor: string | undefined, position: number): void => {
      const zero = zeroPointOf(input[position], constants);
      if (tensor && zero !== null) zeroPoints.set(tensor, zero);
    };
    for (const [tensor, zeroPoint] of role.inputs) zeroAt(input[tensor], zeroPoint);
    if (role.output !== undefined) zeroAt(output[0], role.output);
  }
  return { settings, biases, zeroPoints };
}

/** 0 without one; null where it is computed, or differs between channels. */
function zeroPointOf(name: string | undefined, constants: ReadonlyMap<string, TensorProto>): number | null {
  if (!name) return 0;
  const tensor = constants.get(name);
  if (!tensor) return null;
  const values = new Set(integersOf(tensor));
  return values.size === 1 ? [...values][0]! : null;
}

function integersOf(tensor: TensorProto): ArrayLike<number> & Iterable<number> {
  const raw = tensor.rawData;
  if (tensor.dataType === DataType.INT8 && raw.length > 0) return Int8Array.from(raw);
  return numbersOf(tensor) ?? (raw.length > 0 ? raw : tensor.int32Data);
}
