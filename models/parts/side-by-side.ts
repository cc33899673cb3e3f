// A model of independent units: each reads its inputs from graph inputs, with the values that the network computes there. So a
// unit that a device computes wrongly does not affect the others.
import type { NodeProto } from '../../base/onnx/proto.js';
import type { OperatorGraph, TensorInfo } from '../graph.js';
import { boundary, type SliceSource, type SubModel, subModel, unitNodes } from './slice.js';

const prefix = 'made/';

export interface SideBySide extends SubModel {
  /** The model's output for a tensor that one of the units writes. */
  readonly outputOf: (tensor: string) => string;
}

/** @throws InputError when a tensor that a unit reads or writes is of a kind that cannot be handed over */
export function unitsSideBySide(source: SliceSource, graph: OperatorGraph, ids: readonly number[]): SideBySide {
  const inputs = new Map<number, TensorInfo>();
  const outputs: TensorInfo[] = [];
  const nodes: NodeProto[] = [];
  for (const id of ids) {
    const own = unitNodes(source, graph, id);
    const made = new Set(own.flatMap(({ output }) => output));
    const renamed = (name: string): string => (made.has(name) ? prefix + name : name);
    nodes.push(...own.map((node) => ({ ...node, input: node.input.map(renamed), output: node.output.map(renamed) })));
    const { inputs: read, outputs: written } = boundary(graph, [id]);
    for (const tensor of read) inputs.set(tensor.id, tensor);
    outputs.push(...written.map((tensor) => ({ ...tensor, name: prefix + tensor.name })));
  }
  return { ...subModel(source, nodes, [...inputs.values()], outputs), outputOf: (tensor) => prefix + tensor };
}

/** The whole model, with these tensors as its outputs; none of them a graph input. */
export function withOutputs(source: SliceSource, graph: OperatorGraph, tensors: readonly TensorInfo[]): SubModel {
  const inputs = graph.tensors.filter(({ producer }) => producer === null);
  return subModel(source, source.model.graph!.node, inputs, tensors);
}
