// Which tensors ONNX Runtime's own copies move. It adds a Memcpy node per tensor and destination, often around a change of
// layout, and gives the tensors names of its own: from a copy's input, names are followed back to one the graph knows.
import type { ModelProto } from '../../../base/onnx/proto.js';
import type { OperatorGraph } from '../../../models/graph.js';

/** Per Memcpy node of an optimised model, the names under which its tensor was known, the latest first. */
export function copiedNames(optimised: ModelProto): Map<string, string[]> {
  const { node: nodes } = optimised.graph!;
  const producer = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
  return new Map(
    nodes
      .filter(({ opType }) => opType.startsWith('Memcpy'))
      .map((copy) => {
        const names: string[] = [copy.input[0] ?? ''];
        // Only nodes that change the layout or the place of a tensor pass its identity on.
        for (let node = producer.get(names[0]!); node; node = producer.get(node.input[0] ?? '')) {
          if (!/^Memcpy|^Reorder|^Transpose$/.test(node.opType)) break;
          names.push(node.input[0] ?? '');
        }
        return [copy.name, names];
      }),
  );
}

/** The tensor of the graph that goes by one of `names`, suffixes of ONNX Runtime's own taken off; null for a weight. */
export function tensorNamed(byName: ReadonlyMap<string, number>, names: readonly string[]): number | null {
  for (const full of names) {
    for (let name = full; ; ) {
      const tensor = byName.get(name);
      if (tensor !== undefined) return tensor;
      const shorter = name.replace(/_(token_\d+|nchwc|out\d+|[A-Za-z]+ExecutionProvider)$/, '');
      if (shorter === name) break;
      name = shorter;
    }
  }
  return null;
}

export function tensorsByName(graph: OperatorGraph): Map<string, number> {
  return new Map(graph.tensors.map(({ name, id }) => [name, id]));
}
