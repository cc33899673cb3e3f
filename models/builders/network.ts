// A network under construction, layer by layer, of standard ONNX operators: what each layer adds to the graph.
import { type AttributeValue, float } from '../../base/onnx/proto.js';
import { float32Tensor } from '../../base/onnx/tensor-data.js';
import { NetworkGraph, size, type Value } from './network-graph.js';

export type { Value };

export interface ConvSettings {
  readonly kernel: number;
  /** Of both directions, or down and across. */
  readonly stride?: number | readonly [number, number];
  /** kernel / 2 rounded down unless given. */
  readonly padding?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  /** Second moment of the output relative to the input's; 2 makes up for a rectifier before (He et al. 2015). */
  readonly gain?: number;
}

export interface PoolSettings {
  readonly kernel: number;
  /** Of both directions, or down and across. */
  readonly stride: number | readonly [number, number];
  /** 0 unless given. */
  readonly padding?: number;
}

export interface SliceSettings {
  readonly axes: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps?: readonly number[];
}

export class Network extends NetworkGraph {
  conv(x: Value, channels: number, settings: ConvSettings, name: string): Value {
    const { kernel, stride = 1, padding = Math.floor(kernel / 2), groups = 1, bias = false, gain = 2 } = settings;
    const [inChannels = 0, height = 0, width = 0] = x.shape;
    const perGroup = inChannels / groups;
    const shape = [channels, perGroup, kernel, kernel];
    const inputs = [x, this.kernel(`${name}.weight`, shape, perGroup * kernel * kernel, gain)];
    if (bias) inputs.push(this.parameter(`${name}.bias`, [channels], { deviation: 0.05 }));
    const { extents, attributes } = windows([height, width], kernel, stride, padding);
    return this.node('Conv', name, inputs, [channels, ...extents], {
      ...attributes,
      dilations: [1, 1],
      group: groups,
    });
  }

  /** Statistics near those of a layer that keeps its input's scale: mean 0, variance 1, so that nothing explodes. */
  batchNorm(x: Value, epsilon: number, name: string): Value {
    const shape = [x.shape[0]!];
    return this.node(
      'BatchNormalization',
      name,
      [
        x,
        this.parameter(`${name}.weight`, shape, { mean: 1, deviation: 0.1 }),
        this.parameter(`${name}.bias`, shape, { deviation: 0.1 }),
        this.parameter(`${name}.running_mean`, shape, { deviation: 0.1 }),
        this.parameter(`${name}.running_var`, shape, { mean: 1, deviation: 0.1 }),
      ],
      x.shape,
      { epsilon: float(epsilon) },
    );
  }

  layerNorm(x: Value, epsilon: number, name: string): Value {
    const shape = [x.shape.at(-1)!];
    const scale = this.parameter(`${name}.weight`, shape, { mean: 1, deviation: 0.1 });
    const shift = this.parameter(`${name}.bias`, shape, { deviation: 0.1 });
    return this.node('LayerNormalization', name, [x, scale, shift], x.shape, { axis: -1, epsilon: float(epsilon) });
  }

  /** A fully connected layer: Gemm on vectors, MatMul and Add on sequences of them. */
  linear(
    x: Value,
    features: number,
    name: string,
    { bias = true, gain = 1 }: { bias?: boolean; gain?: number } = {},
  ): Value {
    const depth = x.shape.at(-1)!;
    const shape = [...x.shape.slice(0, -1), features];
    const offset = (): string => this.parameter(`${name}.bias`, [features], { deviation: 0.02 });
    if (x.shape.length === 1) {
      const weight = this.kernel(`${name}.weight`, [features, depth], depth, gain);
      return this.node('Gemm', name, bias ? [x, weight, offset()] : [x, weight], shape, { transB: 1 });
    }
    const product = `${name}/product`;
    const weight = this.kernel(`${name}.weight`, [depth, features], depth, gain);
    const value = this.node('MatMul', bias ? product : name, [x, weight], shape);
    return bias ? this.node('Add', name, [value, offset()], shape) : value;
  }

  relu(x: Value, name: string): Value {
    return this.node('Relu', name, [x], x.shape);
  }

  relu6(x: Value, name: string): Value {
    return this.node('Clip', name, [x, this.scalar(`${name}.min`, 0), this.scalar(`${name}.max`, 6)], x.shape);
  }

  hardSwish(x: Value, name: string): Value {
    return this.node('HardSwish', name, [x], x.shape);
  }

  hardSigmoid(x: Value, name: string): Value {
    return this.node('HardSigmoid', name, [x], x.shape, { alpha: float(1 / 6), beta: float(0.5) });
  }

  /** x/2 (1 + erf(x / sqrt 2)) in the five operators that exporters write; ONNX Runtime fuses them. */
  gelu(x: Value, name: string): Value {
    const scaled = this.node('Div', `${name}/scaled`, [x, this.scalar(`${name}.root`, Math.SQRT2)], x.shape);
    const erf = this.node('Erf', `${name}/erf`, [scaled], x.shape);
    const shifted = this.node('Add', `${name}/shifted`, [erf, this.scalar(`${name}.one`, 1)], x.shape);
    const product = this.node('Mul', `${name}/product`, [x, shifted], x.shape);
    return this.node('Mul', name, [product, this.scalar(`${name}.half`, 0.5)], x.shape);
  }

