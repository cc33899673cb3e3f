// The blocks of published convolutional networks, with widths, kernels and strides drawn at random.
import type { Value } from './network.js';
import { type Activation, type RandomLayers, widths } from './random-layers.js';

type Block = (layers: RandomLayers, x: Value) => Value;

/** A block that fits behind `x`, each of them as likely. */
export function randomBlock(layers: RandomLayers, x: Value): Value {
  const [channels = 0, extent = 0] = x.shape;
  const draws: Block[] = [plain, fire, inception, bottleneck, basic, inverted, inverted, affine, hourglass];
  if (channels % 24 === 0) draws.push(() => shuffle(layers, x, 3));
  if (channels % 16 === 0) draws.push(() => shuffle(layers, x, layers.pick([2, 4])));
  if (channels <= 256 && extent >= 14) draws.push(() => layers.localResponse(x));
  if (extent >= 10)
    draws.push(() => layers.pool(x, layers.pick(['maxPool', 'averagePool'] as const), layers.pick([2, 3]), 2));
  return layers.pick(draws)(layers, x);
}

/** VGG, and the layers between blocks of others. */
function plain(layers: RandomLayers, x: Value): Value {
  const kernel = layers.pick([1, 3, 3, 5]);
  return layers.conv(x, layers.width(x, kernel), { kernel, stride: layers.stride(x) }, layers.activation());
}

/** SqueezeNet (arXiv 1602.07360). */
function fire(layers: RandomLayers, x: Value): Value {
  const squeezed = layers.conv(x, layers.channels([16, 24, 32, 48, 64]), { kernel: 1 }, 'relu', false);
  const width = layers.channels([32, 64, 96, 128, 192, 256]);
  return layers.concat([1, 3].map((kernel) => layers.conv(squeezed, width, { kernel }, 'relu', false)));
}

/** GoogLeNet (arXiv 1409.4842). */
function inception(layers: RandomLayers, x: Value): Value {
  const branch = (kernel: number): Value =>
    layers.conv(
      layers.conv(x, layers.channels([16, 24, 32, 64, 96, 128]), { kernel: 1 }, 'relu', false),
      layers.channels(kernel === 3 ? [64, 96, 128, 192, 256] : [32, 48, 64, 96]),
      { kernel },
      'relu',
      false,
    );
  const pooled = layers.pool(x, 'maxPool', 3, 1);
  return layers.concat([
    layers.conv(x, layers.channels([64, 96, 128, 160]), { kernel: 1 }, 'relu', false),
    branch(3),
    branch(5),
    layers.conv(pooled, layers.channels([32, 64, 96]), { kernel: 1 }, 'relu', false),
  ]);
}

/** ResNet-50 (arXiv 1512.03385). */
function bottleneck(layers: RandomLayers, x: Value): Value {
  const inner = layers.channels([32, 48, 64, 96, 128]);
  const stride = layers.stride(x);
  const out = stride === 1 && layers.random.uniform() < 0.6 ? x.shape[0]! : 4 * inner;
  const reduced = layers.conv(x, inner, { kernel: 1 }, 'relu');
  const middle = layers.conv(reduced, inner, { kernel: 3, stride }, 'relu');
  return residual(layers, x, layers.conv(middle, out, { kernel: 1 }, 'none'), stride);
}

/** ResNet-18. */
function basic(layers: RandomLayers, x: Value): Value {
  const stride = layers.stride(x);
  const out = stride === 1 && x.shape[0]! <= 256 ? x.shape[0]! : layers.width(x, 3);
  const first = layers.conv(x, out, { kernel: 3, stride }, 'relu');
  return residual(layers, x, layers.conv(first, out, { kernel: 3 }, 'none'), stride);
}

function residual(layers: RandomLayers, x: Value, y: Value, stride: number): Value {
  const same = x.shape.join() === y.shape.join();
  const shortcut = same ? x : layers.conv(x, y.shape[0]!, { kernel: 1, stride }, 'none');
  const sum = layers.net.node(layers.pick(['Add', 'Add', 'Sum']), layers.name('add'), [y, shortcut], y.shape);
  return layers.net.relu(sum, layers.name('relu'));
}

