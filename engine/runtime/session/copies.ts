// Identifies the tensors that ONNX Runtime's own copies move. It adds a Memcpy node per tensor and destination, often around a
// change of layout, and gives the tensors new names. From a copy's input, names are followed back to one of the graph.
import type { ModelProto } from '../../../base/onnx/proto.js';
import type { UnitNames } from './attest.js';
import type { Kernel } from './profile.js';

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

/** What is needed to identify the tensor that a copy moved. */
export interface CopyContext extends Pick<UnitNames, 'graph' | 'byNode'> {
  /** Per kernel, the units it ran. */
  readonly unitsOf: readonly (readonly number[])[];
  readonly deviceOf: (unit: number) => 0 | 1;
}

/** Per copying kernel, the graph's tensor that it moves; null for other kernels and for copies of weights. */
export function copiedTensors(
  { graph, byNode, unitsOf, deviceOf }: CopyContext,
  kernels: readonly Kernel[],
  names: readonly (readonly string[] | null)[],
): (number | null)[] {
  const byName = new Map(graph.tensors.map(({ name, id }) => [name, id]));
  return kernels.map(({ opType }, index) => {
    const to = opType === 'MemcpyFromHost' ? 1 : 0;
    for (const name of (names[index] ?? []).flatMap(withoutSuffixes)) {
      const tensor = byName.get(name);
      if (tensor !== undefined) return tensor;
      // A tensor may be called after its node instead; of a fused kernel, after the first of its nodes.
      const unit = byNode.get(name);
      if (unit === undefined) continue;
      const together = unitsOf.find((units) => units.includes(unit)) ?? [unit];
      const written = together.flatMap((id) => graph.units[id]!.outputs);
      return (
        written.find((id) => graph.tensors[id]!.consumers.some((reader) => deviceOf(reader) === to)) ??
        written.find((id) => graph.tensors[id]!.graphOutput) ??
        null
      );
    }
    return null;
  });
}

/** `name`, and what is left of it as ONNX Runtime's own suffixes are taken off. */
function withoutSuffixes(name: string): string[] {
  const shorter = name.replace(/_(token_\d+|nchwc|out\d+|[A-Za-z]+ExecutionProvider)$/, '');
  return shorter === name ? [name] : [name, ...withoutSuffixes(shorter)];
}
