// SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360, and its authors' revision 1.1), layer by layer as the ONNX model zoo's
// squeezenet1.1: no padding before the first convolution, a softmax at the end.
import type { ModelProto } from '../../base/onnx/proto.js';
import type { NetworkSettings } from './entries.js';
import { Network, type Value } from './network.js';

/** Channels that each fire module squeezes to; it expands them to eight times as many. Pools stand before the third and fifth. */
const squeezed = [16, 16, 32, 32, 48, 48, 64, 64];

export function squeezenet(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  const convolve = (x: Value, channels: number, kernel: number, name: string, stride = 1, gain = 2): Value => {
    const padding = stride > 1 ? 0 : Math.floor(kernel / 2);
    return net.relu(net.conv(x, channels, { kernel, stride, padding, bias: true, gain }, name), `${name}.relu`);
  };
  let x = convolve(net.input, 64, 3, 'conv1', 2, 1);
  squeezed.forEach((channels, index) => {
    const name = `fire${index + 2}`;
    if (index === 0 || index === 2 || index === 4) x = net.maxPool(x, { kernel: 3, stride: 2 }, `${name}.pool`);
    const squeeze = convolve(x, channels, 1, `${name}.squeeze1x1`);
    const expand = [1, 3].map((kernel) => convolve(squeeze, 4 * channels, kernel, `${name}.expand${kernel}x${kernel}`));
    x = net.concat(expand, 1, `${name}.concat`);
  });
  const classes = net.globalAveragePool(convolve(x, 1000, 1, 'conv10'), 'pool10');
  return net.finish(net.softmax(classes, 'output', 1));
}
