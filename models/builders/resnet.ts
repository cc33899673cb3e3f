// ResNet-18 (He et al. 2015, arXiv 1512.03385), layer by layer as torchvision's resnet18.
import type { ModelProto } from '../../base/onnx/proto.js';
import { Network, type NetworkSettings, type Value } from './network.js';

const epsilon = 1e-5;
/** Channels of the four stages; each has two blocks and, after the first, starts with a stride of 2. */
const stages = [64, 128, 256, 512];

export function resnet18(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  const stem = net.conv(net.input, 64, { kernel: 7, stride: 2, gain: 1 }, 'conv1');
  let x = net.relu(net.batchNorm(stem, epsilon, 'bn1'), 'relu');
  const extent = Math.floor((x.shape[1]! - 1) / 2) + 1;
  x = net.node('MaxPool', 'maxpool', [x], [64, extent, extent], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  stages.forEach((channels, stage) => {
    for (const index of [0, 1]) {
      x = basicBlock(net, x, channels, stage > 0 && index === 0 ? 2 : 1, `layer${stage + 1}.${index}`);
    }
  });
  return net.finish(net.linear(net.flatten(net.globalAveragePool(x, 'avgpool'), 'flatten'), 1000, 'fc'));
}

function basicBlock(net: Network, x: Value, channels: number, stride: number, name: string): Value {
  const first = net.batchNorm(
    net.conv(x, channels, { kernel: 3, stride, gain: 1 }, `${name}.conv1`),
    epsilon,
    `${name}.bn1`,
  );
  const inner = net.relu(first, `${name}.relu1`);
  const second = net.batchNorm(net.conv(inner, channels, { kernel: 3 }, `${name}.conv2`), epsilon, `${name}.bn2`);
  const shortcut =
    stride === 1
      ? x
      : net.batchNorm(
          net.conv(x, channels, { kernel: 1, stride, padding: 0, gain: 1 }, `${name}.downsample.0`),
          epsilon,
          `${name}.downsample.1`,
        );
  return net.relu(net.add(second, shortcut, `${name}.add`), `${name}.relu2`);
}
