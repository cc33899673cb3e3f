// The shape that each type of layer writes, from its parameters and the shapes that it reads. Rules by ncnn's source, src/layer.
import { elements, type Layer, type Shape, unset } from './layer.js';
import { convolutionShape, deconvolutionShape, imageOf, poolingShape } from './windows.js';

/** The shapes of all blobs that a layer writes. */
export type ShapeRule = (layer: Layer) => Shape[];

const one =
  (rule: (layer: Layer) => Shape): ShapeRule =>
  (layer) => [rule(layer)];

/** Of layers that change values and no shape. */
export const unchanged = one((layer) => layer.input);

/** ncnn's (w), (w, h) or (w, h, c) with the batch; sizes that are not given end the shape. */
export function shapeOfSizes(sizes: readonly number[]): Shape {
  const given = sizes.slice(0, Math.max(0, ...sizes.map((size, at) => (size === unset || size === 0 ? 0 : at + 1))));
  return [1, ...given.reverse()];
}

/** Blobs of fewer dimensions meet the outermost ones where their size is that of the channels, else the innermost. */
const broadcast = one((layer) => {
  const { input, inputs } = layer;
  return inputs.slice(1).reduce((a, b) => {
    if (a.length !== b.length) return a.length > b.length ? a : b;
    return a.map((size, axis) => {
      if (size !== b[axis] && size !== 1 && b[axis] !== 1)
        layer.fail(`it combines blobs of ${a.slice(1).join(' x ')} and ${b.slice(1).join(' x ')}`);
      return Math.max(size, b[axis]!);
    });
  }, input);
});

const concat = one((layer) => {
  const axis = layer.axis(layer.number(0, 0));
  for (const other of layer.inputs)
    if (other.length !== layer.input.length || other.some((size, at) => at !== axis && size !== layer.input[at]))
      layer.fail(`it joins blobs of ${layer.input.slice(1).join(' x ')} and ${other.slice(1).join(' x ')}`);
  const sum = layer.inputs.reduce((total, shape) => total + shape[axis]!, 0);
  return layer.input.map((size, at) => (at === axis ? sum : size));
});

/** Sizes of the slices, where -233 shares what the others leave, or the places of the cuts. */
function slice(layer: Layer): Shape[] {
  const axis = layer.axis(layer.number(1, 0));
  const whole = layer.input[axis]!;
  const cuts = layer.list(2);
  const sizes = layer.list(0) ?? [];
  let left = whole;
  return Array.from({ length: layer.outputs }, (_, at) => {
    const last = at === layer.outputs - 1;
    const cut = cuts && (last ? whole : cuts[at]! < 0 ? cuts[at]! + whole : cuts[at]!);
    const size = sizes[at] ?? unset;
    const own = cut !== null ? cut - (whole - left) : size === unset ? Math.floor(left / (layer.outputs - at)) : size;
    left -= own;
    return layer.input.map((each, place) => (place === axis ? own : each));
  });
}

const reshape = one((layer) => {
  const sizes = [0, 1, 2].map((id) => layer.number(id, unset));
  const from = [...layer.input.slice(1)].reverse();
  const copied = sizes.map((size, at) => (size === 0 ? (from[at] ?? unset) : size)).filter((size) => size !== unset);
  const known = copied.filter((size) => size !== -1).reduce((product, size) => product * size, 1);
  const shape = [1, ...copied.map((size) => (size === -1 ? elements(layer.input) / known : size)).reverse()];
  if (copied.length === 0 || elements(shape) !== elements(layer.input))
    layer.fail(`it makes ${shape.slice(1).join(' x ')} of ${layer.input.slice(1).join(' x ')}`);
  return shape;
});

/** For each order, which of (w, h, c) becomes the new width, height and channels. */
const orders = [
  [0, 1, 2],
  [1, 0, 2],
  [0, 2, 1],
  [2, 0, 1],
  [1, 2, 0],
  [2, 1, 0],
] as const;

