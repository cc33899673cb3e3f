// Graph inputs that are the trip count of a Loop or the condition of an If. Drawn at random they would often be 0, and their
// bodies would count no work; so they have a fixed default.
import type { GraphProto, NodeProto } from '../../base/onnx/proto.js';
import { graphsWithin } from '../analysis/node-view.js';

/** What an input governs. */
export interface ControlInput {
  readonly kind: 'trip count' | 'condition';
  /** The operator that reads it, as messages name it. */
  readonly reader: string;
}

/** Loops go round eight times, and conditions hold. */
export const controlValues: Readonly<Record<ControlInput['kind'], number>> = { 'trip count': 8, condition: 1 };

/** Operators that hand their first input on: exporters put them between an input and the Loop. */
const handOn: ReadonlySet<string> = new Set(['Identity', 'Cast', 'Squeeze', 'Unsqueeze', 'Reshape', 'Flatten']);

/** By input name. A Loop or If in a body may read an input of the graph too. */
export function controlInputs(graph: GraphProto): Map<string, ControlInput> {
  const graphs = [...graphsWithin(graph)];
  const writer = new Map<string, NodeProto>();
  for (const { node } of graphs) for (const each of node) for (const name of each.output) writer.set(name, each);
  const origin = (name: string): string => {
    const seen = new Set<string>();
    for (let at = name; ; ) {
      const from = writer.get(at);
      if (!from || seen.has(at) || !handOn.has(from.opType)) return at;
      seen.add(at);
      at = from.input[0] ?? '';
    }
  };
  const inputs = new Set(graph.input.map(({ name }) => name));
  const found = new Map<string, ControlInput>();
  const note = (name: string | undefined, kind: ControlInput['kind'], { name: node, opType }: NodeProto): void => {
    const input = origin(name ?? '');
    const known = found.get(input);
    if (inputs.has(input) && known?.kind !== 'trip count') found.set(input, { kind, reader: `${opType} "${node}"` });
  };
  for (const node of graphs.flatMap((each) => each.node)) {
    if (node.opType === 'If') note(node.input[0], 'condition', node);
    if (node.opType !== 'Loop') continue;
    note(node.input[0], 'trip count', node);
    note(node.input[1], 'condition', node);
  }
  return found;
}
