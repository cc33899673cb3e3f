// The work of the bodies of If, Loop and Scan: the branch that is taken, and every trip. Bodies run as models of their own on
// the inputs of their node, trip by trip with every tensor exposed. So conditions, trips and shapes are measured like those of
// the graph, also in nested bodies.
import type { GraphProto, ModelProto, NodeProto } from '../../base/onnx/proto.js';
import { OrtTensor, type Tensor } from '../../base/onnx/session.js';
import { countTrips, type OpenBody, openBody, type Scope, scalarOf, sliceOf, tensorOf } from './body-run.js';
import { type BodiesOf, BodyTally, type BodyWork } from './body-work.js';
import type { Feeds } from './feeds.js';
import { exposeTensors, extentOf, type Measured } from './measure.js';
import { bodyOf, capturedBy, controlFlowOperators, intAttribute, intsAttribute, readsOf } from './node-view.js';
import { costNodes } from './nodes.js';

/** Trips that run one by one, of all loops of a model together: those left do what the last one of their loop did. */
const defaultTrips = 1000;

/**
 * The work of each control-flow node of the model's graph, on these inputs.
 * @param trips that run one by one
 */
export async function measureBodies(model: ModelProto, feeds: Feeds, trips = defaultTrips): Promise<BodiesOf> {
  const graph = model.graph!;
  const nodes = graph.node.filter(isControlFlow);
  if (nodes.length === 0) return new Map();
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const computed = new Set(graph.node.flatMap(({ output }) => output));
  const names = [...new Set(nodes.flatMap(readsOf))].filter((name) => computed.has(name));
  const values = new Map(Object.entries(feeds));
  if (names.length > 0) {
    const session = await exposeTensors(model, names);
    const tensors = session.outputMetadata.flatMap(({ isTensor, name }) => (isTensor ? [name] : []));
    if (tensors.length > 0)
      for (const [name, tensor] of Object.entries(await session.run(feeds, tensors))) values.set(name, tensor);
    await session.release();
  }
  const bodies = new Bodies(model, trips);
  try {
    return await bodies.within(graph, { values, constants });
  } finally {
    await bodies.close();
  }
}

const isControlFlow = ({ opType }: NodeProto): boolean => controlFlowOperators.has(opType);

class Bodies {
  readonly #model: ModelProto;
  readonly #open = new Map<GraphProto, OpenBody>();
  #tripsLeft: number;

  constructor(model: ModelProto, trips: number) {
    this.#model = model;
    this.#tripsLeft = trips;
  }

