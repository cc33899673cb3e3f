// The layers of random networks: convolutions with what follows them, drawn widths and strides, and names that are counted.
import { float } from '../../base/onnx/proto.js';
import { Rng } from '../../base/random/rng.js';
import type { NetworkSettings } from './entries.js';
import { Network, type Value } from './network.js';

export const epsilon = 1e-5;
export const widths = [16, 24, 32, 40, 48, 64, 96, 112, 128, 160, 192, 256, 320, 384, 512];
/** Images of fewer pixels are small: kernels take a few microseconds. */
const small = 128 ** 2;
/** For small images: MobileNet's (arXiv 1704.04861), and that of PaddleOCR's networks. */
const widthMultipliers = [0.5, 0.35, 0.25];
/** A layer of ResNet-50 has 231 million multiply-accumulates at most but for the stem, on images of 224 x 224. */
const mostMacs = 250e6;

export type Activation = 'relu' | 'relu6' | 'hardSwish' | 'hardSwishApart' | 'none';

export class RandomLayers {
  readonly net: Network;
  readonly random: Rng;
  /** An image wider than high, such as a line of text. */
  readonly wide: boolean;
  readonly #multiplier: number;
  readonly #mostMacs: number;
  #named = 0;

  constructor(settings: NetworkSettings, width: number, height: number) {
    this.random = Rng.of(settings.seed, settings.name, 'architecture');
    this.#multiplier = width * height < small ? this.pick(widthMultipliers) : 1;
    this.wide = width > height;
    this.#mostMacs = mostMacs * Math.min(1, (width * height) / 224 ** 2);
    this.net = new Network(settings, [3, height, width]);
  }

  conv(
    x: Value,
    channels: number,
    settings: { kernel: number; stride?: number; groups?: number; bias?: boolean },
    activation: Activation,
    normalised = true,
  ): Value {
    const stride = this.#steps(settings.stride ?? 1);
    const convolved = this.net.conv(x, channels, { bias: !normalised, ...settings, stride }, this.name('conv'));
    const y = normalised ? this.net.batchNorm(convolved, epsilon, this.name('bn')) : convolved;
    if (activation === 'none') return y;
    return activation === 'hardSwishApart' ? this.hardSwishApart(y) : this.net[activation](y, this.name(activation));
  }

  pool(x: Value, kind: 'maxPool' | 'averagePool', kernel: number, stride: number): Value {
    return this.net[kind](x, { kernel, stride: this.#steps(stride), padding: kernel >> 1 }, this.name('pool'));
  }

  concat(parts: readonly Value[]): Value {
    return this.net.concat(parts, 1, this.name('concat'));
  }

  /** AlexNet's and GoogLeNet's normalisation. */
  localResponse(x: Value): Value {
    const settings = { size: 5, alpha: float(1e-4), beta: float(0.75), bias: float(1) };
    return this.net.node('LRN', this.name('lrn'), [x], x.shape, settings);
  }

  squeezeAndExcite(x: Value): Value {
    const [channels = 0] = x.shape;
    const pooled = this.net.globalAveragePool(x, this.name('squeeze'));
    const reduced = this.conv(pooled, Math.max(8, channels >> 2), { kernel: 1, bias: true }, 'relu', false);
    const gate = this.net.conv(reduced, channels, { kernel: 1, bias: true }, this.name('excite'));
    return this.net.node('Mul', this.name('scaled'), [x, this.net.hardSigmoid(gate, this.name('gate'))], x.shape);
  }

  /** x * clip(x + 3, 0, 6) / 6, as exporters without the operator write it. */
  hardSwishApart(x: Value): Value {
    const shifted = this.constant('Add', x, 3);
    const bounds = [0, 6].map((bound) => this.net.scalar(this.name('bound'), bound));
    const clipped = this.net.node('Clip', this.name('clip'), [shifted, ...bounds], x.shape);
    return this.constant('Div', this.net.node('Mul', this.name('product'), [x, clipped], x.shape), 6);
  }

  /** Of two inputs, the second a constant of one element. */
  constant(opType: 'Add' | 'Div' | 'Mul', x: Value, value: number): Value {
    const name = this.name(opType.toLowerCase());
    return this.net.node(opType, name, [x, this.net.scalar(this.name('constant'), value)], x.shape);
  }

  /** Of the layer's output; small where its work would grow beyond that of published networks. */
  width({ shape: [channels = 0, height = 0, width = 0] }: Value, kernel: number): number {
    const affordable = widths.filter((each) => each * channels * height * width * kernel ** 2 <= this.#mostMacs);
    return this.channels(affordable.length > 0 ? affordable : [widths[0]!]);
  }

  /** One of the widths, multiplied, in multiples of 8 as MobileNets have it. */
  channels(of: readonly number[]): number {
    return Math.max(8, 8 * Math.round((this.#multiplier * this.pick(of)) / 8));
  }

  stride({ shape: [, height = 0] }: Value): number {
    const least = this.wide ? 4 : 14;
    return height >= least && this.random.uniform() < (height >= 2 * least ? 0.4 : 0.25) ? 2 : 1;
  }

  /** Down and across: after the first layer, what is wide stays as wide, as readers of text lines need it. */
  #steps(stride: number): readonly [number, number] {
    return [stride, this.wide && this.#named > 0 ? 1 : stride];
  }

  activation(): Activation {
    return this.pick(['relu', 'relu', 'relu6', 'hardSwish', 'none']);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.random.integer(items.length)]!;
  }

  name(layer: string): string {
    return `${layer}_${this.#named++}`;
  }
}
