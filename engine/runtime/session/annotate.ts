// Writes a placement in ONNX Runtime's own form: every node has the label of its device, and one constant session option maps
// labels to devices. An annotated model runs as scheduled without this package.
import { create } from '@bufbuild/protobuf';
import { StringStringEntryProtoSchema } from '../../../base/onnx/onnx_pb.js';
import type { GraphProto, ModelProto } from '../../../base/onnx/proto.js';
import { subgraphsOf } from '../../../models/analysis/node-view.js';
import type { OperatorGraph } from '../../../models/graph.js';

/** The session option `session.layer_assignment_settings`; `=` asks for the whole label instead of a prefix of it. */
export const assignmentSettings = 'cpu(=c); gpu(=g)';

/** ONNX Runtime's key for the label of a node. */
const labelKey = 'layer_ann';
const labels = ['c', 'g'] as const;

/** Per ONNX node of the model's basic graph, the device of its unit. */
export function nodeDevices(graph: OperatorGraph, deviceOf: (unit: number) => 0 | 1): Map<string, 0 | 1> {
  return new Map(graph.units.flatMap((unit) => unit.nodes.map((node) => [node, deviceOf(unit.id)] as const)));
}

/**
 * Labels every node of `model` with its device, in place.
 * @throws Error when a node is not in `devices`: the graph was made from another model.
 */
export function annotate(model: ModelProto, devices: ReadonlyMap<string, 0 | 1>): void {
  labelNodes(model, new Map([...devices].map(([node, device]) => [node, labels[device]])));
}

/**
 * Labels every node of `model`, in place; bodies of control flow get the label of the node that holds them.
 * @param labelOf by the node's name
 * @throws Error when a node has no label: the labels were made for another model.
 */
export function labelNodes(model: ModelProto, labelOf: ReadonlyMap<string, string>): void {
  for (const node of model.graph!.node) {
    const label = labelOf.get(node.name);
    if (label === undefined) throw new Error(`node "${node.name}" of the model belongs to no unit of the graph`);
    node.metadataProps = node.metadataProps.filter(({ key }) => key !== labelKey).concat(entry(label));
    for (const body of subgraphsOf(node)) labelBody(body, label);
  }
}

function labelBody(graph: GraphProto, label: string): void {
  for (const node of graph.node) {
    node.metadataProps = node.metadataProps.filter(({ key }) => key !== labelKey).concat(entry(label));
    for (const body of subgraphsOf(node)) labelBody(body, label);
  }
}

const entry = (value: string) => create(StringStringEntryProtoSchema, { key: labelKey, value });
