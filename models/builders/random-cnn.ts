// Networks drawn at random from the blocks that published ones are made of, with widths, kernels and strides of the ranges
// seen there: what a cost model is calibrated on, so that it knows more shapes than a few networks hold. The seed decides the
// architecture as well as the weights.
import type { ModelProto } from '../../base/onnx/proto.js';
import { float } from '../../base/onnx/proto.js';
import { Stream } from '../../base/random/stream.js';
import { attention } from './attention.js';
import { Network, type NetworkSettings, type Value } from './network.js';

const epsilon = 1e-5;
const widths = [16, 24, 32, 40, 48, 64, 96, 112, 128, 160, 192, 256, 320, 384, 512];
const blocks = 9;
/** Images of fewer pixels are small: kernels take a few microseconds. */
const small = 128 ** 2;
/** For small images: MobileNet's (arXiv 1704.04861), and that of PaddleOCR's networks. */
const widthMultipliers = [0.5, 0.35, 0.25];

type Activation = 'relu' | 'relu6' | 'hardSwish' | 'hardSwishApart' | 'none';

/** A convolutional network, or one that ends as a transformer. */
export function randomCnn(settings: NetworkSettings, width: number, height: number): ModelProto {
  return new RandomCnn(settings, width, height).build();
}

class RandomCnn {
  readonly #net: Network;
  readonly #random: Stream;
  readonly #multiplier: number;
  readonly #wide: boolean;
  readonly #mostMacs: number;
  #x: Value;
  #layers = 0;

  constructor(settings: NetworkSettings, width: number, height: number) {
    this.#random = Stream.of(settings.seed, settings.name, 'architecture');
    this.#multiplier = width * height < small ? this.#pick(widthMultipliers) : 1;
    this.#wide = width > height;
    this.#mostMacs = mostMacs * Math.min(1, (width * height) / 224 ** 2);
    this.#net = new Network(settings, [3, height, width]);
    this.#x = this.#net.input;
  }

  build(): ModelProto {
    const kernel = this.#pick([3, 5, 7]);
    this.#x = this.#conv(
      this.#x,
      this.#channels([16, 24, 32, 64, 96]),
      { kernel, stride: 2 },
      this.#pick(['relu', 'hardSwish']),
    );
    if (this.#random.uniform() < 0.6) {
      this.#x = this.#pool(this.#x, 'MaxPool', 3, 2);
      // AlexNet and GoogLeNet normalise in their stems.
      if (this.#random.uniform() < 0.5) this.#x = this.#localResponse(this.#x);
    }
    for (let block = 0; block < blocks; block++) this.#x = this.#block(this.#x);
    const attends = this.#random.uniform() < 0.25;
    return this.#net.finish(attends ? this.#transformerTail(this.#x) : this.#classifier(this.#x));
  }

