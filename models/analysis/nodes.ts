// The work of each ONNX node, from the measured shapes; units are made of these.
import type { GraphProto, NodeProto, TensorProto } from '../../base/onnx/proto.js';
import { elementBytes, elementCount } from '../../base/onnx/tensor-data.js';
import type { OpClass } from '../graph.js';
import type { BodiesOf, BodyWork } from './body-work.js';
import type { Measured } from './measure.js';
import { controlFlowOperators, graphsWithin, readsOf, subgraphsOf } from './node-view.js';
import { classOf, isCounted, type ShapedNode, type Split, splitOf, workOf } from './operators.js';
import { quantisationOf } from './quantisation.js';
import { isWeight, zerosInWeights } from './zeros.js';

/** One constant that a node computes with. */
export interface Weight {
  readonly name: string;
  readonly bytes: number;
  readonly elements: number;
  readonly zeros: number;
}

export interface CostedNode {
  readonly name: string;
  readonly opType: string;
  readonly opClass: OpClass;
  /** Names of the tensors it reads and writes; constants are no tensors. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly weights: readonly Weight[];
  /** Bytes of its weights that one execution reads: a Gather reads rows only. */
  readonly weightBytesRead: number;
  readonly macs: number;
  readonly flops: number;
  readonly split: Split | null;
  readonly onlyOn: 0 | null;
  /** Whether it works element by element, with no constants but scalars. */
  readonly elementwise: boolean;
  /** What its bodies move, instead of what passes through it; null of nodes without bodies. */
  readonly bodies: Pick<BodyWork, 'bytesRead' | 'bytesWritten'> | null;
  /** Operators, of it or its bodies, whose work nobody counts: they count one operation for each element that they write. */
  readonly uncounted: readonly string[];
}

/** Costs of all nodes of `graph`, in its order. @param bodies the work of those with bodies */
export function costNodes(
  graph: GraphProto,
  measured: ReadonlyMap<string, Measured>,
  bodies: BodiesOf = new Map(),
): CostedNode[] {
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const { settings, biases, zeroPoints } = quantisationOf(graph);
  const weights = new Map<TensorProto, Weight>();
  const weightOf = (tensor: TensorProto, name: string): Weight => {
    const known = weights.get(tensor) ?? describe(tensor, name, zeroPoints.get(name));
    weights.set(tensor, known);
    return known;
  };
  return graph.node.map((node) => {
    const reads = readsOf(node);
    const shaped = shape(node, constants, measured);
    const own = [
      ...reads.flatMap((name) => constants.get(name) ?? []).map((tensor) => ({ tensor, name: tensor.name })),
      ...constantsInside(node),
    ].filter(({ tensor, name }) => !settings.has(name) && (isWeight(tensor) || biases.has(name)));
    const nodeWeights = own.map(({ tensor, name }) => weightOf(tensor, name));
    const weightBytes = nodeWeights.reduce((sum, weight) => sum + weight.bytes, 0);
    const writes = node.output.filter((name) => name !== '');
    const written = writes.reduce((sum, name) => sum + (measured.get(name)?.bytes ?? 0), 0);
    const isGather = node.opType.startsWith('Gather');
    const opClass = classOf(shaped);
    const ran = bodies.get(node);
    const body = typeof ran === 'object' ? ran : null;
    return {
      name: node.name,
      opType: node.opType,
      opClass,
      reads: reads.filter((name) => !constants.has(name)),
      writes,
      weights: body?.weights ?? nodeWeights,
      weightBytesRead: body?.weightBytesRead ?? (isGather ? Math.min(weightBytes, written) : weightBytes),
      ...(body ? { macs: body.macs, flops: body.flops } : workOf(shaped)),
      split: splitOf(shaped, (name) => constants.has(name)),
      onlyOn: controlFlowOperators.has(node.opType) ? 0 : null,
      elementwise: (opClass === 'activation' || opClass === 'elementwise') && nodeWeights.length === 0,
      bodies: body && { bytesRead: body.bytesRead, bytesWritten: body.bytesWritten },
      uncounted: body?.uncounted ?? (isCounted(node) && ran === undefined ? [] : [operatorName(node, ran)]),
    };
  });
}

/** An operator as messages name it; of one with bodies, why their work is unknown. */
const operatorName = ({ domain, opType, name }: NodeProto, reason?: BodyWork | string): string =>
  typeof reason === 'string' ? `${opType} "${name}" (${reason})` : `${domain ? `${domain}.` : ''}${opType}`;

function shape(
  node: NodeProto,
  constants: ReadonlyMap<string, TensorProto>,
  measured: ReadonlyMap<string, Measured>,
): ShapedNode {
  const shapeOf = (name: string): readonly number[] | null =>
    constants.get(name)?.dims.map(Number) ?? measured.get(name)?.shape ?? null;
  return {
    node,
    inputs: node.input.map((name) => (name === '' ? null : shapeOf(name))),
    outputs: node.output.filter((name) => name !== '').map((name) => shapeOf(name) ?? []),
  };
}

function describe(tensor: TensorProto, name: string, zeroPoint?: number): Weight {
  const elements = elementCount(tensor.dims);
  return { name, elements, bytes: elements * elementBytes(tensor.dataType), zeros: zerosInWeights(tensor, zeroPoint) };
}

/** Constants in the bodies of a control-flow node, under names that cannot meet those of the graph. */
function constantsInside(node: NodeProto): { tensor: TensorProto; name: string }[] {
  const bodies = subgraphsOf(node).flatMap((body) => [...graphsWithin(body)]);
  const tensors = bodies.flatMap((body) => [
    ...body.initializer,
    ...body.node.flatMap((inner) => inner.attribute.flatMap((attribute) => attribute.t ?? [])),
  ]);
  return tensors.map((tensor, index) => ({ tensor, name: `${node.name}/${index}` }));
}
