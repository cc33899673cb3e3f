// Reads nodes: attributes with their defaults, subgraphs, and the outside tensors that subgraphs read.
import type { GraphProto, NodeProto } from '../../base/onnx/proto.js';

export function intAttribute(node: NodeProto, name: string, fallback: number): number {
  const found = node.attribute.find((attribute) => attribute.name === name);
  return found ? Number(found.i) : fallback;
}

/** null where the node does not say. */
export function intsAttribute(node: NodeProto, name: string): number[] | null {
  const found = node.attribute.find((attribute) => attribute.name === name);
  return found ? found.ints.map(Number) : null;
}

export function stringAttribute(node: NodeProto, name: string, fallback: string): string {
  const found = node.attribute.find((attribute) => attribute.name === name);
  return found ? new TextDecoder().decode(found.s) : fallback;
}

/** The bodies of If, Loop and Scan; none for other operators. */
export function subgraphsOf(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap((attribute) => (attribute.g ? [attribute.g] : attribute.graphs));
}

/** One of them: `then_branch`, `else_branch`, `body`. Throws where the node lacks it. */
export function bodyOf(node: NodeProto, name: string): GraphProto {
  const body = node.attribute.find((attribute) => attribute.name === name)?.g;
  if (!body) throw new Error(`${node.opType} has no ${name}`);
  return body;
}

/** Operators whose subgraphs run under control of a value: opaque units. */
export const controlFlowOperators: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan', 'SequenceMap']);

/** Names a node reads, without duplicates: its inputs, and what its subgraphs capture from the enclosing graph. */
export function readsOf(node: NodeProto): string[] {
  const names = new Set(node.input.filter((name) => name !== ''));
  for (const body of subgraphsOf(node)) for (const name of capturedBy(body)) names.add(name);
  return [...names];
}

/** Names that a body reads from the graph around it. */
export function capturedBy(body: GraphProto): Set<string> {
  const own = new Set([
    ...body.input.map((value) => value.name),
    ...body.initializer.map((tensor) => tensor.name),
    ...body.node.flatMap((node) => node.output),
  ]);
  const read = [...body.node.flatMap(readsOf), ...body.output.map((value) => value.name)];
  return new Set(read.filter((name) => !own.has(name)));
}

/** `graph` and the bodies inside it, outermost first. */
export function* graphsWithin(graph: GraphProto): Generator<GraphProto> {
  yield graph;
  for (const node of graph.node) for (const body of subgraphsOf(node)) yield* graphsWithin(body);
}