/** MobileNetV2 (arXiv 1801.04381) and V3 (arXiv 1905.02244), with squeeze and excitation in some. */
function inverted(layers: RandomLayers, x: Value): Value {
  const [channels = 0] = x.shape;
  const activation = layers.pick<Activation>(['relu', 'relu6', 'hardSwish', 'hardSwishApart']);
  const expanded = layers.conv(x, Math.min(768, channels * layers.pick([2, 3, 4, 6])), { kernel: 1 }, activation);
  const stride = layers.stride(x);
  const groups = expanded.shape[0]!;
  let y = layers.conv(expanded, groups, { kernel: layers.pick([3, 3, 5]), stride, groups }, activation);
  if (layers.random.uniform() < 0.4) y = layers.squeezeAndExcite(y);
  const out = stride === 1 && layers.random.uniform() < 0.6 ? channels : layers.channels(widths.slice(0, 9));
  const projected = layers.conv(y, out, { kernel: 1 }, 'none');
  return stride === 1 && out === channels ? layers.net.add(projected, x, layers.name('add')) : projected;
}

/** PP-LCNet (arXiv 2109.15099) with a learned scale and shift before and after activations, as PaddleOCR's fourth version has. */
function affine(layers: RandomLayers, x: Value): Value {
  const [groups = 0] = x.shape;
  const deep = layers.conv(x, groups, { kernel: layers.pick([3, 5]), stride: layers.stride(x), groups }, 'none');
  const wide = layers.conv(between(layers, deep), layers.width(deep, 1), { kernel: 1 }, 'none');
  return between(layers, wide);
}

function between(layers: RandomLayers, x: Value): Value {
  const learned = (value: Value): Value => {
    const scaled = layers.constant('Mul', value, 1 + 0.1 * layers.random.uniform());
    return layers.constant('Add', scaled, 0.1 * layers.random.uniform());
  };
  return learned(layers.hardSwishApart(learned(x)));
}

/** Down and up again, as feature pyramids do (arXiv 1612.03144), beside what keeps the resolution. */
function hourglass(layers: RandomLayers, x: Value): Value {
  const [, height = 0, width = 0] = x.shape;
  if (layers.wide || height < 14 || height % 2 === 1 || width % 2 === 1) return plain(layers, x);
  const activation = layers.activation();
  const down = layers.conv(x, layers.width(x, 3), { kernel: 3, stride: 2 }, activation);
  const up = layers.net.upsample(down, 2, layers.name('up'));
  const beside = layers.conv(x, up.shape[0]!, { kernel: 1 }, 'none');
  return layers.random.uniform() < 0.5 ? layers.concat([up, beside]) : layers.net.add(up, beside, layers.name('add'));
}

/** ShuffleNet (arXiv 1707.01083). */
function shuffle(layers: RandomLayers, x: Value, groups: number): Value {
  const [channels = 0, height = 0, width = 0] = x.shape;
  const first = layers.conv(x, channels, { kernel: 1, groups }, 'relu');
  const split = layers.net.reshape(first, [groups, channels / groups, height, width], layers.name('split'));
  const mixed = layers.net.transpose(split, [0, 2, 1, 3, 4], layers.name('mixed'));
  const shuffled = layers.net.reshape(mixed, [channels, height, width], layers.name('shuffled'));
  const stride = layers.stride(x);
  const deep = layers.conv(shuffled, channels, { kernel: 3, stride, groups: channels }, 'none');
  const last = layers.conv(deep, channels, { kernel: 1, groups }, 'none');
  if (stride === 1)
    return layers.net.relu(layers.net.node('Sum', layers.name('sum'), [last, x], x.shape), layers.name('relu'));
  return layers.net.relu(layers.concat([last, layers.pool(x, 'averagePool', 3, 2)]), layers.name('relu'));
}
