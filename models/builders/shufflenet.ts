// ShuffleNet (Zhang et al. 2017, arXiv 1707.01083) with 4 groups, layer by layer as the ONNX model zoo's shufflenet: 136, 272 and
// 544 channels, grouped from the first unit on, and blocks as wide inside as their output, which the paper's are not.
import type { ModelProto } from '../../base/onnx/proto.js';
import type { NetworkSettings } from './entries.js';
import { Network, type Value } from './network.js';

const epsilon = 1e-5;
const groups = 4;
/** Channels and units of stages 2 to 4; the first unit of each halves height and width. */
const stages = [
  [136, 4],
  [272, 8],
  [544, 4],
] as const;

export function shufflenet(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  const stem = net.conv(net.input, 24, { kernel: 3, stride: 2, bias: true, gain: 1 }, 'conv1');
  let x = net.relu(net.batchNorm(stem, epsilon, 'conv1.bn'), 'conv1.relu');
  x = net.maxPool(x, { kernel: 3, stride: 2, padding: 1 }, 'pool1');
  stages.forEach(([channels, units], stage) => {
    for (let index = 0; index < units; index++) x = unit(net, x, channels, index === 0, `stage${stage + 2}.${index}`);
  });
  const pooled = net.averagePool(x, { kernel: x.shape[1]!, stride: 1 }, 'pool5');
  const classes = net.linear(net.reshape(pooled, [x.shape[0]!], 'flat'), 1000, 'fc');
  return net.finish(net.softmax(classes, 'output'));
}

/** Figure 2b of the paper and, where it strides, 2c: there the input is averaged and joined instead of added. */
function unit(net: Network, x: Value, channels: number, strides: boolean, name: string): Value {
  const width = strides ? channels - x.shape[0]! : channels;
  const normalised = (value: Value, part: string, settings: { kernel: number; stride?: number; groups: number }) =>
    net.batchNorm(net.conv(value, width, { ...settings, gain: 1 }, `${name}.${part}`), epsilon, `${name}.${part}.bn`);
  const first = net.relu(normalised(x, 'conv1', { kernel: 1, groups }), `${name}.relu1`);
  const shuffled = shuffle(net, first, `${name}.shuffle`);
  const deep = normalised(shuffled, 'conv2', { kernel: 3, stride: strides ? 2 : 1, groups: width });
  const last = normalised(deep, 'conv3', { kernel: 1, groups });
  const joined = strides
    ? net.concat(
        [last, net.averagePool(x, { kernel: 3, stride: 2, padding: 1 }, `${name}.shortcut`)],
        1,
        `${name}.concat`,
      )
    : net.sum(last, x, `${name}.sum`);
  return net.relu(joined, `${name}.relu2`);
}

/** Channels of all groups by turns, so that the next groups see every group before. */
function shuffle(net: Network, x: Value, name: string): Value {
  const [channels = 0, height = 0, width = 0] = x.shape;
  const grouped = net.reshape(x, [groups, channels / groups, height, width], `${name}.grouped`);
  return net.reshape(net.transpose(grouped, [0, 2, 1, 3, 4], `${name}.turned`), x.shape, name);
}
