// The compiler's optimiser: walks the graph in order, rebuilding it, and lets each rule replace a node by something
// cheaper; again until no rule applies. Nodes that nothing reads are dropped before each walk, equal ones merge as the
// builder sees them.
import { type Graph, GraphBuilder, type Node, type Value } from './graph.js';

export interface RuleContext {
  /** The graph being built: a rule's replacements are made here. */
  readonly g: GraphBuilder;
  /** How many nodes and graph outputs read the i-th input of the node at hand. */
  uses(input: number): number;
  /** Which of the node's outputs are read at all. */
  isRead(output: number): boolean;
}

/** What `node` becomes, given its inputs in the new graph (its own still belong to the old); null when the rule does not apply. */
export type Rule = (node: Node, inputs: readonly Value[], context: RuleContext) => Value | readonly Value[] | null;

/** Rules only ever shorten a chain, so they come to rest soon; the bound is for a rule that does not. */
const MAX_WALKS = 20;

export function optimise(graph: Graph, rules: readonly Rule[]): Graph {
  let current = graph;
  for (let walk = 0; walk < MAX_WALKS; walk++) {
    const { next, changed } = rewrite(current, rules);
    current = next;
    if (!changed) return current;
  }
  throw new Error(`nn: the optimiser's rules do not come to rest within ${MAX_WALKS} walks`);
}

function rewrite(graph: Graph, rules: readonly Rule[]): { readonly next: Graph; readonly changed: boolean } {
  const uses = countUses(graph);
  const g = new GraphBuilder();
  const renewed = new Map<Value, Value>();
  for (const input of graph.inputs) renewed.set(input, g.input(input.origin as string, input.type, input.shape));
  const renew = (value: Value): Value => {
    let result = renewed.get(value);
    if (!result) {
      // Inputs and nodes are renewed in order: what is left is a constant.
      result = g.constant(value.type, value.shape, value.origin as Float32Array);
      renewed.set(value, result);
    }
    return result;
  };
  let changed = false;
  for (const node of graph.nodes) {
    if (!node.outputs.some((output) => uses.has(output))) {
      changed = true;
      continue;
    }
    const inputs = node.inputs.map(renew);
    const context: RuleContext = {
      g,
      uses: (input) => uses.get(node.inputs[input]!) ?? 0,
      isRead: (output) => uses.has(node.outputs[output]!),
    };
    let results: Value | readonly Value[] | null = null;
    for (const rule of rules) {
      results = rule(node, inputs, context);
      if (results) break;
    }
    if (results) changed = true;
    else results = g.emit(node.op, inputs, node.outputs, node.attributes);
    for (const [i, value] of [results].flat().entries()) renewed.set(node.outputs[i]!, value);
  }
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, renew(value)]));
  return { next: { inputs: g.inputs, nodes: g.nodes, outputs }, changed };
}

/** Readers of each value that an output depends on; a value that is not in the map is dead. */
function countUses(graph: Graph): Map<Value, number> {
  const uses = new Map<Value, number>();
  const count = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const value of graph.outputs.values()) count(value);
  for (const node of graph.nodes.toReversed()) {
    if (node.outputs.some((output) => uses.has(output))) for (const input of node.inputs) count(input);
  }
  return uses;
}