  async close(): Promise<void> {
    for (const body of this.#open.values()) await body.close();
  }

  /** The work of the bodies of the graph's nodes, one after the other. */
  async within(graph: GraphProto, scope: Scope): Promise<BodiesOf> {
    const works = new Map<object, BodyWork | string>();
    for (const node of graph.node.filter(isControlFlow)) {
      // A body that fails here has run as a part of the model; only its work stays unknown.
      works.set(node, await this.#node(node, scope).catch((error: Error) => error.message.trim().split('\n')[0]!));
    }
    return works;
  }

  async #node(node: NodeProto, scope: Scope): Promise<BodyWork> {
    if (node.opType === 'If') return this.#branch(node, scope);
    if (node.opType === 'Loop') return this.#loop(node, scope);
    if (node.opType === 'Scan') return this.#scan(node, scope);
    throw new Error(`bodies of ${node.opType} are not run`);
  }

  async #branch(node: NodeProto, scope: Scope): Promise<BodyWork> {
    const taken = scalarOf(await this.#value(node.input[0]!, scope)) ? 'then_branch' : 'else_branch';
    const tally = new BodyTally(`${node.name}/${taken}/`);
    await this.#run(bodyOf(node, taken), [], scope, tally);
    return tally.work();
  }

  async #loop(node: NodeProto, scope: Scope): Promise<BodyWork> {
    const [limitName = '', conditionName = '', ...stateNames] = node.input;
    const body = bodyOf(node, 'body');
    const limit = limitName ? scalarOf(await this.#value(limitName, scope)) : Number.POSITIVE_INFINITY;
    let goesOn = conditionName ? scalarOf(await this.#value(conditionName, scope)) : 1;
    let state = await this.#values(stateNames, scope);
    const tally = new BodyTally(`${node.name}/body/`);
    for (let trip = 0; trip < limit && goesOn; trip++) {
      if (trip > 0 && this.#tripsLeft <= 0) {
        tally.repeat((await countTrips(this.#model, node, await this.#seenBy(readsOf(node), scope))) - trip);
        break;
      }
      this.#tripsLeft--;
      const number = new OrtTensor('int64', BigInt64Array.of(BigInt(trip)), controlShape(body, 0));
      const condition = new OrtTensor('bool', Uint8Array.of(1), controlShape(body, 1));
      const [next, ...outputs] = await this.#run(body, [number, condition, ...state], scope, tally, 1 + state.length);
      goesOn = scalarOf(next!);
      state = outputs;
    }
    return tally.work();
  }

  async #scan(node: NodeProto, scope: Scope): Promise<BodyWork> {
    const body = bodyOf(node, 'body');
    if (node.input.length !== body.input.length) throw new Error('a Scan of opset 8 is not run by itself');
    const values = await this.#values(node.input, scope);
    const states = values.length - intAttribute(node, 'num_scan_inputs', 0);
    const axes = intsAttribute(node, 'scan_input_axes') ?? [];
    const directions = intsAttribute(node, 'scan_input_directions') ?? [];
    const sequences = values.slice(states).map((tensor, at) => {
      const axis = ((axes[at] ?? 0) + tensor.dims.length) % tensor.dims.length;
      return { tensor, axis, backwards: directions[at] === 1 };
    });
    const trips = sequences[0]!.tensor.dims[sequences[0]!.axis]!;
    let state = values.slice(0, states);
    const tally = new BodyTally(`${node.name}/body/`);
    for (let trip = 0; trip < trips; trip++) {
      if (trip > 0 && this.#tripsLeft <= 0) {
        tally.repeat(trips - trip);
        break;
      }
      this.#tripsLeft--;
      const slices = sequences.map(({ tensor, axis, backwards }) =>
        sliceOf(tensor, axis, backwards ? trips - 1 - trip : trip),
      );
      state = await this.#run(body, [...state, ...slices], scope, tally, states);
    }
    return tally.work();
  }

  /** One execution of a body, which the tally gets; returns the first `wanted` outputs. */
  async #run(
    body: GraphProto,
    inputs: readonly Tensor[],
    scope: Scope,
    tally: BodyTally,
    wanted = 0,
  ): Promise<Tensor[]> {
    const own = new Map(body.initializer.map((tensor) => [tensor.name, tensor]));
    const outside = await this.#seenBy(capturedBy(body), scope);
    const values = new Map([...outside.values, ...body.input.map(({ name }, at) => [name, inputs[at]!] as const)]);
    const seen: Scope = { values, constants: new Map([...outside.constants, ...own]) };
    const opened = this.#open.get(body) ?? (await openBody(this.#model, body, seen));
    this.#open.set(body, opened);
    const made = await opened.run(values);
    const inner: Scope = { values: new Map([...values, ...Object.entries(made)]), constants: seen.constants };
    const measured = new Map<string, Measured>();
    for (const [name, tensor] of inner.values) measured.set(name, { ...extentOf(tensor), sparsity: null });
    const nodes = costNodes(opened.graph, measured, await this.within(opened.graph, inner));
    tally.add(nodes, measured, new Set(own.keys()));
    const names = body.output.slice(0, wanted).map(({ name }) => name);
    const outputs = await this.#values(names, inner);
    for (const [name, tensor] of Object.entries(made)) if (!names.includes(name)) tensor.dispose();
    return outputs;
  }

  /** What of a scope is seen under these names. */
  async #seenBy(names: Iterable<string>, { values, constants }: Scope): Promise<Scope> {
    const seen = { values: new Map<string, Tensor>(), constants: new Map<string, GraphProto['initializer'][number]>() };
    for (const name of names) {
      const constant = constants.get(name);
      if (constant) seen.constants.set(name, constant);
      else seen.values.set(name, await this.#value(name, { values, constants }));
    }
    return seen;
  }

  async #values(names: readonly string[], scope: Scope): Promise<Tensor[]> {
    const values: Tensor[] = [];
    for (const name of names) values.push(await this.#value(name, scope));
    return values;
  }

  async #value(name: string, { values, constants }: Scope): Promise<Tensor> {
    const constant = constants.get(name);
    const value = values.get(name) ?? (constant && (await tensorOf(this.#model, constant)));
    if (value) return value;
    throw new Error(`"${name}" is no tensor`);
  }
}

/** The shape in which a Loop's body takes the number of the trip (0) and the condition (1): one element, with an axis or none. */
function controlShape(body: GraphProto, input: 0 | 1): number[] {
  const type = body.input[input]?.type?.value;
  return type?.case === 'tensorType' && type.value.shape?.dim.length === 1 ? [1] : [];
}
