// The kernel rules at their edges: one slice, tile or byte more or less.
import { expect, test } from 'vitest';
import { type ConvolutionShape, convolutionKernel } from './tflite-kernels.js';

const conv = (part: Partial<ConvolutionShape>): ConvolutionShape => ({
  inputChannels: 128,
  outputChannels: 128,
  outputSize: 56,
  kernelSize: 3,
  stride: 1,
  groups: 1,
  ...part,
});

test.each([
  [
    '3 x 3, stride 1, 128 slices either side',
    conv({ inputChannels: 512, outputChannels: 512 }),
    'adreno-6xx',
    'winograd-4x4',
  ],
  ['31 slices are too few for Adreno', conv({ inputChannels: 124 }), 'adreno-6xx', 'generic'],
  ['but not for Mali', conv({ inputChannels: 124 }), 'mali', 'winograd-4x4'],
  ['15 slices are', conv({ inputChannels: 60 }), 'mali', 'generic'],
  ['44 pixels are 121 tiles, too few for Adreno 6xx', conv({ outputSize: 44 }), 'adreno-6xx', 'generic'],
  ['but not for Adreno 5xx', conv({ outputSize: 44 }), 'adreno-3xx-5xx', 'winograd-4x4'],
  ['stride 2 has no Winograd', conv({ stride: 2 }), 'mali', 'generic'],
  ['nor has 1 x 1', conv({ kernelSize: 1 }), 'mali', 'generic'],
  [
    '3 x 32 x 3 x 3 fp16 weights are 1,728 bytes',
    conv({ inputChannels: 3, outputChannels: 32 }),
    'adreno-6xx',
    'constants',
  ],
  ['too many for NVIDIA', conv({ inputChannels: 3, outputChannels: 32 }), 'nvidia', 'generic'],
  ['Mali has no such kernel', conv({ inputChannels: 3, outputChannels: 32 }), 'mali', 'generic'],
  ['nine slices of outputs are too many', conv({ inputChannels: 1, outputChannels: 33 }), 'adreno-6xx', 'generic'],
  ['groups', conv({ groups: 2 }), 'adreno-6xx', 'grouped'],
] as const)('%s', (_, shape, gpu, kernel) => {
  expect(convolutionKernel(shape, gpu)).toBe(kernel);
});

test('fp32 weights take twice the constant memory', () => {
  const shape = conv({ inputChannels: 4, outputChannels: 32 }); // 2,304 bytes in fp16
  expect(convolutionKernel(shape, 'adreno-6xx', 2)).toBe('constants');
  expect(convolutionKernel(shape, 'adreno-6xx', 4)).toBe('generic');
});
