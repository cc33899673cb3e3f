// An ONNX graph under construction (opset 17): nodes, constants and weights. Values know their shape without the batch, which
// stays free; weights are drawn from a generator named after them, so that a change to one layer leaves the weights of all
// others alone.
import {
  type AttributeValue,
  DataType,
  type ModelProto,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
} from '../../base/onnx/proto.js';
import { float32Tensor, int64Tensor } from '../../base/onnx/tensor-data.js';
import { Rng } from '../../base/random/rng.js';
import type { NetworkSettings } from './entries.js';
import { prune, uniformWeights } from './weights.js';

/** A tensor of the network: its name and its shape after the batch dimension. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
}

export class NetworkGraph {
  readonly #nodes: NodeProto[] = [];
  readonly #constants: TensorProto[] = [];
  readonly #input: Value;

  constructor(
    readonly settings: NetworkSettings,
    inputShape: readonly number[],
  ) {
    this.#input = { name: 'input', shape: inputShape };
  }

  get input(): Value {
    return this.#input;
  }

  /** Adds a node; its name and its output's are `name`. */
  node(
    opType: string,
    name: string,
    inputs: readonly (Value | string)[],
    shape: readonly number[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): Value {
    this.nodeOf(opType, inputs, [name], attributes);
    return { name, shape };
  }

  /** Adds a node of several outputs. */
  protected nodeOf(
    opType: string,
    inputs: readonly (Value | string)[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>>,
  ): void {
    const names = inputs.map((input) => (typeof input === 'string' ? input : input.name));
    this.#nodes.push(makeNode(opType, names, outputs, attributes));
  }

  /** A scalar constant. */
  scalar(name: string, value: number): string {
    return this.constant(float32Tensor(name, [], Float32Array.of(value)));
  }

  /** A single index. */
  index(name: string, value: number): string {
    return this.constant(int64Tensor(name, [], [value]));
  }

  /** Shapes, axes, lists of indices. */
  integers(name: string, values: readonly number[]): string {
    return this.constant(int64Tensor(name, [values.length], values));
  }

  /** A mask that is true where `values` is not 0. */
  mask(name: string, shape: readonly number[], values: Uint8Array): string {
    return this.constant(makeTensor(name, DataType.BOOL, shape, values));
  }

  /** A trainable tensor, uniform around `mean`. */
  parameter(
    name: string,
    shape: readonly number[],
    { mean = 0, deviation }: { mean?: number; deviation: number },
  ): string {
    return this.constant(float32Tensor(name, shape, uniformWeights(this.#rng(name), size(shape), mean, deviation)));
  }

  /** A trainable matrix or filter that pruning thins out; its products sum over `fanIn` elements. */
  protected kernel(name: string, shape: readonly number[], fanIn: number, gain: number): string {
    const weights = uniformWeights(this.#rng(name), size(shape), 0, Math.sqrt(gain / fanIn));
    prune(weights, this.settings.sparsity);
    return this.constant(float32Tensor(name, shape, weights));
  }

  /** The finished model; its batch dimension is free. */
  finish(output: Value): ModelProto {
    const batched = (value: Value) => makeValueInfo(value.name, DataType.FLOAT, ['batch', ...value.shape]);
    return makeModel(
      {
        name: this.settings.name,
        nodes: this.#nodes,
        inputs: [batched(this.#input)],
        outputs: [batched(output)],
        initializers: this.#constants,
      },
      { '': 17 },
      8,
    );
  }

  protected constant(tensor: TensorProto): string {
    this.#constants.push(tensor);
    return tensor.name;
  }

  #rng(tensor: string): Rng {
    return Rng.of(this.settings.seed, this.settings.name, tensor);
  }
}

export const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
