// Trainable parameters of a model as it was exported: every constant that training adjusts, counted before ONNX Runtime
// merges any of them.
import type { GraphProto, NodeProto, TensorProto } from '../../base/onnx/proto.js';
import { elementCount, numbersOf } from '../../base/onnx/tensor-data.js';
import { graphsWithin } from './node-view.js';
import { quantisationOf } from './quantisation.js';
import { isWeight } from './zeros.js';

/** Inputs that training does not adjust: running statistics (mean and variance), regions and scales of a resize. */
const untrained: ReadonlyMap<string, readonly number[]> = new Map([
  ['BatchNormalization', [3, 4]],
  ['Resize', [1, 2]],
]);

/** Weights wherever they stand (initialisers, Constant, ConstantOfShape), without running statistics and what quantisers are set to. */
export function countParameters(graph: GraphProto): number {
  let total = 0;
  for (const inner of graphsWithin(graph)) {
    const sizes = new Map<string, number>();
    const shapes = new Map<string, TensorProto>();
    const add = (name: string, tensor: TensorProto): void => {
      shapes.set(name, tensor);
      if (isWeight(tensor)) sizes.set(name, elementCount(tensor.dims));
    };
    for (const tensor of inner.initializer) add(tensor.name, tensor);
    for (const node of inner.node) {
      const value =
        node.opType === 'Constant' ? node.attribute.find((attribute) => attribute.name === 'value')?.t : null;
      if (value) add(node.output[0]!, value);
    }
    for (const node of inner.node) {
      const count = node.opType === 'ConstantOfShape' ? filledElements(node, shapes) : 0;
      if (count > 1) sizes.set(node.output[0]!, count);
    }
    for (const node of inner.node)
      for (const input of untrained.get(node.opType) ?? []) sizes.delete(node.input[input] ?? '');
    const { settings, biases } = quantisationOf(inner);
    for (const name of settings) sizes.delete(name);
    for (const name of biases) sizes.set(name, elementCount(shapes.get(name)!.dims));
    for (const size of sizes.values()) total += size;
  }
  return total;
}

/** Elements of a float ConstantOfShape whose shape is constant; 0 for others. */
function filledElements(node: NodeProto, constants: ReadonlyMap<string, TensorProto>): number {
  const shape = constants.get(node.input[0] ?? '');
  const value = node.attribute.find((attribute) => attribute.name === 'value')?.t;
  const isFloat = !value || isWeight({ ...value, dims: [2n] });
  return shape && isFloat ? [...(numbersOf(shape) ?? [0])].reduce((a, b) => a * b, 1) : 0;
}
