// Cuts units out of a model as models of their own, for a lane, a device or a benchmark. Nodes and tensors keep their names, so
// that results can be combined by name.
import { readFileSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { InputError } from '../../base/errors/input-error.js';
import { GraphProtoSchema, ModelProtoSchema } from '../../base/onnx/onnx_pb.js';
import {
  DataType,
  decodeModel,
  encodeModel,
  type ModelProto,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
} from '../../base/onnx/proto.js';
import { readsOf, subgraphsOf } from '../analysis/node-view.js';
import type { OperatorGraph, TensorInfo } from '../graph.js';
import type { LoadedModel } from '../load.js';

/** A model's basic-level graph, decoded once and cut many times. */
export interface SliceSource {
  readonly model: ModelProto;
  readonly nodes: ReadonlyMap<string, NodeProto>;
  readonly initializers: ReadonlyMap<string, TensorProto>;
}

/** A part of a model that runs by itself. */
export interface SubModel {
  /** The ONNX file. */
  readonly bytes: Uint8Array;
  /** Tensor names, in the order of the part's inputs and outputs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export function openSliceSource(model: LoadedModel): SliceSource {
  return sliceSourceOf(decodeModel(readFileSync(model.basicPath)));
}

export function sliceSourceOf(model: ModelProto): SliceSource {
  const graph = model.graph!;
  return {
    model,
    nodes: new Map(graph.node.map((node) => [node.name, node])),
    initializers: new Map(graph.initializer.map((tensor) => [tensor.name, tensor])),
  };
}

/**
 * The units as one model: its inputs are what they read from outside, its outputs what others, or the caller of the
 * whole graph, read of them.
 * @throws InputError when the units are not convex (a path leaves them and comes back), so that no order runs them at
 * once, or when a tensor at the boundary is of a kind that cannot be handed over (a sequence, a string).
 */
export function sliceUnits(source: SliceSource, graph: OperatorGraph, ids: readonly number[]): SubModel {
  checkConvex(graph, ids);
  const { inputs, outputs } = boundary(graph, ids);
  const nodes = [...ids].sort((a, b) => a - b).flatMap((id) => unitNodes(source, graph, id));
  return subModel(source, nodes, inputs, outputs);
}

/** What the units read from outside, and what is read of them outside: ids, ascending. */
export function boundary(
  graph: OperatorGraph,
  ids: readonly number[],
): { inputs: readonly TensorInfo[]; outputs: readonly TensorInfo[] } {
  const inside = new Set(ids);
  const reads = new Set(ids.flatMap((id) => graph.units[id]!.inputs));
  const writes = ids.flatMap((id) => graph.units[id]!.outputs).map((tensor) => graph.tensors[tensor]!);
  return {
    inputs: [...reads].map((id) => graph.tensors[id]!).filter(({ producer }) => !inside.has(producer ?? -1)),
    outputs: writes.filter(
      ({ graphOutput, consumers }) =>
        graphOutput || consumers.length === 0 || consumers.some((consumer) => !inside.has(consumer)),
    ),
  };
}

/** The ONNX nodes of a unit. */
export function unitNodes(source: SliceSource, graph: OperatorGraph, id: number): NodeProto[] {
  return graph.units[id]!.nodes.map((name) => {
    const node = source.nodes.get(name);
    if (!node) {
      throw new InputError(
        `models: unit ${id} has a node "${name}", which the model does not have.`,
        'Cut a graph out of the model that it was made from.',
      );
    }
    return node;
  });
}

/**
 * A model of `nodes`; `own` initialisers stand before those of the source. Shapes of its inputs and outputs are left open
 * where a node has subgraphs: of two branches the one that is not taken may not fit them, and ONNX Runtime infers both.
 */
export function subModel(
  { model, initializers }: SliceSource,
  nodes: readonly NodeProto[],
  inputs: readonly TensorInfo[],
  outputs: readonly TensorInfo[],
  own: readonly TensorProto[] = [],
): SubModel {
  const named = new Set(own.map((tensor) => tensor.name));
  const open = nodes.some((node) => subgraphsOf(node).length > 0);
  const read = new Set(nodes.flatMap(readsOf));
  const weights = [...read].filter((name) => !named.has(name)).flatMap((name) => initializers.get(name) ?? []);
  const part = create(ModelProtoSchema, {
    irVersion: model.irVersion,
    producerName: model.producerName,
    opsetImport: model.opsetImport,
    functions: model.functions,
    graph: create(GraphProtoSchema, {
      name: model.graph!.name,
      node: [...nodes],
      input: inputs.map((tensor) => valueInfo(tensor, open)),
      output: outputs.map((tensor) => valueInfo(tensor, open)),
      initializer: [...own, ...weights],
    }),
  });
  const name = (tensor: TensorInfo): string => tensor.name;
  return { bytes: encodeModel(part), inputs: inputs.map(name), outputs: outputs.map(name) };
}

function valueInfo({ name, type, shape }: TensorInfo, open: boolean): ReturnType<typeof makeValueInfo> {
  const elemType = DataType[type.toUpperCase() as keyof typeof DataType] ?? DataType.UNDEFINED;
  if (elemType === DataType.UNDEFINED || elemType === DataType.STRING) {
    throw new InputError(
      `models: the tensor "${name}" (${type}) cannot be handed from one part of the model to another.`,
      'Keep the units that write and read it together.',
    );
  }
  return open ? makeValueInfo(name, elemType) : makeValueInfo(name, elemType, shape);
}

/** A path that leaves the set and comes back passes a unit outside that depends on the set. */
function checkConvex(graph: OperatorGraph, ids: readonly number[]): void {
  const inside = new Set(ids);
  const last = Math.max(...ids);
  const depends = new Set<number>();
  for (let id = Math.min(...ids); id <= last; id++) {
    const producers = graph.units[id]!.inputs.map((tensor) => graph.tensors[tensor]!.producer ?? -1);
    const detour = producers.find((producer) => depends.has(producer));
    if (!inside.has(id)) {
      if (detour !== undefined || producers.some((producer) => inside.has(producer))) depends.add(id);
    } else if (detour !== undefined) {
      throw new InputError(
        `models: unit ${id} "${graph.units[id]!.name}" reads what unit ${detour} outside the part makes of the part.`,
        `Take unit ${detour} in, or leave unit ${id} out.`,
      );
    }
  }
}
