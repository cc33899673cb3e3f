// Names of nodes and tensors are data: whoever exported the model chose them. Where ONNX Runtime or its bindings cannot pass
// one on, the file that runs has another in its place.
import type { GraphProto, ModelProto } from './proto.js';

/** What ONNX Runtime's profile does not escape (`"`, `\`, control characters), separates by (`&`), and what marks an escape. */
const troublesome = /["\\&$\p{Cc}]/gu;

/** A name that stands in ONNX Runtime's profile as it is; most names are. */
export const plainName = (name: string): string =>
  name.replace(troublesome, (character) => `$x${character.charCodeAt(0).toString(16).padStart(4, '0')}$`);

/** `text` of ONNX Runtime with the user's names in it again. */
export const userNames = (text: string): string =>
  text.replace(/\$x([0-9a-f]{4})\$/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

/** Gives every node and tensor of `model` its plain name, in place, but for the tensors of `keep`. */
export function writePlainNames(model: ModelProto, keep: ReadonlySet<string> = new Set()): void {
  renameTensors(model.graph!, (name) => (keep.has(name) ? name : plainName(name)));
  for (const graph of graphsOf(model.graph!)) for (const node of graph.node) node.name = plainName(node.name);
}

/**
 * Renames in `graph` what onnxruntime-node cannot pass: it keeps tensors as properties of plain objects, which have one
 * property already.
 */
export function renameUnpassable(graph: GraphProto): void {
  const names = new Set<string>();
  renameTensors(graph, (name) => {
    names.add(name);
    return name;
  });
  if (!names.has('__proto__')) return;
  let other = '__proto___';
  while (names.has(other)) other += '_';
  renameTensors(graph, (name) => (name === '__proto__' ? other : name));
}

/** Renames tensors in `graph` and the bodies in it, in place. @param rename gives different names different names */
export function renameTensors(graph: GraphProto, rename: (name: string) => string): void {
  for (const { node: nodes, input, output, valueInfo, initializer, sparseInitializer } of graphsOf(graph)) {
    const named = [...input, ...output, ...valueInfo, ...initializer];
    for (const item of [...named, ...sparseInitializer.flatMap(({ values }) => values ?? [])])
      item.name = rename(item.name);
    for (const node of nodes) {
      node.input = node.input.map(rename);
      node.output = node.output.map(rename);
    }
  }
}

function* graphsOf(graph: GraphProto): Generator<GraphProto> {
  yield graph;
  for (const { attribute } of graph.node)
    for (const { g, graphs } of attribute) for (const body of g ? [g] : graphs) yield* graphsOf(body);
}
