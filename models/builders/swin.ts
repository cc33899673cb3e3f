// Swin-T (Liu et al. 2021, arXiv 2103.14030), layer by layer as torchvision's swin_t: attention within windows of 7 x 7
// tokens, every other block with the windows shifted by half, so that information crosses their borders.
import type { ModelProto } from '../../base/onnx/proto.js';
import { attention } from './attention.js';
import type { NetworkSettings } from './entries.js';
import { Network, type Value } from './network.js';

const patch = 4;
const window = 7;
const embedding = 96;
const depths = [2, 2, 6, 2];
const headCounts = [3, 6, 12, 24];
const epsilon = 1e-5;

export function swinT(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  const embed = { kernel: patch, stride: patch, padding: 0, bias: true, gain: 1 };
  const patches = net.conv(net.input, embedding, embed, 'features.0.0');
  let x = net.layerNorm(net.transpose(patches, [0, 2, 3, 1], 'features.0.1'), epsilon, 'features.0.2');
  depths.forEach((depth, stage) => {
    if (stage > 0) x = mergePatches(net, x, `features.${2 * stage}`);
    for (let block = 0; block < depth; block++) {
      x = swinBlock(net, x, headCounts[stage]!, block % 2 === 1, `features.${2 * stage + 1}.${block}`);
    }
  });
  const channelsFirst = net.transpose(net.layerNorm(x, epsilon, 'norm'), [0, 3, 1, 2], 'permute');
  return net.finish(net.linear(net.flatten(net.globalAveragePool(channelsFirst, 'avgpool'), 'flatten'), 1000, 'head'));
}

/** Four neighbouring tokens become one of twice the width. Extents are even, because sizes are multiples of 32. */
function mergePatches(net: Network, x: Value, name: string): Value {
  const [height = 0, width = 0, channels = 0] = x.shape;
  const corners = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ].map(([row, column]) =>
    net.slice(
      x,
      { axes: [1, 2], starts: [row!, column!], ends: [height, width], steps: [2, 2] },
      `${name}.x${row}${column}`,
    ),
  );
  const merged = net.layerNorm(net.concat(corners, 3, `${name}.merged`), epsilon, `${name}.norm`);
  return net.linear(merged, 2 * channels, `${name}.reduction`, { bias: false });
}

function swinBlock(net: Network, x: Value, heads: number, shifted: boolean, name: string): Value {
  const channels = x.shape[2]!;
  const normed = net.layerNorm(x, epsilon, `${name}.norm1`);
  const residual = net.add(x, windowAttention(net, normed, heads, shifted, `${name}.attn`), `${name}.add1`);
  const hidden = net.linear(net.layerNorm(residual, epsilon, `${name}.norm2`), 4 * channels, `${name}.mlp.0`);
  const mlp = net.linear(net.gelu(hidden, `${name}.mlp.1`), channels, `${name}.mlp.3`, { gain: 2 });
  return net.add(residual, mlp, `${name}.add2`);
}

function windowAttention(net: Network, x: Value, heads: number, shifted: boolean, name: string): Value {
  const [height = 0, width = 0, channels = 0] = x.shape;
  const padded = padToWindows(net, x, name);
  const [rows, columns] = [padded.shape[0]! / window, padded.shape[1]! / window];
  // A single window along an axis has nothing to exchange with.
  const shift = [rows, columns].map((count) => (shifted && count > 1 ? Math.floor(window / 2) : 0)) as [number, number];
  const isShifted = shift[0] > 0 || shift[1] > 0;
  const rolled = isShifted ? roll(net, padded, shift, `${name}.roll`) : padded;

  const tokens = window * window;
  const tiles = net.reshape(rolled, [rows, window, columns, window, channels], `${name}.tiles`);
  const grouped = net.transpose(tiles, [0, 1, 3, 2, 4, 5], `${name}.windows`);
  const mask = isShifted ? shiftMask(net, rows, columns, shift, name) : null;
  const attended = attention(net, net.reshape(grouped, [tokens, channels], `${name}.tokens`), heads, name, (scores) => {
    const biased = net.add(scores, relativePositionBias(net, heads, name), `${name}.biased`);
    if (!mask) return biased;
    const byWindow = net.reshape(biased, [rows * columns, heads, tokens, tokens], `${name}.by_window`);
    return net.reshape(net.add(byWindow, mask, `${name}.masked`), [heads, tokens, tokens], `${name}.scores.flat`);
  });
  const back = net.reshape(attended, [rows, columns, window, window, channels], `${name}.untiled`);
  const image = net.reshape(
    net.transpose(back, [0, 1, 3, 2, 4, 5], `${name}.unwindowed`),
    padded.shape,
    `${name}.image`,
  );
  const unrolled = isShifted ? roll(net, image, [-shift[0], -shift[1]], `${name}.unroll`) : image;
  if (padded === x) return unrolled;
  return net.slice(unrolled, { axes: [1, 2], starts: [0, 0], ends: [height, width] }, `${name}.unpadded`);
}