const permute = one((layer) => {
  const order = orders[layer.number(0, 0)] ?? layer.fail(`its order is ${layer.number(0, 0)}, not 0 to 5`);
  const from = [...layer.input.slice(1)].reverse();
  return [
    1,
    ...order
      .slice(0, from.length)
      .map((at) => from[at] ?? layer.fail('its order is of more dimensions'))
      .reverse(),
  ];
});

const interpolation = one((layer) => {
  const reference = layer.inputs[1];
  const [, channels, height, width] = layer.rank === 1 ? [1, layer.input[1]!, 1, 1] : imageOf(layer);
  if (reference) return [1, channels, ...reference.slice(-2)];
  const size = [height, width].map((from, axis) => {
    const wanted = layer.number(3 + axis, 0);
    return wanted > 0 ? wanted : Math.floor(from * layer.number(1 + axis, 1));
  });
  return [1, channels, ...size];
});

const padding = one((layer) => {
  const [top, bottom, left, right] = [0, 1, 2, 3].map((id) => layer.number(id, 0));
  const added = [layer.number(7, 0) + layer.number(8, 0), top! + bottom!, left! + right!].slice(-layer.rank);
  return layer.input.map((size, at) => (at === 0 ? size : size + added[at - 1]!));
});

/** By starts, ends and axes, as slices of arrays, else by offsets and sizes, or to the size of the second blob. */
const crop = one((layer) => {
  const [starts, ends, axes] = [layer.list(9), layer.list(10), layer.list(11)];
  const sizes = [...layer.input];
  if (starts && ends) {
    starts.forEach((start, at) => {
      const axis = layer.axis(axes?.[at] ?? at);
      const whole = sizes[axis]!;
      const place = (value: number) => Math.min(whole, value < 0 ? value + whole : value);
      const end = ends[at] === undefined || ends[at] === unset ? whole : place(ends[at]);
      sizes[axis] = end - (start === unset ? 0 : place(start));
    });
    return sizes;
  }
  if (layer.inputs[1]) return layer.inputs[1];
  // (w, h, c), innermost first.
  for (let at = 0; at < layer.rank; at++) {
    const axis = layer.rank - at;
    const [offset, out, behind] = [layer.number(at, 0), layer.number(3 + at, 0), layer.number(6 + at, 0)];
    sizes[axis] = out > 0 && out !== unset ? out : sizes[axis]! - offset - behind;
  }
  return sizes;
});

const reduction = one((layer) => {
  const keeps = layer.number(4, 0) === 1;
  const axes = layer.number(1, 1) === 1 ? null : new Set((layer.list(3) ?? []).map((axis) => layer.axis(axis)));
  const isReduced = (at: number) => at > 0 && (axes === null || axes.has(at));
  if (keeps) return layer.input.map((size, at) => (isReduced(at) ? 1 : size));
  const kept = layer.input.filter((_, at) => !isReduced(at));
  return kept.length > 1 ? kept : [1, 1];
});

/** Rows of a matrix are multiplied one by one; all else is one vector. */
const innerProduct = one((layer) => {
  const outputs = layer.count(0, 'the number of outputs', 1);
  const rows = layer.rank === 2 && layer.input[2]! * outputs === layer.number(2, 0) ? layer.input[1]! : 1;
  return rows > 1 ? [1, rows, outputs] : [1, outputs];
});

/** A and B are inputs in this order where they are not constant. */
const gemm = one((layer) => {
  const [a, b] = layer.number(4, 0) === 1 ? [null, layer.inputs[0]] : [layer.input, layer.inputs[1]];
  const side = (of: Shape, transposed: boolean, columns: boolean) =>
    columns !== transposed ? of.at(-1)! : elements(of.slice(1, -1));
  const m = a ? side(a, layer.number(2, 0) === 1, false) : layer.count(7, 'the number of rows', 1);
  const constant = layer.number(5, 0) === 1 || !b;
  const n = constant ? layer.count(8, 'the number of columns', 1) : side(b, layer.number(3, 0) === 1, true);
  return layer.number(14, 0) === 1 ? [1, n, m] : [1, m, n];
});

