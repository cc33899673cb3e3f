// Operators of TensorFlow Lite as units of a graph, so that predictors fitted to a phone's operators work on any ONNX model.
// Fused operators are nodes of the unit; tensors count in fp32, as in the graph.
import { type OpClass, opClasses } from '../../models/graph.js';
import type { PhoneOperation, PhoneOperator } from '../measurements/phones.js';
import { knownOperators, operatorFeatures } from './unit-features.js';

/** The class and the first operator of the unit that an operation would be. */
const units: Readonly<Record<PhoneOperation, readonly [opClass: OpClass, operator: string]>> = {
  CONV_2D: ['conv', 'Conv'],
  CONV_2D_GROUP: ['conv', 'Conv'],
  DEPTHWISE_CONV_2D: ['depthwise-conv', 'Conv'],
  FULLY_CONNECTED: ['gemm', 'Gemm'],
  MAX_POOL_2D: ['pool', 'MaxPool'],
  AVERAGE_POOL_2D: ['pool', 'AveragePool'],
  MEAN: ['pool', 'GlobalAveragePool'],
  CONCATENATION: ['data-movement', 'Concat'],
};

/**
 * Classes that the data cover as in ONNX models. Of data movement they have only concatenations, and no reshapes, which are
 * free.
 */
export const phoneUnitClasses: readonly OpClass[] = ['conv', 'depthwise-conv', 'gemm', 'pool'];

const bytesPerElement = 4;

/** A row of `operatorFeatures`. */
export function phoneUnitRow(operator: PhoneOperator): number[] {
  const { operation, inputSize, inputChannels, outputSize, outputChannels, kernelSize, groups, fused, flops } =
    operator;
  const [opClass, name] = units[operation];
  const hasWeights = opClass !== 'pool' && opClass !== 'data-movement';
  const outputElements = outputSize ** 2 * outputChannels;
  // A concatenation reads as many bytes as it writes.
  const inputElements = operation === 'CONCATENATION' ? outputElements : inputSize ** 2 * inputChannels;
  const sums = fused.filter((each) => each === 'add').length;
  const macs = hasWeights ? flops / 2 : 0;
  const weights = hasWeights ? (kernelSize ** 2 * inputChannels * outputChannels) / groups + outputChannels : 0;
  const activationBytes = bytesPerElement * (inputElements + sums * outputElements);
  const [weightBytes, outputBytes] = [bytesPerElement * weights, bytesPerElement * outputElements];
  const bytes = activationBytes + weightBytes + outputBytes;
  const row: Readonly<Record<(typeof operatorFeatures)[number], number>> = {
    class: opClasses.indexOf(opClass),
    flops,
    bytes,
    intensity: flops / Math.max(1, bytes),
    macs,
    activationBytes,
    weightBytes,
    outputBytes,
    channels: outputChannels,
    pixels: outputSize ** 2,
    nodes: 1 + fused.length,
    operator: knownOperators.indexOf(name),
    inputs: operator.inputs + sums,
    inputChannels,
    inputPixels: inputSize ** 2,
    window: macs / Math.max(1, outputElements * inputChannels),
  };
  return operatorFeatures.map((feature) => row[feature]);
}
