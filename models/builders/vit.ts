// ViT-B/16 (Dosovitskiy et al. 2020, arXiv 2010.11929), layer by layer as torchvision's vit_b_16.
import type { ModelProto } from '../../base/onnx/proto.js';
import { attention } from './attention.js';
import type { NetworkSettings } from './entries.js';
import { Network, type Value } from './network.js';

const patch = 16;
const width = 768;
const mlpWidth = 3072;
const heads = 12;
const layers = 12;
const epsilon = 1e-6;

export function vitB16(settings: NetworkSettings, size: number): ModelProto {
  const net = new Network(settings, [3, size, size]);
  const patches = (size / patch) ** 2;
  const projected = net.conv(
    net.input,
    width,
    { kernel: patch, stride: patch, padding: 0, bias: true, gain: 1 },
    'conv_proj',
  );
  const sequence = net.transpose(net.reshape(projected, [width, patches], 'patches'), [0, 2, 1], 'patches.transposed');
  const withClass = net.concat([classToken(net), sequence], 1, 'with_class');
  const position = net.parameter('encoder.pos_embedding', [1, patches + 1, width], { deviation: 0.02 });
  let x = net.add(withClass, position, 'embedded');
  for (let layer = 0; layer < layers; layer++) x = encoderLayer(net, x, `encoder.layers.${layer}`);
  const encoded = net.layerNorm(x, epsilon, 'encoder.ln');
  const first = net.node('Gather', 'class', [encoded, net.index('class.index', 0)], [width], { axis: 1 });
  return net.finish(net.linear(first, 1000, 'heads.head'));
}

/** One learnt vector, once per sample of the batch: expanded to a shape that folds away when the batch is bound. */
function classToken(net: Network): Value {
  const token = net.parameter('class_token', [1, 1, width], { deviation: 0.02 });
  const batch = net.node('Shape', 'batch', [net.input], [], { start: 0, end: 1 });
  const shape = net.node('Concat', 'class_token.shape', [batch, net.integers('class_token.rest', [1, width])], [], {
    axis: 0,
  });
  return net.node('Expand', 'class_token.expanded', [token, shape], [1, width]);
}

function encoderLayer(net: Network, x: Value, name: string): Value {
  const normed = net.layerNorm(x, epsilon, `${name}.ln_1`);
  const attended = attention(net, normed, heads, `${name}.self_attention`, (scores) => scores);
  const residual = net.add(attended, x, `${name}.add_1`);
  const hidden = net.linear(net.layerNorm(residual, epsilon, `${name}.ln_2`), mlpWidth, `${name}.mlp.0`);
  const mlp = net.linear(net.gelu(hidden, `${name}.mlp.1`), width, `${name}.mlp.3`, { gain: 2 });
  return net.add(mlp, residual, `${name}.add_2`);
}