  #block(x: Value): Value {
    const [channels = 0, extent = 0] = x.shape;
    const draws: ((x: Value) => Value)[] = [
      (at) => this.#plain(at),
      (at) => this.#fire(at),
      (at) => this.#inception(at),
      (at) => this.#bottleneck(at),
      (at) => this.#basic(at),
      (at) => this.#inverted(at),
      (at) => this.#inverted(at),
      (at) => this.#affine(at),
      (at) => this.#hourglass(at),
    ];
    if (channels % 24 === 0) draws.push((at) => this.#shuffle(at, 3));
    if (channels % 16 === 0) draws.push((at) => this.#shuffle(at, this.#pick([2, 4])));
    if (channels <= 256 && extent >= 14) draws.push((at) => this.#localResponse(at));
    if (extent >= 10) draws.push((at) => this.#pool(at, this.#pick(['MaxPool', 'AveragePool']), this.#pick([2, 3]), 2));
    return this.#pick(draws)(x);
  }

  /** VGG, and the layers between blocks of others. */
  #plain(x: Value): Value {
    const kernel = this.#pick([1, 3, 3, 5]);
    return this.#conv(x, this.#width(x, kernel), { kernel, stride: this.#stride(x) }, this.#activation());
  }

  /** SqueezeNet (arXiv 1602.07360). */
  #fire(x: Value): Value {
    const squeezed = this.#conv(x, this.#channels([16, 24, 32, 48, 64]), { kernel: 1 }, 'relu', false);
    const width = this.#channels([32, 64, 96, 128, 192, 256]);
    return this.#concat([1, 3].map((kernel) => this.#conv(squeezed, width, { kernel }, 'relu', false)));
  }

  /** GoogLeNet (arXiv 1409.4842). */
  #inception(x: Value): Value {
    const branch = (kernel: number): Value =>
      this.#conv(
        this.#conv(x, this.#channels([16, 24, 32, 64, 96, 128]), { kernel: 1 }, 'relu', false),
        this.#channels(kernel === 3 ? [64, 96, 128, 192, 256] : [32, 48, 64, 96]),
        { kernel },
        'relu',
        false,
      );
    const pooled = this.#pool(x, 'MaxPool', 3, 1);
    return this.#concat([
      this.#conv(x, this.#channels([64, 96, 128, 160]), { kernel: 1 }, 'relu', false),
      branch(3),
      branch(5),
      this.#conv(pooled, this.#channels([32, 64, 96]), { kernel: 1 }, 'relu', false),
    ]);
  }

  /** ResNet-50 (arXiv 1512.03385). */
  #bottleneck(x: Value): Value {
    const inner = this.#channels([32, 48, 64, 96, 128]);
    const stride = this.#stride(x);
    const out = stride === 1 && this.#random.uniform() < 0.6 ? x.shape[0]! : 4 * inner;
    const reduced = this.#conv(x, inner, { kernel: 1 }, 'relu');
    const middle = this.#conv(reduced, inner, { kernel: 3, stride }, 'relu');
    return this.#residual(x, this.#conv(middle, out, { kernel: 1 }, 'none'), stride);
  }

  /** ResNet-18. */
  #basic(x: Value): Value {
    const stride = this.#stride(x);
    const out = stride === 1 && x.shape[0]! <= 256 ? x.shape[0]! : this.#width(x, 3);
    const first = this.#conv(x, out, { kernel: 3, stride }, 'relu');
    return this.#residual(x, this.#conv(first, out, { kernel: 3 }, 'none'), stride);
  }

  #residual(x: Value, y: Value, stride: number): Value {
    const same = x.shape.join() === y.shape.join();
    const shortcut = same ? x : this.#conv(x, y.shape[0]!, { kernel: 1, stride }, 'none');
    const sum = this.#net.node(this.#pick(['Add', 'Add', 'Sum']), this.#name('add'), [y, shortcut], y.shape);
    return this.#net.relu(sum, this.#name('relu'));
  }

  /** MobileNetV2 (arXiv 1801.04381) and V3 (arXiv 1905.02244), with squeeze and excitation in some. */
  #inverted(x: Value): Value {
    const [channels = 0] = x.shape;
    const activation = this.#pick<Activation>(['relu', 'relu6', 'hardSwish', 'hardSwishApart']);
    const expanded = this.#conv(x, Math.min(768, channels * this.#pick([2, 3, 4, 6])), { kernel: 1 }, activation);
    const stride = this.#stride(x);
    const groups = expanded.shape[0]!;
    let y = this.#conv(expanded, groups, { kernel: this.#pick([3, 3, 5]), stride, groups }, activation);
    if (this.#random.uniform() < 0.4) y = this.#squeezeAndExcite(y);
    const out = stride === 1 && this.#random.uniform() < 0.6 ? channels : this.#channels(widths.slice(0, 9));
    const projected = this.#conv(y, out, { kernel: 1 }, 'none');
    return stride === 1 && out === channels ? this.#net.add(projected, x, this.#name('add')) : projected;
  }

  /** PP-LCNet (arXiv 2109.15099) with a learned scale and shift before and after activations, as PaddleOCR's fourth version has. */
  #affine(x: Value): Value {
    const [groups = 0] = x.shape;
    const deep = this.#conv(x, groups, { kernel: this.#pick([3, 5]), stride: this.#stride(x), groups }, 'none');
    const wide = this.#conv(this.#between(deep), this.#width(deep, 1), { kernel: 1 }, 'none');
    return this.#between(wide);
  }

  #between(x: Value): Value {
    const learned = (value: Value): Value => {
      const scaled = this.#binary('Mul', value, 1 + 0.1 * this.#random.uniform());
      return this.#binary('Add', scaled, 0.1 * this.#random.uniform());
    };
    return learned(this.#hardSwishApart(learned(x)));
  }

  /** x * clip(x + 3, 0, 6) / 6, as exporters without the operator write it. */
  #hardSwishApart(x: Value): Value {
    const shifted = this.#binary('Add', x, 3);
    const bounds = [0, 6].map((bound) => this.#net.scalar(this.#name('bound'), bound));
    const clipped = this.#net.node('Clip', this.#name('clip'), [shifted, ...bounds], x.shape);
    return this.#binary('Div', this.#net.node('Mul', this.#name('product'), [x, clipped], x.shape), 6);
  }

  /** With a constant of one element. */
  #binary(opType: string, x: Value, constant: number): Value {
    return this.#net.node(
      opType,
      this.#name(opType.toLowerCase()),
      [x, this.#net.scalar(this.#name('constant'), constant)],
      x.shape,
    );
  }

  /** Down and up again, as feature pyramids do (arXiv 1612.03144), beside what keeps the resolution. */
  #hourglass(x: Value): Value {
    const [, height = 0, width = 0] = x.shape;
    if (this.#wide || height < 14 || height % 2 === 1 || width % 2 === 1) return this.#plain(x);
    const activation = this.#activation();
    const down = this.#conv(x, this.#width(x, 3), { kernel: 3, stride: 2 }, activation);
    const up = this.#net.upsample(down, 2, this.#name('up'));
    const beside = this.#conv(x, up.shape[0]!, { kernel: 1 }, 'none');
    return this.#random.uniform() < 0.5 ? this.#concat([up, beside]) : this.#net.add(up, beside, this.#name('add'));
  }

  #squeezeAndExcite(x: Value): Value {
    const [channels = 0] = x.shape;
    const pooled = this.#net.globalAveragePool(x, this.#name('squeeze'));
    const reduced = this.#conv(pooled, Math.max(8, channels >> 2), { kernel: 1, bias: true }, 'relu', false);
    const gate = this.#net.conv(reduced, channels, { kernel: 1, bias: true }, this.#name('excite'));
    return this.#net.node('Mul', this.#name('scaled'), [x, this.#net.hardSigmoid(gate, this.#name('gate'))], x.shape);
  }

  /** ShuffleNet (arXiv 1707.01083). */
  #shuffle(x: Value, groups: number): Value {
    const [channels = 0, height = 0, width = 0] = x.shape;
    const first = this.#conv(x, channels, { kernel: 1, groups }, 'relu');
    const split = this.#net.reshape(first, [groups, channels / groups, height, width], this.#name('split'));
    const mixed = this.#net.transpose(split, [0, 2, 1, 3, 4], this.#name('mixed'));
    const shuffled = this.#net.reshape(mixed, [channels, height, width], this.#name('shuffled'));
    const stride = this.#stride(x);
    const deep = this.#conv(shuffled, channels, { kernel: 3, stride, groups: channels }, 'none');
    const last = this.#conv(deep, channels, { kernel: 1, groups }, 'none');
    if (stride === 1)
      return this.#net.relu(this.#net.node('Sum', this.#name('sum'), [last, x], x.shape), this.#name('relu'));
    return this.#net.relu(this.#concat([last, this.#pool(x, 'AveragePool', 3, 2)]), this.#name('relu'));
  }

  /** AlexNet's and GoogLeNet's normalisation. */
  #localResponse(x: Value): Value {
    const settings = { size: 5, alpha: float(1e-4), beta: float(0.75), bias: float(1) };
    return this.#net.node('LRN', this.#name('lrn'), [x], x.shape, settings);
  }

  #pool(x: Value, opType: string, kernel: number, stride: number): Value {
    const padding = kernel >> 1;
    const reach = (extent: number, step: number): number => Math.floor((extent + 2 * padding - kernel) / step) + 1;
    const [channels = 0, height = 0, width = 0] = x.shape;
    const [down, across] = this.#steps(stride);
    return this.#net.node(opType, this.#name('pool'), [x], [channels, reach(height, down), reach(width, across)], {
      kernel_shape: [kernel, kernel],
      strides: [down, across],
      pads: [padding, padding, padding, padding],
    });
  }

  #classifier(x: Value): Value {
    const pooled = this.#net.flatten(this.#net.globalAveragePool(x, this.#name('pooled')), this.#name('flat'));
    const scores = this.#net.linear(pooled, this.#pick([10, 100, 1000]), this.#name('scores'));
    return this.#random.uniform() < 0.5 ? this.#net.softmax(scores, this.#name('softmax')) : scores;
  }

  /** What is left of the image as tokens, and a block of a vision transformer (arXiv 2010.11929). */
  #transformerTail(x: Value): Value {
    const width = this.#pick([64, 96, 128, 192, 256]);
    const [, height = 0, across = 0] = x.shape;
    const stride = Math.max(1, Math.ceil(height / 14));
    const patched = this.#net.conv(x, width, { kernel: 1, stride, padding: 0 }, this.#name('patches'));
    const extent = (length: number): number => Math.floor((length - 1) / stride) + 1;
    const tokens = extent(height) * extent(across);
    const rows = this.#net.reshape(patched, [width, tokens], this.#name('rows'));
    let y = this.#net.transpose(rows, [0, 2, 1], this.#name('tokens'));
    for (let block = 0; block < 2; block++) {
      const normal = this.#net.layerNorm(y, epsilon, this.#name('norm'));
      y = this.#net.add(
        y,
        attention(this.#net, normal, width / 32, this.#name('attention'), (s) => s),
        this.#name('add'),
      );
      const hidden = this.#net.linear(
        this.#net.layerNorm(y, epsilon, this.#name('norm')),
        4 * width,
        this.#name('mlp'),
      );
      const out = this.#net.linear(this.#net.gelu(hidden, this.#name('gelu')), width, this.#name('mlp'));
      y = this.#net.add(y, out, this.#name('add'));
    }
    return this.#net.softmax(this.#net.layerNorm(y, epsilon, this.#name('norm')), this.#name('softmax'));
  }

  #conv(
    x: Value,
    channels: number,
    settings: { kernel: number; stride?: number; groups?: number; bias?: boolean },
    activation: Activation,
    normalised = true,
  ): Value {
    const stride = this.#steps(settings.stride ?? 1);
    const convolved = this.#net.conv(x, channels, { bias: !normalised, ...settings, stride }, this.#name('conv'));
    const y = normalised ? this.#net.batchNorm(convolved, epsilon, this.#name('bn')) : convolved;
    if (activation === 'none') return y;
    return activation === 'hardSwishApart' ? this.#hardSwishApart(y) : this.#net[activation](y, this.#name(activation));
  }

  #concat(parts: readonly Value[]): Value {
    return this.#net.concat(parts, 1, this.#name('concat'));
  }

  /** Of the layer's output; small where its work would grow beyond that of published networks. */
  #width({ shape: [channels = 0, height = 0, width = 0] }: Value, kernel: number): number {
    const affordable = widths.filter((each) => each * channels * height * width * kernel ** 2 <= this.#mostMacs);
    return this.#channels(affordable.length > 0 ? affordable : [widths[0]!]);
  }

  /** One of the widths, multiplied, in multiples of 8 as MobileNets have it. */
  #channels(of: readonly number[]): number {
    return Math.max(8, 8 * Math.round((this.#multiplier * this.#pick(of)) / 8));
  }

  #stride({ shape: [, height = 0] }: Value): number {
    const least = this.#wide ? 4 : 14;
    return height >= least && this.#random.uniform() < (height >= 2 * least ? 0.4 : 0.25) ? 2 : 1;
  }

  /** Down and across: after the first layer, what is wide stays as wide, as readers of text lines need it. */
  #steps(stride: number): readonly [number, number] {
    return [stride, this.#wide && this.#layers > 0 ? 1 : stride];
  }

  #activation(): Activation {
    return this.#pick(['relu', 'relu', 'relu6', 'hardSwish', 'none']);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.integer(items.length)]!;
  }

  #name(layer: string): string {
    return `${layer}_${this.#layers++}`;
  }
}

/** A layer of ResNet-50 has 231 million multiply-accumulates at most but for the stem, on images of 224 x 224. */
const mostMacs = 250e6;
