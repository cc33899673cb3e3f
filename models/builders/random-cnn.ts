// Networks drawn at random from the blocks that published ones are made of, with widths, kernels and strides of the ranges
// seen there: what a cost model is calibrated on, so that it knows more shapes than a few networks hold. The seed decides the
// architecture as well as the weights.
import type { ModelProto } from '../../base/onnx/proto.js';
import { attention } from './attention.js';
import type { NetworkSettings } from './entries.js';
import type { Value } from './network.js';
import { randomBlock } from './random-blocks.js';
import { epsilon, RandomLayers } from './random-layers.js';

const blocks = 9;

/** A convolutional network, or one that ends as a transformer. */
export function randomCnn(settings: NetworkSettings, width: number, height: number): ModelProto {
  const layers = new RandomLayers(settings, width, height);
  let x = stem(layers);
  for (let block = 0; block < blocks; block++) x = randomBlock(layers, x);
  const attends = layers.random.uniform() < 0.25;
  return layers.net.finish(attends ? transformerTail(layers, x) : classifier(layers, x));
}

function stem(layers: RandomLayers): Value {
  const { net, random } = layers;
  const kernel = layers.pick([3, 5, 7]);
  const channels = layers.channels([16, 24, 32, 64, 96]);
  const first = layers.conv(net.input, channels, { kernel, stride: 2 }, layers.pick(['relu', 'hardSwish']));
  if (random.uniform() >= 0.6) return first;
  const pooled = layers.pool(first, 'maxPool', 3, 2);
  // AlexNet and GoogLeNet normalise in their stems.
  return random.uniform() < 0.5 ? layers.localResponse(pooled) : pooled;
}

function classifier(layers: RandomLayers, x: Value): Value {
  const { net } = layers;
  const pooled = net.flatten(net.globalAveragePool(x, layers.name('pooled')), layers.name('flat'));
  const scores = net.linear(pooled, layers.pick([10, 100, 1000]), layers.name('scores'));
  return layers.random.uniform() < 0.5 ? net.softmax(scores, layers.name('softmax')) : scores;
}

/** What is left of the image as tokens, and a block of a vision transformer (arXiv 2010.11929). */
function transformerTail(layers: RandomLayers, x: Value): Value {
  const { net } = layers;
  const width = layers.pick([64, 96, 128, 192, 256]);
  const [, height = 0, across = 0] = x.shape;
  const stride = Math.max(1, Math.ceil(height / 14));
  const patched = net.conv(x, width, { kernel: 1, stride, padding: 0 }, layers.name('patches'));
  const extent = (length: number): number => Math.floor((length - 1) / stride) + 1;
  const tokens = extent(height) * extent(across);
  const rows = net.reshape(patched, [width, tokens], layers.name('rows'));
  let y = net.transpose(rows, [0, 2, 1], layers.name('tokens'));
  for (let block = 0; block < 2; block++) {
    const normal = net.layerNorm(y, epsilon, layers.name('norm'));
    y = net.add(
      y,
      attention(net, normal, width / 32, layers.name('attention'), (s) => s),
      layers.name('add'),
    );
    const hidden = net.linear(net.layerNorm(y, epsilon, layers.name('norm')), 4 * width, layers.name('mlp'));
    const out = net.linear(net.gelu(hidden, layers.name('gelu')), width, layers.name('mlp'));
    y = net.add(y, out, layers.name('add'));
  }
  return net.softmax(net.layerNorm(y, epsilon, layers.name('norm')), layers.name('softmax'));
}