  add(a: Value, b: Value | string, name: string): Value {
    return this.node('Add', name, [a, b], a.shape);
  }

  /** What Caffe's converters write for an addition. */
  sum(a: Value, b: Value, name: string): Value {
    return this.node('Sum', name, [a, b], a.shape);
  }

  sigmoid(x: Value, name: string): Value {
    return this.node('Sigmoid', name, [x], x.shape);
  }

  /** x sigmoid(x), also called swish (Ramachandran et al. 2017, arXiv 1710.05941). */
  silu(x: Value, name: string): Value {
    return this.node('Mul', name, [x, this.sigmoid(x, `${name}/sigmoid`)], x.shape);
  }

  maxPool(x: Value, settings: PoolSettings, name: string): Value {
    return this.#pool('MaxPool', x, settings, name);
  }

  averagePool(x: Value, settings: PoolSettings, name: string): Value {
    return this.#pool('AveragePool', x, settings, name);
  }

  #pool(opType: string, x: Value, { kernel, stride, padding = 0 }: PoolSettings, name: string): Value {
    const [channels = 0, height = 0, width = 0] = x.shape;
    const { extents, attributes } = windows([height, width], kernel, stride, padding);
    return this.node(opType, name, [x], [channels, ...extents], attributes);
  }

  /** Every pixel becomes a square of `factor` x `factor` like it. */
  upsample(x: Value, factor: number, name: string): Value {
    const [channels = 0, height = 0, width = 0] = x.shape;
    const scales = this.constant(float32Tensor(`${name}.scales`, [4], Float32Array.of(1, 1, factor, factor)));
    return this.node('Resize', name, [x, '', scales], [channels, height * factor, width * factor], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
  }

  globalAveragePool(x: Value, name: string): Value {
    return this.node('GlobalAveragePool', name, [x], [x.shape[0]!, 1, 1]);
  }

  flatten(x: Value, name: string): Value {
    return this.node('Flatten', name, [x], [size(x.shape)], { axis: 1 });
  }

  /** `axes` count the batch as 0. */
  transpose(x: Value, axes: readonly number[], name: string): Value {
    return this.node(
      'Transpose',
      name,
      [x],
      axes.slice(1).map((axis) => x.shape[axis - 1]!),
      { perm: [...axes] },
    );
  }

  /** The batch dimension takes what is left, so windows may move into it. */
  reshape(x: Value, shape: readonly number[], name: string): Value {
    return this.node('Reshape', name, [x, this.integers(`${name}.shape`, [-1, ...shape])], shape);
  }

  /** `axis` counts the batch as 0. */
  concat(parts: readonly Value[], axis: number, name: string): Value {
    const shape = [...parts[0]!.shape];
    shape[axis - 1] = parts.reduce((sum, part) => sum + part.shape[axis - 1]!, 0);
    return this.node('Concat', name, parts, shape, { axis });
  }

  /** Equal parts along the last axis, one per name. */
  split(x: Value, names: readonly string[]): readonly Value[] {
    const shape = [...x.shape.slice(0, -1), x.shape.at(-1)! / names.length];
    this.nodeOf('Split', [x], names, { axis: -1 });
    return names.map((name) => ({ name, shape }));
  }

  /** `axes` count the batch as 0. */
  slice(x: Value, { axes, starts, ends, steps = axes.map(() => 1) }: SliceSettings, name: string): Value {
    const shape = [...x.shape];
    axes.forEach((axis, index) => {
      shape[axis - 1] = Math.ceil((ends[index]! - starts[index]!) / steps[index]!);
    });
    const lists = Object.entries({ starts, ends, axes, steps }).map(([key, list]) =>
      this.integers(`${name}.${key}`, list),
    );
    return this.node('Slice', name, [x, ...lists], shape);
  }

  matmul(a: Value, b: Value, name: string): Value {
    return this.node('MatMul', name, [a, b], [...a.shape.slice(0, -1), b.shape.at(-1)!]);
  }

  /** `axis` counts the batch as 0. */
  softmax(x: Value, name: string, axis = -1): Value {
    return this.node('Softmax', name, [x], x.shape, { axis });
  }
}

/** Where a square window goes, and to how many places down and across. */
function windows(
  [height, width]: readonly [number, number],
  kernel: number,
  stride: number | readonly [number, number],
  padding: number,
): { extents: [number, number]; attributes: Readonly<Record<string, AttributeValue>> } {
  const [down, across] = typeof stride === 'number' ? [stride, stride] : stride;
  const reach = (extent: number, step: number): number => Math.floor((extent + 2 * padding - kernel) / step) + 1;
  return {
    extents: [reach(height, down), reach(width, across)],
    attributes: {
      kernel_shape: [kernel, kernel],
      strides: [down, across],
      pads: [padding, padding, padding, padding],
    },
  };
}