const matmul = one((layer) => {
  const other = layer.inputs[1] ?? layer.fail('it reads one blob');
  const columns = layer.number(0, 0) === 1 ? other.at(-2)! : other.at(-1)!;
  return [...layer.input.slice(0, -1), columns];
});

const spaceToDepth = one((layer) => {
  const [, channels, height, width] = imageOf(layer);
  const by = layer.count(0, 'the stride', 1);
  return [1, channels * by * by, Math.floor(height / by), Math.floor(width / by)];
});

const depthToSpace = one((layer) => {
  const [, channels, height, width] = imageOf(layer);
  const by = layer.count(0, 'the factor', 1);
  return [1, Math.floor(channels / (by * by)), height * by, width * by];
});

/** Two rows: boxes and their variances, four numbers a box. */
const priorBox = one((layer) => {
  const [, , height, width] = imageOf(layer);
  const count = (id: number) => layer.list(id)?.length ?? 0;
  const ratios = count(2) * (layer.number(7, 1) === 1 ? 2 : 1);
  return [1, 2, 4 * height * width * (count(0) * (1 + ratios) + count(1))];
});

/** How many boxes remain depends on the picture: the most that can. */
const detection = one((layer) => [1, layer.count(3, 'the number of boxes kept', 1, 100), 6]);
const yoloDetection = one((layer) => {
  const cells = layer.inputs.reduce((sum, shape) => sum + elements(shape.slice(2)), 0);
  return [1, cells * layer.count(1, 'the number of boxes of a cell', 1, 5), 6];
});

const lists: readonly (readonly [ShapeRule, string])[] = [
  [
    unchanged,
    'ReLU PReLU Clip ELU SELU CELU Sigmoid HardSigmoid Swish HardSwish Mish TanH GELU Erf Softplus Shrink Threshold BNLL UnaryOp AbsVal Exp Log Power Dropout BatchNorm Scale Bias LRN LayerNorm RMSNorm GroupNorm InstanceNorm Normalize MVN Softmax ShuffleChannel Cast Quantize Dequantize Requantize Packing Noop',
  ],
  [one(convolutionShape), 'Convolution ConvolutionDepthWise'],
  [one(deconvolutionShape), 'Deconvolution DeconvolutionDepthWise'],
  [one(poolingShape), 'Pooling'],
  [broadcast, 'BinaryOp Eltwise'],
  [(layer) => Array.from({ length: layer.outputs }, () => layer.input), 'Split'],
  [concat, 'Concat'],
  [slice, 'Slice'],
  [one((layer) => [1, elements(layer.input)]), 'Flatten'],
  [reshape, 'Reshape'],
  [permute, 'Permute'],
  [interpolation, 'Interp'],
  [padding, 'Padding'],
  [crop, 'Crop'],
  [reduction, 'Reduction'],
  [innerProduct, 'InnerProduct'],
  [gemm, 'Gemm'],
  [matmul, 'MatMul'],
  [unchanged, 'MultiHeadAttention'],
  [spaceToDepth, 'Reorg'],
  [depthToSpace, 'PixelShuffle'],
  [priorBox, 'PriorBox'],
];

export const shapeRules: ReadonlyMap<string, ShapeRule> = new Map(
  lists.flatMap(([rule, names]) => names.split(' ').map((name) => [name, rule] as const)),
);

/** Of layers whose output depends on the values: what the file says of its shape comes first. */
export const largestShapes: ReadonlyMap<string, ShapeRule> = new Map([
  ['DetectionOutput', detection],
  ['YoloDetectionOutput', yoloDetection],
  ['Yolov3DetectionOutput', yoloDetection],
]);
