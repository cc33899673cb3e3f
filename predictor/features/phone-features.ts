// Features of an operator on a phone's GPU: its shape, its work, and the kernel that the rules pick for it.
import { type Phone, type PhoneOperator, type PhoneShape, phoneOperations } from '../measurements/phones.js';
import { convolutionKernel, convolutionKernels, type GpuFamily } from './tflite-kernels.js';

/** Pixel 4: Adreno 640; Galaxy S10: Mali-G76; Mi 8 SE: Adreno 616; Galaxy A03s: PowerVR GE8320. */
export const phoneGpu: Readonly<Record<Phone, GpuFamily>> = {
  pixel4: 'adreno-6xx',
  s10: 'mali',
  mi8se: 'adreno-6xx',
  a03s: 'powervr',
  iphone7: 'apple',
  iphonexs: 'apple',
};

/** Tensors are fp16 on these GPUs. */
const bytesPerElement = 2;

/**
 * `class` counts phoneOperations, `kernel` convolutionKernels from 1; sizes are pixels a side. GPU kernels see channels in
 * slices of four: a step is how many slices a loop may take at once (the greatest of 1, 2 and 4 that divides them). A thread
 * writes one slice of a pixel, or a block of them: `pairs` are blocks of 2 pixels and 2 slices, `squares` of 2 x 2 pixels and
 * 2 slices, `tiles` Winograd's of 4 x 4 pixels.
 */
export const phoneFeatures = [
  'class',
  'flops',
  'bytes',
  'inputSize',
  'inputChannels',
  'outputSize',
  'outputChannels',
  'kernelSize',
  'stride',
  'groups',
  'inputs',
  'inputElements',
  'outputElements',
  'weights',
  'intensity',
  'inputSlices',
  'outputSlices',
  'inputStep',
  'outputStep',
  'threads',
  'flopsPerThread',
  'pairs',
  'squares',
  'tiles',
  'kernel',
  'fused',
  'fusedSums',
] as const;

/** One row of `phoneFeatures`. */
export function phoneFeatureRow(operator: PhoneShape & Pick<PhoneOperator, 'fused'>, gpu: GpuFamily): number[] {
  const { operation, inputSize, inputChannels, outputSize, outputChannels, kernelSize, stride, groups } = operator;
  const convolves = operation === 'CONV_2D' || operation === 'CONV_2D_GROUP' || operation === 'DEPTHWISE_CONV_2D';
  const weights =
    convolves || operation === 'FULLY_CONNECTED' ? (kernelSize ** 2 * inputChannels * outputChannels) / groups : 0;
  // A concatenation reads as many bytes as it writes.
  const outputElements = outputSize ** 2 * outputChannels;
  const inputElements = operation === 'CONCATENATION' ? outputElements : inputSize ** 2 * inputChannels;
  const bytes = bytesPerElement * (inputElements + outputElements + weights);
  const inputSlices = Math.ceil(inputChannels / 4);
  const outputSlices = Math.ceil(outputChannels / 4);
  const threads = outputSize ** 2 * outputSlices;
  const half = Math.ceil(outputSize / 2);
  const slicePairs = Math.ceil(outputSlices / 2);
  return [
    phoneOperations.indexOf(operation),
    operator.flops,
    bytes,
    inputSize,
    inputChannels,
    outputSize,
    outputChannels,
    kernelSize,
    stride,
    groups,
    operator.inputs,
    inputElements,
    outputElements,
    weights,
    operator.flops / bytes,
    inputSlices,
    outputSlices,
    stepOf(inputSlices),
    stepOf(outputSlices),
    threads,
    operator.flops / threads,
    half * outputSize * slicePairs,
    half ** 2 * slicePairs,
    Math.ceil(outputSize / 4) ** 2 * outputSlices,
    operation === 'CONV_2D' ? 1 + convolutionKernels.indexOf(convolutionKernel(operator, gpu)) : 0,
    operator.fused.length,
    operator.fused.filter((name) => name === 'add').length,
  ];
}

const stepOf = (slices: number) => (slices % 4 === 0 ? 4 : slices % 2 === 0 ? 2 : 1);
