// YOLOX-S (Ge et al. 2021, arXiv 2107.08430), layer by layer as its authors' yolox-s with 80 classes: CSPDarknet with a focus
// stem, a path aggregation network, and decoupled heads. Boxes are left on their grid, as the published ONNX file leaves them.
import type { ModelProto } from '../../base/onnx/proto.js';
import type { NetworkSettings } from './entries.js';
import { Network, type Value } from './network.js';

const epsilon = 1e-3;
const classes = 80;

function conv(net: Network, x: Value, channels: number, kernel: number, stride: number, name: string): Value {
  const value = net.conv(x, channels, { kernel, stride }, `${name}.conv`);
  return net.silu(net.batchNorm(value, epsilon, `${name}.bn`), `${name}.act`);
}

/** Cross stage partial layer (Wang et al. 2019, arXiv 1911.11929): half of the channels pass `repeats` bottlenecks. */
function cspLayer(net: Network, x: Value, channels: number, repeats: number, shortcut: boolean, name: string): Value {
  const hidden = channels / 2;
  let inner = conv(net, x, hidden, 1, 1, `${name}.conv1`);
  const outer = conv(net, x, hidden, 1, 1, `${name}.conv2`);
  for (let repeat = 0; repeat < repeats; repeat++) {
    const block = `${name}.m.${repeat}`;
    const narrow = conv(net, inner, hidden, 1, 1, `${block}.conv1`);
    const wide = conv(net, narrow, hidden, 3, 1, `${block}.conv2`);
    inner = shortcut ? net.add(wide, inner, `${block}.add`) : wide;
  }
  return conv(net, net.concat([inner, outer], 1, `${name}.concat`), channels, 1, 1, `${name}.conv3`);
}

/** Each 2 x 2 square of pixels becomes one of four times the channels. */
function focus(net: Network, x: Value, channels: number, name: string): Value {
  const [, height = 0, width = 0] = x.shape;
  const quarters = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ].map((starts, index) =>
    net.slice(x, { axes: [2, 3], starts, ends: [height, width], steps: [2, 2] }, `${name}.quarter${index}`),
  );
  return conv(net, net.concat(quarters, 1, `${name}.concat`), channels, 3, 1, `${name}.conv`);
}

/** Spatial pyramid pooling (He et al. 2014, arXiv 1406.4729) over windows of 5, 9 and 13 pixels. */
function pyramid(net: Network, x: Value, channels: number, name: string): Value {
  const narrow = conv(net, x, x.shape[0]! / 2, 1, 1, `${name}.conv1`);
  const pools = [5, 9, 13].map((kernel) =>
    net.maxPool(narrow, { kernel, stride: 1, padding: (kernel - 1) / 2 }, `${name}.pool${kernel}`),
  );
  return conv(net, net.concat([narrow, ...pools], 1, `${name}.concat`), channels, 1, 1, `${name}.conv2`);
}

/** Box, objectness and classes of each place of one level. */
function head(net: Network, x: Value, name: string): Value {
  const stem = conv(net, x, 128, 1, 1, `${name}.stem`);
  const tower = (kind: string) =>
    [0, 1].reduce((value, index) => conv(net, value, 128, 3, 1, `${name}.${kind}.${index}`), stem);
  const predict = (value: Value, channels: number, kind: string) =>
    net.conv(value, channels, { kernel: 1, bias: true, gain: 1 }, `${name}.${kind}`);
  const [ofClass, ofBox] = [tower('cls_convs'), tower('reg_convs')];
  const parts = [
    predict(ofBox, 4, 'reg'),
    net.sigmoid(predict(ofBox, 1, 'obj'), `${name}.objectness`),
    net.sigmoid(predict(ofClass, classes, 'cls'), `${name}.classes`),
  ];
  const joined = net.concat(parts, 1, `${name}.concat`);
  return net.reshape(joined, [5 + classes, joined.shape[1]! * joined.shape[2]!], `${name}.flat`);
}

export function yoloxS(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  let x = focus(net, net.input, 32, 'stem');
  x = cspLayer(net, conv(net, x, 64, 3, 2, 'dark2.0'), 64, 1, true, 'dark2.1');
  const c3 = cspLayer(net, conv(net, x, 128, 3, 2, 'dark3.0'), 128, 3, true, 'dark3.1');
  const c4 = cspLayer(net, conv(net, c3, 256, 3, 2, 'dark4.0'), 256, 3, true, 'dark4.1');
  x = pyramid(net, conv(net, c4, 512, 3, 2, 'dark5.0'), 512, 'dark5.1');
  const c5 = cspLayer(net, x, 512, 1, false, 'dark5.2');

  const top = conv(net, c5, 256, 1, 1, 'lateral_conv0');
  x = net.concat([net.upsample(top, 2, 'upsample0'), c4], 1, 'concat0');
  const middle = conv(net, cspLayer(net, x, 256, 1, false, 'C3_p4'), 128, 1, 1, 'reduce_conv1');
  x = net.concat([net.upsample(middle, 2, 'upsample1'), c3], 1, 'concat1');
  const p3 = cspLayer(net, x, 128, 1, false, 'C3_p3');
  x = net.concat([conv(net, p3, 128, 3, 2, 'bu_conv2'), middle], 1, 'concat2');
  const p4 = cspLayer(net, x, 256, 1, false, 'C3_n3');
  x = net.concat([conv(net, p4, 256, 3, 2, 'bu_conv1'), top], 1, 'concat3');
  const p5 = cspLayer(net, x, 512, 1, false, 'C3_n4');

  const levels = [p3, p4, p5].map((level, index) => head(net, level, `head.${index}`));
  return net.finish(net.transpose(net.concat(levels, 2, 'levels'), [0, 2, 1], 'output'));
}
