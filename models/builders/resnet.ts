// ResNet-18 (He et al. 2015, arXiv 1512.03385), layer by layer as torchvision's resnet18, and ResNet-50 in variant D (He et al.
// 2018, "Bag of Tricks", arXiv 1812.01187), as PaddlePaddle's ResNet50_vd.
import type { ModelProto } from '../../base/onnx/proto.js';
import type { NetworkSettings } from './entries.js';
import { Network, type Value } from './network.js';

const epsilon = 1e-5;
/** Channels of the four stages; each has two blocks and, after the first, starts with a stride of 2. */
const stages = [64, 128, 256, 512];

export function resnet18(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  const stem = net.conv(net.input, 64, { kernel: 7, stride: 2, gain: 1 }, 'conv1');
  let x = net.relu(net.batchNorm(stem, epsilon, 'bn1'), 'relu');
  x = net.maxPool(x, { kernel: 3, stride: 2, padding: 1 }, 'maxpool');
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

/** Channels of the four stages before their expansion by 4, and their blocks. */
const bottleneckStages = [
  [64, 3],
  [128, 4],
  [256, 6],
  [512, 3],
] as const;

export function resnet50vd(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  let x = net.input;
  [32, 32, 64].forEach((channels, index) => {
    const name = `stem.${index}`;
    const convolved = net.conv(x, channels, { kernel: 3, stride: index === 0 ? 2 : 1 }, name);
    x = net.relu(net.batchNorm(convolved, epsilon, `${name}.bn`), `${name}.relu`);
  });
  x = net.maxPool(x, { kernel: 3, stride: 2, padding: 1 }, 'maxpool');
  bottleneckStages.forEach(([channels, blocks], stage) => {
    for (let index = 0; index < blocks; index++)
      x = bottleneck(net, x, channels, stage > 0 && index === 0 ? 2 : 1, `layer${stage + 1}.${index}`);
  });
  return net.finish(net.linear(net.flatten(net.globalAveragePool(x, 'avgpool'), 'flatten'), 1000, 'fc'));
}

/** Variant D: the 3 x 3 convolution strides, and the shortcut averages before its 1 x 1 convolution. */
function bottleneck(net: Network, x: Value, channels: number, stride: number, name: string): Value {
  const step = (value: Value, to: number, kernel: number, by: number, part: string, gain = 2) =>
    net.batchNorm(net.conv(value, to, { kernel, stride: by, gain }, `${name}.${part}`), epsilon, `${name}.${part}.bn`);
  const first = net.relu(step(x, channels, 1, 1, 'conv1', 1), `${name}.relu1`);
  const second = net.relu(step(first, channels, 3, stride, 'conv2'), `${name}.relu2`);
  const third = step(second, 4 * channels, 1, 1, 'conv3');
  const averaged = stride === 1 ? x : net.averagePool(x, { kernel: stride, stride }, `${name}.downsample.pool`);
  const shortcut = x.shape[0] === 4 * channels ? x : step(averaged, 4 * channels, 1, 1, 'downsample.conv', 1);
  return net.relu(net.add(third, shortcut, `${name}.add`), `${name}.relu3`);
}
