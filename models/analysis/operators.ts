// The table of ONNX operators: the class of each, the input with its weights, and its work. An operator that is not listed has
// the class 'other', counts one operation per output element, and is named in a warning.
//
// Operations are counted as in the literature: a multiply-accumulate is 2; an element of an activation or of elementwise
// arithmetic is 1, whatever function it is; moving data is 0.
import type { NodeProto } from '../../base/onnx/proto.js';
import type { OpClass } from '../graph.js';
import { intAttribute, intsAttribute, stringAttribute } from './node-view.js';

export type Shape = readonly number[];

/** A node together with the shapes of what it reads (null: absent input) and writes. */
export interface ShapedNode {
  readonly node: NodeProto;
  readonly inputs: readonly (Shape | null)[];
  readonly outputs: readonly Shape[];
}

export interface Work {
  readonly macs: number;
  readonly flops: number;
}

export const elements = (shape: Shape | null | undefined): number => (shape ? shape.reduce((a, b) => a * b, 1) : 0);

const outputElements = ({ outputs }: ShapedNode): number => outputs.reduce((sum, shape) => sum + elements(shape), 0);
const inputElements = ({ inputs }: ShapedNode): number => elements(inputs[0]);

const multiplyAccumulate = (macs: number): Work => ({ macs, flops: 2 * macs });
const operations = (flops: number): Work => ({ macs: 0, flops });

/** Each output element sums over the filter: [M, C/group, k...]. */
const convolution =
  (weight: number) =>
  (n: ShapedNode): Work =>
    multiplyAccumulate(elements(n.outputs[0]) * elements(n.inputs[weight]?.slice(1)));

/** Each input element is spread over the filter: [C, M/group, k...]. */
const transposedConvolution = (n: ShapedNode): Work =>
  multiplyAccumulate(inputElements(n) * elements(n.inputs[1]?.slice(1)));

const gemm = (n: ShapedNode): Work => {
  const depth = n.inputs[0]?.[intAttribute(n.node, 'transA', 0) === 1 ? 0 : 1] ?? 0;
  return multiplyAccumulate(elements(n.outputs[0]) * depth);
};

const matmul = (n: ShapedNode): Work =>
  multiplyAccumulate(
    elements(n.outputs[0]) * (n.inputs[0]?.at(intAttribute(n.node, 'transA', 0) === 1 ? -2 : -1) ?? 0),
  );

/** One product over all index letters; a term with an ellipsis is not understood and counts its output. */
const einsum = (n: ShapedNode): Work => {
  const [left = ''] = stringAttribute(n.node, 'equation', '').replaceAll(' ', '').split('->');
  if (left.includes('.')) return operations(outputElements(n));
  const size = new Map<string, number>();
  left.split(',').forEach((term, input) => {
    [...term].forEach((letter, axis) => {
      size.set(letter, Math.max(size.get(letter) ?? 1, n.inputs[input]?.[axis] ?? 1));
    });
  });
  return multiplyAccumulate(elements([...size.values()]));
};

/** X [steps, batch, inputs] meets W [directions, gates x hidden, inputs] and R in every step. */
const recurrent = (n: ShapedNode): Work => {
  const [steps = 0, batch = 0] = n.inputs[0] ?? [];
  return multiplyAccumulate(steps * batch * (elements(n.inputs[1]) + elements(n.inputs[2])));
};

/** A row of coefficients for each class or target; a sample is a row of X, or X itself. */
const linear = (n: ShapedNode): Work => {
  const coefficients = n.node.attribute.find(({ name }) => name === 'coefficients')?.floats.length ?? 0;
  const samples = (n.inputs[0]?.length ?? 0) > 1 ? n.inputs[0]![0]! : 1;
  return multiplyAccumulate(samples * coefficients);
};

/** Hout x Wout x Kh x Kw x C. */
const pooling = (n: ShapedNode): Work =>
  operations(elements(n.outputs[0]) * elements(intsAttribute(n.node, 'kernel_shape') ?? [1]));