function padToWindows(net: Network, x: Value, name: string): Value {
  const [height = 0, width = 0, channels = 0] = x.shape;
  const [bottom, right] = [height, width].map((extent) => (window - (extent % window)) % window) as [number, number];
  if (bottom === 0 && right === 0) return x;
  const pads = net.integers(`${name}.pads`, [0, 0, 0, 0, 0, bottom, right, 0]);
  return net.node('Pad', `${name}.padded`, [x, pads], [height + bottom, width + right, channels]);
}

/** Shifts the image cyclically up and left. ONNX has no roll: the halves change places, along one axis and then the other. */
function roll(net: Network, x: Value, shift: readonly [number, number], name: string): Value {
  return shift.reduce((value, by, index) => {
    const axis = index + 1;
    const extent = value.shape[index]!;
    if (by === 0) return value;
    const start = (by + extent) % extent;
    const tail = net.slice(value, { axes: [axis], starts: [start], ends: [extent] }, `${name}${axis}.tail`);
    const head = net.slice(value, { axes: [axis], starts: [0], ends: [start] }, `${name}${axis}.head`);
    return net.concat([tail, head], axis, `${name}${axis}`);
  }, x);
}

/** A learnt number per head and offset between two tokens, looked up for all pairs: [heads, tokens, tokens]. */
function relativePositionBias(net: Network, heads: number, name: string): Value {
  const tokens = window * window;
  const offsets = 2 * window - 1;
  const table = net.parameter(`${name}.relative_position_bias_table`, [offsets * offsets, heads], { deviation: 0.02 });
  const index = Array.from({ length: tokens * tokens }, (_, pair) => {
    const [from, to] = [Math.floor(pair / tokens), pair % tokens];
    const rows = Math.floor(from / window) - Math.floor(to / window) + window - 1;
    const columns = (from % window) - (to % window) + window - 1;
    return rows * offsets + columns;
  });
  const indices = net.integers(`${name}.relative_position_index`, index);
  // These values have no batch: shapes are whole here.
  const looked = net.node('Gather', `${name}.bias`, [table, indices], [], { axis: 0 });
  const shape = net.integers(`${name}.bias.shape`, [tokens, tokens, heads]);
  const square = net.node('Reshape', `${name}.bias.square`, [looked, shape], []);
  return net.node('Transpose', `${name}.bias.heads`, [square], [heads, tokens, tokens], { perm: [2, 0, 1] });
}

/** -100 between tokens that the roll brought into one window from different sides of the image, 0 elsewhere. */
function shiftMask(
  net: Network,
  rows: number,
  columns: number,
  [down, across]: readonly [number, number],
  name: string,
): Value {
  const region = (at: number, extent: number, shift: number): number =>
    at < extent - window ? 0 : at < extent - shift ? 1 : 2;
  const tokens = window * window;
  const separated = new Uint8Array(rows * columns * tokens * tokens);
  const regionOf = (row: number, column: number, token: number): number =>
    3 * region(row * window + Math.floor(token / window), rows * window, down) +
    region(column * window + (token % window), columns * window, across);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let from = 0; from < tokens; from++) {
        for (let to = 0; to < tokens; to++) {
          separated[at++] = regionOf(row, column, from) === regionOf(row, column, to) ? 0 : 1;
        }
      }
    }
  }
  const shape = [rows * columns, 1, tokens, tokens];
  const where = net.mask(`${name}.separated`, shape, separated);
  return net.node(
    'Where',
    `${name}.mask`,
    [where, net.scalar(`${name}.far`, -100), net.scalar(`${name}.near`, 0)],
    shape,
  );
}
