// From a graph to an ONNX model.
import {
  encodeModel,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
} from '../base/onnx/proto.js';
import { constantOf, elementCode, type Graph, type Node, type Value } from './graph.js';

/** Opset 18 gives reductions their axes as inputs; IR version 8 goes with it. */
const OPSET = { '': 18, 'com.microsoft': 1 };
const IR_VERSION = 8;

/** The bytes of a model with the graph's inputs and outputs, all of them fixed in shape. */
export function emitModel(graph: Graph): Uint8Array {
  const initializers: TensorProto[] = [];
  const names = new Map<Value, string>();
  const nodes: NodeProto[] = [];
  for (const [name, value] of graph.outputs) {
    // Name a node's output after the graph output that it is: an Identity operator to rename it costs as much as any other.
    if (typeof value.origin !== 'string' && !constantOf(value) && !names.has(value)) names.set(value, name);
  }
  const nameOf = (value: Value): string => {
    const known = names.get(value);
    if (known !== undefined) return known;
    const name = typeof value.origin === 'string' ? value.origin : `v${value.id}`;
    names.set(value, name);
    const data = constantOf(value);
    if (data) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      initializers.push(makeTensor(name, elementCode[value.type], value.shape, bytes));
    }
    return name;
  };
  for (const { op, inputs, outputs, attributes } of graph.nodes) {
    nodes.push(makeNode(op, inputs.map(nameOf), outputs.map(nameOf), attributes, { domain: domainOf(op) }));
  }
  for (const [name, value] of graph.outputs) {
    if (nameOf(value) !== name) nodes.push(makeNode('Identity', [nameOf(value)], [name]));
  }
  const model = makeModel(
    {
      name: 'step',
      nodes,
      initializers,
      inputs: graph.inputs.map((value) => makeValueInfo(nameOf(value), elementCode[value.type], value.shape)),
      outputs: [...graph.outputs].map(([name, { type, shape }]) => makeValueInfo(name, elementCode[type], shape)),
    },
    OPSET,
    IR_VERSION,
  );
  return encodeModel(model);
}

const domainOf = (op: Node['op']): string => (op.startsWith('Fused') ? 'com.microsoft' : '');