const perInput =
  (cost: number) =>
  (n: ShapedNode): Work =>
    operations(cost * inputElements(n));
const perOutput = (n: ShapedNode): Work => operations(outputElements(n));

/** Sum, Mean, Max and Min of k tensors are k - 1 operations per element. */
const variadic = (n: ShapedNode): Work => operations(outputElements(n) * Math.max(1, n.inputs.length - 1));

/** Square, a sum over `size` channels, scale, power and division. */
const localResponse = (n: ShapedNode): Work => operations(inputElements(n) * (intAttribute(n.node, 'size', 1) + 4));

const nothing = (): Work => operations(0);

/** Nearest neighbour copies; linear and cubic interpolation count one operation per output element. */
const resize = (n: ShapedNode): Work =>
  stringAttribute(n.node, 'mode', 'nearest') === 'nearest' ? nothing() : perOutput(n);

interface Operator {
  readonly opClass: OpClass;
  readonly work: (n: ShapedNode) => Work;
  /** The input with the weights, for operators that can be split along output channels. */
  readonly weight?: number;
}

const family = (
  opClass: OpClass,
  work: (n: ShapedNode) => Work,
  names: string,
  weight?: number,
): [string, Operator][] =>
  names.split(' ').map((name) => [name, { opClass, work, ...(weight !== undefined && { weight }) }]);

// Normalization: BatchNormalization at inference is a scale and a shift; the others count 5 per element, as fvcore does
// for affine normalisations (fvcore/nn/jit_handles.py, norm_flop_counter). Softmax: maximum, subtraction, exponential,
// sum, division.
const table: ReadonlyMap<string, Operator> = new Map([
  ...family('conv', convolution(1), 'Conv ConvInteger FusedConv', 1),
  ...family('conv', convolution(3), 'QLinearConv', 3),
  ...family('conv', transposedConvolution, 'ConvTranspose'),
  ...family('gemm', gemm, 'Gemm FusedGemm', 1),
  ...family('gemm', gemm, 'QGemm'),
  ...family('matmul', matmul, 'MatMul MatMulInteger FusedMatMul', 1),
  ...family('matmul', matmul, 'QLinearMatMul MatMulIntegerToFloat DynamicQuantizeMatMul MatMulNBits'),
  ...family('gemm', linear, 'LinearClassifier LinearRegressor'),
  ...family('matmul', einsum, 'Einsum'),
  ...family('gemm', recurrent, 'LSTM GRU RNN DynamicQuantizeLSTM'),
  ...family('normalization', perInput(2), 'BatchNormalization'),
  ...family(
    'normalization',
    perInput(5),
    'LayerNormalization InstanceNormalization GroupNormalization RMSNormalization MeanVarianceNormalization LpNormalization SimplifiedLayerNormalization SkipLayerNormalization',
  ),
  ...family('normalization', localResponse, 'LRN'),
  ...family('softmax', perInput(5), 'Softmax LogSoftmax Hardmax QLinearSoftmax'),
  ...family(
    'activation',
    perOutput,
    'Relu LeakyRelu PRelu Elu Selu Celu ThresholdedRelu Clip Sigmoid HardSigmoid HardSwish Swish Mish Tanh Softplus Softsign Erf Gelu FastGelu BiasGelu QuickGelu QLinearSigmoid QLinearLeakyRelu',
  ),
  ...family(
    'elementwise',
    perOutput,
    'Add Sub Mul Div Pow Mod Sqrt Reciprocal Exp Log Abs Neg Sign Floor Ceil Round Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh And Or Xor Not Equal Greater GreaterOrEqual Less LessOrEqual Where IsNaN IsInf BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot Binarizer Imputer QuantizeLinear DequantizeLinear DynamicQuantizeLinear QLinearAdd QLinearMul QLinearWhere',
  ),
  ...family('elementwise', perInput(2), 'Scaler'),
  ...family('elementwise', variadic, 'Sum Mean Max Min'),
  ...family('pool', pooling, 'MaxPool AveragePool LpPool QLinearAveragePool'),
  ...family('pool', perInput(1), 'GlobalAveragePool GlobalMaxPool GlobalLpPool QLinearGlobalAveragePool'),
  ...family(
    'reduce',
    perInput(1),
    'ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare QLinearReduceMean ArgMax ArgMin CumSum',
  ),
  ...family(
    'data-movement',
    nothing,
    'Reshape Transpose Slice Concat Split Gather GatherElements GatherND Scatter ScatterElements ScatterND Expand Tile Pad Squeeze Unsqueeze Flatten Identity QLinearConcat Cast CastLike Shape Size Constant ConstantOfShape Range DepthToSpace SpaceToDepth Dropout OneHot NonZero Compress ReverseSequence EyeLike Trilu SequenceConstruct SequenceEmpty SequenceInsert SequenceErase SequenceAt SequenceLength SplitToSequence ConcatFromSequence Optional OptionalGetElement OptionalHasElement ArrayFeatureExtractor CastMap CategoryMapper DictVectorizer FeatureVectorizer LabelEncoder OneHotEncoder ZipMap',
  ),
  ...family('data-movement', resize, 'Resize Upsample'),
  ...family('control-flow', perOutput, 'If Loop Scan SequenceMap'),
]);

