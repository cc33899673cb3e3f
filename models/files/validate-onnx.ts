// Validates a decoded ONNX file once, right after reading, so that later code need not check. It walks the graphs with the names
// that are defined in them; onnx-rules.ts has the rules for tensors, attributes and values. ONNX Runtime checks the use of
// operators.
import { InputError } from '../../base/errors/input-error.js';
import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../base/onnx/proto.js';
import { modelLimits } from '../analysis/limits.js';
import { attributeRules, broken, duplicate, nodeRules, type Rule, tensorRules, valueRules } from './onnx-rules.js';

/** Bodies within bodies: more than any exporter writes, and few enough to walk by recursion. */
const deepestBody = 32;

/**
 * @param model data of its tensors may still lie outside
 * @throws InputError naming file, place and rule
 */
export function validateModel(model: ModelProto, label: string): void {
  new Validator(label).model(model);
}

/** The names that a graph knows: its own, and those of the graphs around it. */
interface Scope {
  readonly names: ReadonlySet<string>;
  readonly outer: Scope | null;
}

const knows = (scope: Scope | null, name: string): boolean =>
  scope !== null && (scope.names.has(name) || knows(scope.outer, name));

class Validator {
  readonly #mostNodes = modelLimits().nodes;
  #nodes = 0;

  constructor(readonly label: string) {}

  model({ graph, functions }: ModelProto): void {
    this.graph(graph!, null, 0);
    for (const { name, node, input } of functions) {
      this.#count(node.length);
      const scope = { names: new Set([...input, ...node.flatMap(({ output }) => output)]), outer: null };
      for (const [index, each] of node.entries())
        this.#node(each, `function "${name}": ${describe(each, index)}`, scope, 0);
    }
  }

  graph(graph: GraphProto, outer: Scope | null, depth: number, within = ''): void {
    if (depth > deepestBody) this.#refuse(`${within}bodies are nested more than ${deepestBody} deep`);
    this.#count(graph.node.length);
    for (const [kind, values] of [
      ['input', graph.input],
      ['output', graph.output],
    ] as const) {
      for (const value of values) this.#check(valueRules, value, `${within}${kind} "${value.name}"`);
      const twice = duplicate(values.map(({ name }) => name));
      // A body may give one value twice.
      if (twice !== null && !(depth > 0 && kind === 'output')) this.#refuse(`${within}${kind} "${twice}" stands twice`);
    }
    const initialisers = [
      ...graph.initializer.map(({ name }) => name),
      ...graph.sparseInitializer.map(({ values }) => values?.name ?? ''),
    ];
    for (const tensor of graph.initializer) this.tensor(tensor, within);
    for (const { values, indices } of graph.sparseInitializer) {
      if (!values || !indices) this.#refuse(`${within}a sparse initialiser lacks its values or its indices`);
      this.tensor(values!, within);
      this.tensor(indices!, within);
    }
    if (initialisers.includes('')) this.#refuse(`${within}an initialiser has no name`);
    const twice = duplicate(initialisers);
    if (twice !== null) this.#refuse(`${within}initialiser "${twice}" stands twice`);
    const names = new Set([...graph.input.map(({ name }) => name), ...initialisers]);
    graph.node.forEach((node, index) => {
      for (const name of node.output) {
        if (name === '') continue;
        if (names.has(name))
          this.#refuse(`${within}${describe(node, index)} writes "${name}", which is written elsewhere`);
        names.add(name);
      }
    });
    const scope = { names, outer };
    graph.node.forEach((node, index) => {
      const at = `${within}${describe(node, index)}`;
      for (const name of node.input)
        if (name !== '' && !knows(scope, name)) this.#refuse(`${at} reads "${name}", which nothing writes`);
      this.#node(node, at, scope, depth);
    });
    const missing = graph.output.find(({ name }) => !knows(scope, name));
    if (missing) this.#refuse(`${within}output "${missing.name}" is written by no node`);
  }

  #node(node: NodeProto, at: string, scope: Scope | null, depth: number): void {
    this.#check(nodeRules, node, at);
    for (const attribute of node.attribute) {
      const place = `${at}: attribute "${attribute.name}"`;
      this.#check(attributeRules, attribute, place);
      for (const tensor of attribute.t ? [attribute.t] : attribute.tensors) this.tensor(tensor, `${place}: `);
      for (const body of attribute.g ? [attribute.g] : attribute.graphs)
        this.graph(body, scope, depth + 1, `${place}: `);
    }
  }

  tensor(tensor: TensorProto, within: string): void {
    this.#check(tensorRules, tensor, `${within}${tensor.name === '' ? 'the tensor' : `tensor "${tensor.name}"`}`);
  }

  #count(nodes: number): void {
    this.#nodes += nodes;
    if (this.#nodes > this.#mostNodes)
      throw new InputError(
        `models: ${this.label}: it has more than ${this.#mostNodes} nodes.`,
        `Allow more with SPAROA_GYM_MAX_NODES=${2 * this.#nodes}: analysing and scheduling them takes long.`,
      );
  }

  #check<T>(rules: readonly Rule<T>[], item: T, at: string): void {
    const problem = broken(rules, item);
    if (problem !== null) this.#refuse(`${at} ${problem}`);
  }

  #refuse(problem: string): never {
    throw new InputError(
      `models: ${this.label}: ${problem}.`,
      'Export the model again, or copy the file again: it is damaged. "onnx.checker.check_model" of Python checks it too.',
    );
  }
}

const describe = ({ name, opType }: NodeProto, index: number): string =>
  `node ${name === '' ? index : `"${name}"`} (${opType})`;
