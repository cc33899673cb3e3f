// MobileNetV1 (Howard et al. 2017, arXiv 1704.04861), layer by layer as its table 1; MobileNetV2 (Sandler et al. 2018, arXiv
// 1801.04381) and MobileNetV3-small (Howard et al. 2019, arXiv 1905.02244), as torchvision's mobilenet_v2 and
// mobilenet_v3_small.
import type { ModelProto } from '../../base/onnx/proto.js';
import type { NetworkSettings } from './entries.js';
import { Network, type Value } from './network.js';

type Activation = 'relu' | 'relu6' | 'hardSwish';

interface Layer {
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
  /** None: a linear bottleneck. */
  readonly activation?: Activation;
  readonly epsilon: number;
}

function convNormActivation(net: Network, x: Value, channels: number, layer: Layer, name: string): Value {
  const { kernel, stride = 1, groups = 1, activation, epsilon } = layer;
  const value = net.batchNorm(net.conv(x, channels, { kernel, stride, groups }, `${name}.0`), epsilon, `${name}.1`);
  return activation ? net[activation](value, `${name}.2`) : value;
}

/** Output channels and stride of each depthwise and pointwise pair. */
const v1Pairs = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
] as const;

export function mobilenetV1(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  const layer = { kernel: 3, activation: 'relu', epsilon: 1e-3 } as const;
  let x = convNormActivation(net, net.input, 32, { ...layer, stride: 2 }, 'conv');
  v1Pairs.forEach(([channels, stride], index) => {
    const hidden = x.shape[0]!;
    x = convNormActivation(net, x, hidden, { ...layer, stride, groups: hidden }, `pairs.${index}.depthwise`);
    x = convNormActivation(net, x, channels, { ...layer, kernel: 1 }, `pairs.${index}.pointwise`);
  });
  return net.finish(net.linear(net.flatten(net.globalAveragePool(x, 'pool'), 'flatten'), 1000, 'fc'));
}

/** Expansion factor, output channels, repeats, stride of the first. */
const v2Stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

export function mobilenetV2(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  const layer = { kernel: 3, activation: 'relu6', epsilon: 1e-5 } as const;
  let x = convNormActivation(net, net.input, 32, { ...layer, stride: 2 }, 'features.0');
  let block = 1;
  for (const [expansion, channels, repeats, firstStride] of v2Stages) {
    for (let repeat = 0; repeat < repeats; repeat++, block++) {
      const name = `features.${block}`;
      const stride = repeat === 0 ? firstStride : 1;
      const hidden = x.shape[0]! * expansion;
      const expanded =
        expansion === 1 ? x : convNormActivation(net, x, hidden, { ...layer, kernel: 1 }, `${name}.expand`);
      const deep = convNormActivation(net, expanded, hidden, { ...layer, stride, groups: hidden }, `${name}.depthwise`);
      const thin = convNormActivation(net, deep, channels, { kernel: 1, epsilon: 1e-5 }, `${name}.project`);
      x = stride === 1 && x.shape[0] === channels ? net.add(x, thin, `${name}.add`) : thin;
    }
  }
  x = convNormActivation(net, x, 1280, { ...layer, kernel: 1 }, 'features.18');
  return net.finish(net.linear(net.flatten(net.globalAveragePool(x, 'pool'), 'flatten'), 1000, 'classifier.1'));
}

/** Kernel, expanded channels, output channels, squeeze-and-excitation, activation, stride. */
const v3SmallBlocks = [
  [3, 16, 16, true, 'relu', 2],
  [3, 72, 24, false, 'relu', 2],
  [3, 88, 24, false, 'relu', 1],
  [5, 96, 40, true, 'hardSwish', 2],
  [5, 240, 40, true, 'hardSwish', 1],
  [5, 240, 40, true, 'hardSwish', 1],
  [5, 120, 48, true, 'hardSwish', 1],
  [5, 144, 48, true, 'hardSwish', 1],
  [5, 288, 96, true, 'hardSwish', 2],
  [5, 576, 96, true, 'hardSwish', 1],
  [5, 576, 96, true, 'hardSwish', 1],
] as const;

export function mobilenetV3Small(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  const epsilon = 1e-3;
  let x = convNormActivation(
    net,
    net.input,
    16,
    { kernel: 3, stride: 2, activation: 'hardSwish', epsilon },
    'features.0',
  );
  v3SmallBlocks.forEach(([kernel, hidden, channels, excites, activation, stride], index) => {
    const name = `features.${index + 1}`;
    let inner = x;
    if (hidden !== x.shape[0])
      inner = convNormActivation(net, x, hidden, { kernel: 1, activation, epsilon }, `${name}.expand`);
    inner = convNormActivation(
      net,
      inner,
      hidden,
      { kernel, stride, groups: hidden, activation, epsilon },
      `${name}.depthwise`,
    );
    if (excites) inner = squeezeExcitation(net, inner, `${name}.se`);
    const thin = convNormActivation(net, inner, channels, { kernel: 1, epsilon }, `${name}.project`);
    x = stride === 1 && x.shape[0] === channels ? net.add(x, thin, `${name}.add`) : thin;
  });
  x = convNormActivation(net, x, 576, { kernel: 1, activation: 'hardSwish', epsilon }, 'features.12');
  const pooled = net.flatten(net.globalAveragePool(x, 'avgpool'), 'flatten');
  const hidden = net.hardSwish(net.linear(pooled, 1024, 'classifier.0', { gain: 2 }), 'classifier.1');
  return net.finish(net.linear(hidden, 1000, 'classifier.3', { gain: 2 }));
}

/** Channels weighted by a small network that sees their averages (Hu et al. 2017, arXiv 1709.01507). */
function squeezeExcitation(net: Network, x: Value, name: string): Value {
  const squeezed = net.conv(
    net.globalAveragePool(x, `${name}.avgpool`),
    divisibleBy8(Math.floor(x.shape[0]! / 4)),
    { kernel: 1, bias: true },
    `${name}.fc1`,
  );
  const scale = net.conv(
    net.relu(squeezed, `${name}.activation`),
    x.shape[0]!,
    { kernel: 1, bias: true },
    `${name}.fc2`,
  );
  return net.node('Mul', `${name}.mul`, [net.hardSigmoid(scale, `${name}.scale`), x], x.shape);
}

/** The nearest multiple of 8, at least 8, and not more than 10 % below (torchvision's _make_divisible). */
function divisibleBy8(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
