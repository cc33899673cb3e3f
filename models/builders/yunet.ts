// YuNet (Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20), layer by layer as
// its authors' yunet_n: depthwise separable units throughout, three levels of 64 channels.
import type { ModelProto } from '../../base/onnx/proto.js';
import type { NetworkSettings } from './entries.js';
import { Network, type Value } from './network.js';

const epsilon = 1e-5;

/** A 1 x 1 convolution, then a depthwise 3 x 3; `plain` leaves out normalisation and rectifier. */
function unit(net: Network, x: Value, channels: number, name: string, plain = false): Value {
  const point = net.conv(x, channels, { kernel: 1, bias: true }, `${name}.conv1`);
  const deep = net.conv(point, channels, { kernel: 3, groups: channels, bias: true, gain: 1 }, `${name}.conv2`);
  return plain ? deep : net.relu(net.batchNorm(deep, epsilon, `${name}.bn`), `${name}.relu`);
}

const pair = (net: Network, x: Value, channels: number, name: string): Value =>
  unit(net, unit(net, x, x.shape[0]!, `${name}.conv1`), channels, `${name}.conv2`);

export function yunet(settings: NetworkSettings, width: number, height: number): ModelProto {
  const net = new Network(settings, [3, height, width]);
  const halve = (x: Value, name: string) => net.maxPool(x, { kernel: 2, stride: 2 }, `${name}.pool`);
  const stem = net.conv(net.input, 16, { kernel: 3, stride: 2, bias: true, gain: 1 }, 'model0.conv1');
  let x = unit(net, net.relu(net.batchNorm(stem, epsilon, 'model0.bn1'), 'model0.relu1'), 16, 'model0.conv2');
  x = pair(net, halve(x, 'model0'), 64, 'model1');
  x = halve(pair(net, x, 64, 'model2'), 'model2');
  const features: Value[] = [];
  for (const index of [3, 4, 5]) {
    x = pair(net, x, 64, `model${index}`);
    features.push(x);
    if (index < 5) x = halve(x, `model${index}`);
  }
  // From the coarsest level down, each adds to the next finer one.
  for (let level = 2; level >= 0; level--) {
    features[level] = unit(net, features[level]!, 64, `neck.${level}`);
    if (level > 0)
      features[level - 1] = net.add(
        features[level - 1]!,
        net.upsample(features[level]!, 2, `neck.${level}.upsample`),
        `neck.${level}.add`,
      );
  }
  // Class, objectness, box and five landmarks of each place, joined, as an environment needs one output.
  const levels = features.map((feature, level) => {
    const shared = unit(net, feature, 64, `share.${level}`);
    const parts = (
      [
        ['cls', 1],
        ['obj', 1],
        ['bbox', 4],
        ['kps', 10],
      ] as const
    ).map(([kind, channels]) => {
      const value = unit(net, shared, channels, `${kind}.${level}`, true);
      const flat = net.reshape(
        net.transpose(value, [0, 2, 3, 1], `${kind}.${level}.last`),
        [value.shape[1]! * value.shape[2]!, channels],
        `${kind}.${level}.flat`,
      );
      return kind === 'cls' || kind === 'obj' ? net.sigmoid(flat, `${kind}.${level}.sigmoid`) : flat;
    });
    return net.concat(parts, 2, `level.${level}`);
  });
  return net.finish(net.concat(levels, 1, 'output'));
}