const unknown: Operator = { opClass: 'other', work: perOutput };

/** Whether the table has the operator, so that its work is known. */
export const isCounted = ({ opType }: NodeProto): boolean => table.has(opType);

const lookUp = (node: NodeProto): Operator => table.get(node.opType) ?? unknown;

export function workOf(shaped: ShapedNode): Work {
  return lookUp(shaped.node).work(shaped);
}

/** The operator's class; a convolution whose groups are its input channels is depthwise. */
export function classOf({ node, inputs }: ShapedNode): OpClass {
  const { opClass } = lookUp(node);
  return opClass === 'conv' && isDepthwise(node, inputs[0]) ? 'depthwise-conv' : opClass;
}

function isDepthwise(node: NodeProto, input: Shape | null | undefined): boolean {
  const group = intAttribute(node, 'group', 1);
  return group > 1 && group === input?.[1];
}

/** How an operator can be computed in parts. */
export interface Split {
  /** Of the output. */
  readonly axis: number;
  /** Channels to either side of its own that an output channel reads of the input; null: all; `stacked`: as a Concat does. */
  readonly reach: number | 'stacked' | null;
}

/**
 * Operators can be computed in parts along their output channels: a Conv (one group, or depthwise), and a Gemm or MatMul
 * whose right side is constant (the last axis), by slicing the weights; pooling and LRN, which have none, by slicing the
 * input (ours: LRN alone is half of Inception v1's time on a CPU, and pooling between two split units keeps them apart); a
 * Concat of channels by leaving out inputs, so that the branches before it need not meet on one device.
 */
export function splitOf(shaped: ShapedNode, isConstant: (name: string) => boolean): Split | null {
  const { node, inputs, outputs } = shaped;
  const { weight, opClass } = lookUp(node);
  const rank = outputs[0]?.length ?? 0;
  const along = (axis: number, reach: Split['reach']): Split | null =>
    (outputs[0]?.[axis] ?? 0) < 2 ? null : { axis, reach };
  if (opClass === 'pool') return rank > 2 && outputs.length === 1 ? along(1, 0) : null;
  if (node.opType === 'Concat') {
    const axis = intAttribute(node, 'axis', 0);
    const activations = new Set(node.input.filter((name) => !isConstant(name)));
    return rank > 1 && (axis === 1 || axis === 1 - rank) && activations.size === node.input.length
      ? along(1, 'stacked')
      : null;
  }
  if (node.opType === 'LRN') return along(1, Math.ceil((intAttribute(node, 'size', 1) - 1) / 2));
  if (weight === undefined || !isConstant(node.input[weight] ?? '')) return null;
  if (opClass !== 'conv') return inputs[weight]?.length === 2 ? along(rank - 1, null) : null;
  if (isDepthwise(node, inputs[0])) return along(1, 0);
  return intAttribute(node, 'group', 1) === 1 ? along(1, null) : null;
}
