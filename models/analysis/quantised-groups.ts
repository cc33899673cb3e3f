// Groups the nodes of a quantised model: an operator, the DequantizeLinear of each tensor that it reads and the QuantizeLinear
// of each that it writes. At the inputs and outputs of the model, the other half of such a pair belongs to the operator too.
import { create } from '@bufbuild/protobuf';
import { NodeProtoSchema, TensorProtoSchema } from '../../base/onnx/onnx_pb.js';
import { type GraphProto, type ModelProto, makeValueInfo, type TensorProto } from '../../base/onnx/proto.js';
import { orderGroups, type Wired } from './fuse.js';
import { readsOf, subgraphsOf } from './node-view.js';
import { quantisers } from './quantisation.js';

export const isQuantised = ({ graph }: ModelProto): boolean => graph!.node.some(({ opType }) => quantisers.has(opType));

const scaleInput = 1;

/**
 * Keeps ONNX Runtime from computing constant DequantizeLinear nodes, which would make floats of quantised weights: while
 * it optimises, their scales are inputs of the model with a default, which it takes for no constants.
 * @returns what undoes it in the optimised model
 */
export function holdDequantisers(model: ModelProto): (optimised: ModelProto) => void {
  const graph = model.graph!;
  const scales = new Map<string, TensorProto>();
  for (const tensor of graph.initializer) scales.set(tensor.name, tensor);
  for (const { opType, attribute, output } of graph.node) {
    const value = opType === 'Constant' ? attribute.find(({ name }) => name === 'value')?.t : undefined;
    if (value) scales.set(output[0]!, value);
  }
  const held = new Map<string, TensorProto>();
  const taken = new Set([...graph.input.map(({ name }) => name), ...scales.keys()]);
  for (const { output } of graph.node) for (const name of output) taken.add(name);
  for (const node of graph.node) {
    const scale = node.opType === 'DequantizeLinear' ? scales.get(node.input[scaleInput]!) : undefined;
    if (!scale) continue;
    const name = fresh(`held/${node.name}`, taken);
    held.set(name, create(TensorProtoSchema, { ...scale, name: node.input[scaleInput]! }));
    graph.initializer.push(create(TensorProtoSchema, { ...scale, name }));
    graph.input.push(makeValueInfo(name, scale.dataType, scale.dims.map(Number)));
    node.input[scaleInput] = name;
  }
  return ({ graph: optimised }) => {
    const { node, initializer, input } = optimised!;
    optimised!.input = input.filter(({ name }) => !held.has(name));
    const kept = new Map(initializer.filter(({ name }) => !held.has(name)).map((tensor) => [tensor.name, tensor]));
    for (const each of node) {
      const scale = each.opType === 'DequantizeLinear' ? held.get(each.input[scaleInput]!) : undefined;
      if (!scale) continue;
      each.input[scaleInput] = scale.name;
      if (!kept.has(scale.name)) kept.set(scale.name, scale);
    }
    optimised!.initializer = [...kept.values()];
  };
}

/**
 * Gives every reader of a dequantised tensor a DequantizeLinear of its own, and every reader of an input that is quantised
 * a QuantizeLinear, in place: each is then part of one operator.
 */
export function separateQuantisers(graph: GraphProto): void {
  const taken = new Set(graph.node.flatMap(({ name, output }) => [name, ...output]));
  const captured = new Set(graph.node.filter((node) => subgraphsOf(node).length > 0).flatMap(readsOf));
  // A chain of the two at an input is separated from its end.
  for (const node of [...graph.node].reverse()) {
    if (!quantisers.has(node.opType)) continue;
    const isMade = graph.node.some(({ output }) => output.includes(node.input[0]!));
    if (node.opType === 'QuantizeLinear' && isMade) continue;
    const [made] = node.output as [string];
    const isOutput = graph.output.some(({ name }) => name === made);
    const readers = graph.node.filter((reader) => reader.input.includes(made));
    const others = isOutput || captured.has(made) ? readers : readers.slice(1);
    const copies = others.map((reader) => {
      const name = fresh(`${node.name}/${reader.name}`, taken);
      const output = fresh(`${made}/${reader.name}`, taken);
      reader.input = reader.input.map((each) => (each === made ? output : each));
      return create(NodeProtoSchema, { ...node, name, output: [output] });
    });
    graph.node.splice(graph.node.indexOf(node), 0, ...copies);
  }
}

function fresh(name: string, taken: Set<string>): string {
  let free = name;
  for (let counter = 1; taken.has(free); counter++) free = `${name}_${counter}`;
  taken.add(free);
  return free;
}

/** What grouping needs to know of a node. */
export interface QuantisedNode extends Wired {
  readonly opType: string;
}

/**
 * Groups of node positions, one for each operator, in topological order. Without quantisers a group for each node.
 * @param outputs names of what the graph hands out
 */
export function quantisedGroups(nodes: readonly QuantisedNode[], outputs: readonly string[]): number[][] {
  const producer = new Map<string, number>();
  const readers = new Map<string, number[]>();
  nodes.forEach(({ reads, writes }, position) => {
    for (const name of writes) producer.set(name, position);
    for (const name of reads) readers.set(name, [...(readers.get(name) ?? []), position]);
  });
  /** The operator that a node is part of; of quantisers without an operator, the first. */
  const owner = (position: number, from = -1): number => {
    const { opType, reads, writes } = nodes[position]!;
    if (!quantisers.has(opType)) return position;
    const before = producer.get(reads[0] ?? '');
    const after = readers.get(writes[0]!) ?? [];
    const isOutput = outputs.includes(writes[0]!);
    const ends = opType === 'QuantizeLinear' || (isOutput && after.length === 0);
    const next = ends && before !== undefined ? before : !isOutput && after.length === 1 ? after[0]! : position;
    if (next === from) return Math.min(position, from);
    return next === position ? position : owner(next, position);
  };
  const groups = new Map<number, number[]>();
  nodes.forEach((_, position) => {
    const at = owner(position);
    groups.set(at, [...(groups.get(at) ?? []), position]);
  });
  return orderGroups(nodes, [...groups.values()]);
}

/** A group as one node: what it reads from outside, and all that it writes. */
export function groupAsNode(nodes: readonly Wired[], members: readonly number[]): Wired {
  const writes = members.flatMap((member) => nodes[member]!.writes);
  const inside = new Set(writes);
  const reads = members.flatMap((member) => nodes[member]!.reads).filter((name) => !inside.has(name));
  return { reads: [...new Set(reads)], writes };
}
