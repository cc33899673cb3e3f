// Sorts nodes topologically, as ONNX demands; ONNX Runtime loads them in any order. The sort is stable, so a sorted file stays
// as it is.
import { InputError } from '../../base/errors/input-error.js';
import type { GraphProto, NodeProto } from '../../base/onnx/proto.js';
import { graphsWithin, readsOf } from '../analysis/node-view.js';

/**
 * Sorts the nodes of the graph and of the bodies inside it.
 * @throws InputError when nodes wait for each other in a circle, which is named
 */
export function orderNodes(graph: GraphProto, label: string): void {
  for (const inner of graphsWithin(graph)) inner.node = inOrder(inner.node, label);
}

/** Depth first, so that no path through the graph is longer than what JavaScript's stack holds: the stack is a list. */
function inOrder(nodes: readonly NodeProto[], label: string): NodeProto[] {
  const writer = new Map<string, number>();
  nodes.forEach(({ output }, position) => {
    for (const name of output) if (name !== '') writer.set(name, position);
  });
  const state = new Uint8Array(nodes.length);
  const [unseen, open, done] = [0, 1, 2];
  const order: NodeProto[] = [];
  const path: { readonly position: number; readonly before: number[] }[] = [];
  const enter = (position: number): void => {
    state[position] = open;
    const before = readsOf(nodes[position]!).flatMap((name) => writer.get(name) ?? []);
    path.push({ position, before: before.reverse() });
  };
  for (let start = 0; start < nodes.length; start++) {
    if (state[start] === unseen) enter(start);
    while (path.length > 0) {
      const { position, before } = path.at(-1)!;
      const next = before.pop();
      if (next === undefined) {
        state[position] = done;
        order.push(nodes[position]!);
        path.pop();
      } else if (state[next] === open) {
        const circle = path.slice(path.findIndex((step) => step.position === next));
        throw cycle(
          circle.map((step) => nodes[step.position]!),
          label,
        );
      } else if (state[next] === unseen) enter(next);
    }
  }
  return order;
}

const mostNamed = 5;

function cycle(circle: readonly NodeProto[], label: string): InputError {
  const names = circle
    .slice(0, mostNamed)
    .map(({ name, opType, output }) => (name ? `"${name}" (${opType})` : `the ${opType} that writes "${output[0]}"`));
  const more = circle.length > mostNamed ? ` and ${circle.length - mostNamed} more` : '';
  return new InputError(
    `models: ${label}: ${circle.length === 1 ? 'a node reads what it writes' : 'nodes wait for each other in a circle'}: ${names.join(', ')}${more}.`,
    'Export the model again: no order runs these nodes.',
  );
}
