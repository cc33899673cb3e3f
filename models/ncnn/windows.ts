// Sizes of what sliding windows write: convolutions, transposed convolutions and pooling, with ncnn's parameters.
import type { Layer, Shape } from './layer.js';

/** Paddings that stand for "as many as the output of size input / stride takes". */
const sameUpper = -233;
const sameLower = -234;

/** Parameter ids of the two spatial axes, width first: the vertical one has the horizontal one's value unless given. */
const kernelIds = [1, 11] as const;

/** [height, width] of a parameter whose second id defaults to the first. */
function pair(
  layer: Layer,
  [width, height]: readonly [number, number],
  otherwise: number,
  what: string,
): [number, number] {
  const across = layer.count(width, what, 1, otherwise);
  return [layer.count(height, what, 1, across), across];
}

export const kernelOf = (layer: Layer): [number, number] => pair(layer, kernelIds, Number.NaN, 'the kernel');

/** [1, c, h, w] of a blob that a window slides over. @throws InputError when it has other dimensions */
export function imageOf(layer: Layer): readonly [number, number, number, number] {
  const { input } = layer;
  if (input.length !== 4) return layer.fail(`its window slides over a blob of ${layer.rank} dimensions, not 3`);
  return input as unknown as readonly [number, number, number, number];
}

/** Convolution and ConvolutionDepthWise. A 1 x 1 kernel also takes a vector, as a fully connected layer does. */
export function convolutionShape(layer: Layer): Shape {
  const channels = layer.count(0, 'the number of outputs', 1);
  const kernel = kernelOf(layer);
  if (layer.rank === 1 && kernel[0] * kernel[1] === 1) return [1, channels];
  const [, , height, width] = imageOf(layer);
  const dilation = pair(layer, [2, 12], 1, 'the dilation');
  const stride = pair(layer, [3, 13], 1, 'the stride');
  const left = layer.number(4, 0);
  const [right, top] = [layer.number(15, left), layer.number(14, left)];
  const pads = [top + layer.number(16, top), left + right];
  const same = [sameUpper, sameLower].includes(left);
  const size = [height, width].map((from, axis) => {
    if (same) return Math.ceil(from / stride[axis]!);
    return Math.floor((from + pads[axis]! - extent(kernel[axis]!, dilation[axis]!)) / stride[axis]!) + 1;
  });
  return [1, channels, ...size];
}

/** Deconvolution and DeconvolutionDepthWise. */
export function deconvolutionShape(layer: Layer): Shape {
  const [, , height, width] = imageOf(layer);
  const kernel = kernelOf(layer);
  const dilation = pair(layer, [2, 12], 1, 'the dilation');
  const stride = pair(layer, [3, 13], 1, 'the stride');
  const left = layer.number(4, 0);
  const [right, top] = [layer.number(15, left), layer.number(14, left)];
  const same = [sameUpper, sameLower].includes(left);
  const pads = same ? [0, 0] : [top + layer.number(16, top), left + right];
  const extra = [layer.number(19, layer.number(18, 0)), layer.number(18, 0)];
  const given = [layer.number(21, layer.number(20, 0)), layer.number(20, 0)];
  const size = [height, width].map((from, axis) => {
    if (given[axis]! > 0) return given[axis]!;
    return (from - 1) * stride[axis]! + extent(kernel[axis]!, dilation[axis]!) + extra[axis]! - pads[axis]!;
  });
  return [1, layer.count(0, 'the number of outputs', 1), ...size];
}

/** Pooling: global, adaptive, or by a window whose last step may reach over the edge (`full`, ncnn's default). */
export function poolingShape(layer: Layer): Shape {
  const [, channels, height, width] = imageOf(layer);
  if (layer.number(4, 0) === 1) return [1, channels];
  if (layer.number(7, 0) === 1) {
    const outWidth = layer.number(8, 0);
    const wanted = [layer.number(18, outWidth), outWidth];
    return [1, channels, ...[height, width].map((from, axis) => (wanted[axis] === -233 ? from : wanted[axis]!))];
  }
  const kernel = kernelOf(layer);
  const stride = pair(layer, [2, 12], 1, 'the stride');
  const left = layer.number(3, 0);
  const top = layer.number(13, left);
  const pads = [top + layer.number(15, top), left + layer.number(14, left)];
  const mode = layer.number(5, 0);
  const size = [height, width].map((from, axis) => {
    if (mode >= 2) return Math.ceil(from / stride[axis]!);
    const steps = (from + pads[axis]! - kernel[axis]!) / stride[axis]!;
    return (mode === 1 ? Math.floor(steps) : Math.ceil(steps)) + 1;
  });
  return [1, channels, ...size];
}

const extent = (kernel: number, dilation: number): number => dilation * (kernel - 1) + 1;
