// For tests: random programs of operators, branches and loops, as a model with bodies inside bodies and as the model of what
// runs of it, one operator after the other.
import { create } from '@bufbuild/protobuf';
import { AttributeProtoSchema, GraphProtoSchema } from '../base/onnx/onnx_pb.js';
import {
  AttributeType,
  DataType,
  type ModelProto,
  makeModel,
  makeNode,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../base/onnx/proto.js';
import { float32Tensor, int64Tensor } from '../base/onnx/tensor-data.js';
import type { Stream } from '../base/random/stream.js';

/** A step turns a tensor of 2 x 4 into another. */
export type Step =
  /** `own`: the weights stand in the body, else in the graph around all. */
  | { readonly kind: 'matmul'; readonly id: number; readonly own: boolean }
  | { readonly kind: 'tanh' }
  /** Less the graph's input x. */
  | { readonly kind: 'sub' }
  /** By an input of the graph; in a Loop `null`: by whether the number of the trip is even. */
  | {
      readonly kind: 'if';
      readonly condition: string | null;
      readonly holds: boolean;
      readonly sides: readonly [Program, Program];
    }
  | { readonly kind: 'loop'; readonly input: string; readonly trips: number; readonly body: Program }
  /** Over a sequence of the graph's inputs, of which each trip subtracts one. */
  | { readonly kind: 'scan'; readonly input: string; readonly trips: number; readonly body: Program };
export type Program = readonly Step[];

/** @param depth of bodies inside bodies */
export function randomProgram(stream: Stream, depth: number, inLoop = false, ids = { next: 0 }): Program {
  return Array.from({ length: 1 + stream.integer(3) }, (): Step => {
    const draw = stream.uniform();
    const id = ids.next++;
    if (depth === 0 || draw < 0.4)
      return [
        { kind: 'matmul', id, own: stream.uniform() < 0.5 } as const,
        { kind: 'tanh' } as const,
        { kind: 'sub' } as const,
      ][stream.integer(3)]!;
    const inner = (loops: boolean): Program => randomProgram(stream, depth - 1, loops, ids);
    if (draw < 0.6) {
      const condition = inLoop && stream.uniform() < 0.5 ? null : `if${id}`;
      return { kind: 'if', condition, holds: stream.uniform() < 0.5, sides: [inner(inLoop), inner(inLoop)] };
    }
    const trips = stream.integer(4);
    if (draw < 0.8) return { kind: 'loop', input: `loop${id}`, trips, body: inner(true) };
    return { kind: 'scan', input: `scan${id}`, trips: 1 + trips, body: inner(false) };
  });
}

const shape = [2, 4];
const F = DataType.FLOAT;
const weight = (id: number): TensorProto =>
  float32Tensor(
    `w${id}`,
    [4, 4],
    Float32Array.from({ length: 16 }, (_, i) => 0.1 * ((i + id) % 7) - 0.2),
  );

interface Emission {
  readonly inputs: Map<string, ValueInfoProto>;
  readonly weights: Map<string, TensorProto>;
  /** Values of the inputs that govern. */
  readonly given: Record<string, string>;
  count: number;
}

const finish = (nodes: readonly NodeProto[], last: string, { inputs, weights }: Emission): ModelProto =>
  makeModel(
    {
      name: 'program',
      nodes: [makeNode('Tanh', ['x'], ['first']), ...nodes, makeNode('Tanh', [last], ['y'])],
      inputs: [makeValueInfo('x', F, shape), ...inputs.values()],
      outputs: [makeValueInfo('y', F)],
      initializers: [int64Tensor('two', [], [2]), int64Tensor('zero', [], [0]), ...weights.values()],
    },
    { '': 17 },
    8,
  );

const start = (): Emission => ({ inputs: new Map(), weights: new Map(), given: {}, count: 0 });

/** The program with bodies, and what its governing inputs are given. */
export function withBodies(program: Program): { readonly model: ModelProto; readonly inputs: Record<string, string> } {
  const emission = start();
  const { nodes, last, own } = emit(program, 'first', '', emission);
  for (const tensor of own) emission.weights.set(tensor.name, tensor);
  return { model: finish(nodes, last, emission), inputs: emission.given };
}

interface Emitted {
  readonly nodes: readonly NodeProto[];
  readonly last: string;
  readonly own: readonly TensorProto[];
}

function emit(program: Program, first: string, trip: string, emission: Emission): Emitted {
  const nodes: NodeProto[] = [];
  const own: TensorProto[] = [];
  let value = first;
  for (const step of program) {
    const at = emission.count++;
    const made = `v${at}`;
    const body = (inner: Program, entry: string, number: string, control: readonly string[], extra: ValueInfoProto[]) =>
      graphOf(emit(inner, entry, number, emission), control, extra);
    if (step.kind === 'matmul') {
      if (step.own) own.push(weight(step.id));
      else emission.weights.set(`w${step.id}`, weight(step.id));
      nodes.push(makeNode('MatMul', [value, `w${step.id}`], [made]));
    } else if (step.kind === 'tanh') nodes.push(makeNode('Tanh', [value], [made]));
    else if (step.kind === 'sub') nodes.push(makeNode('Sub', [value, 'x'], [made]));
    else if (step.kind === 'if') {
      const condition = step.condition ?? `even${at}`;
      if (step.condition === null) {
        nodes.push(makeNode('Mod', [trip, 'two'], [`mod${at}`]));
        nodes.push(makeNode('Equal', [`mod${at}`, 'zero'], [condition]));
      } else {
        emission.inputs.set(condition, makeValueInfo(condition, DataType.BOOL, []));
        emission.given[condition] = String(Number(step.holds));
      }
      const [then_branch, else_branch] = step.sides.map((side) => body(side, value, trip, [], []));
      nodes.push(
        withGraphs(makeNode('If', [condition], [made]), { then_branch: then_branch!, else_branch: else_branch! }),
      );
    } else if (step.kind === 'loop') {
      emission.inputs.set(step.input, makeValueInfo(step.input, DataType.INT64, []));
      emission.given[step.input] = String(step.trips);
      const [number, goesOn, state] = [`trip${at}`, `on${at}`, `state${at}`];
      const inputs = [
        makeValueInfo(number, DataType.INT64, []),
        makeValueInfo(goesOn, DataType.BOOL, []),
        makeValueInfo(state, F, shape),
      ];
      const graph = body(step.body, state, number, [goesOn, `${goesOn}/out`], inputs);
      nodes.push(withGraphs(makeNode('Loop', [step.input, '', value], [made]), { body: graph }));
    } else {
      emission.inputs.set(step.input, makeValueInfo(step.input, F, [step.trips, ...shape]));
      const [state, element] = [`state${at}`, `element${at}`];
      const inputs = [makeValueInfo(state, F, shape), makeValueInfo(element, F, shape)];
      const { nodes: inner, last, own: constants } = emit(step.body, `entry${at}`, trip, emission);
      const entry = makeNode('Sub', [state, element], [`entry${at}`]);
      const graph = graphOf({ nodes: [entry, ...inner], last, own: constants }, [], inputs);
      nodes.push(withGraphs(makeNode('Scan', [value, step.input], [made], { num_scan_inputs: 1 }), { body: graph }));
    }
    value = made;
  }
  return { nodes, last: value, own };
}

/** @param control of a Loop, the condition that its body is given and the one that it gives */
function graphOf({ nodes, last, own }: Emitted, control: readonly string[], input: readonly ValueInfoProto[]) {
  const [given, gives] = control;
  return create(GraphProtoSchema, {
    name: `body of ${last}`,
    node: [...nodes, ...(given && gives ? [makeNode('Identity', [given], [gives])] : [])],
    initializer: [...own],
    input: [...input],
    output: [...(gives ? [makeValueInfo(gives, DataType.BOOL, [])] : []), makeValueInfo(last, F, shape)],
  });
}

function withGraphs(node: NodeProto, graphs: Readonly<Record<string, ReturnType<typeof graphOf>>>): NodeProto {
  for (const [name, g] of Object.entries(graphs))
    node.attribute.push(create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g }));
  return node;
}

/** What runs of the program, in a row, and what its control costs beyond: FLOPs, bytes read and bytes written. */
export function unrolled(program: Program): { readonly model: ModelProto; readonly control: readonly number[] } {
  const emission = start();
  const nodes: NodeProto[] = [];
  const control = [0, 0, 0];
  const charge = (...costs: readonly number[]): void => {
    for (const [i, cost] of costs.entries()) control[i]! += cost;
  };
  const apply = (operator: string, inputs: readonly string[]): string => {
    const made = `v${emission.count++}`;
    nodes.push(makeNode(operator, inputs, [made]));
    return made;
  };
  const play = (steps: Program, first: string, trip: number): string => {
    let value = first;
    for (const step of steps) {
      if (step.kind === 'matmul') {
        emission.weights.set(`w${step.id}`, weight(step.id));
        value = apply('MatMul', [value, `w${step.id}`]);
      } else if (step.kind === 'tanh') value = apply('Tanh', [value]);
      else if (step.kind === 'sub') value = apply('Sub', [value, 'x']);
      else if (step.kind === 'if') {
        // Mod reads and writes an int64, Equal reads one and writes a bool.
        if (step.condition === null) charge(2, 16, 9);
        value = play(step.sides[(step.condition === null ? trip % 2 === 0 : step.holds) ? 0 : 1]!, value, trip);
      } else {
        for (let turn = 0; turn < step.trips; turn++) {
          if (step.kind === 'loop') {
            charge(0, 1, 1);
            value = play(step.body, value, turn);
            continue;
          }
          const element = `${step.input}/${emission.count}`;
          emission.inputs.set(element, makeValueInfo(element, F, shape));
          value = play(step.body, apply('Sub', [value, element]), trip);
        }
      }
    }
    return value;
  };
  const last = play(program, 'first', 0);
  return { model: finish(nodes, last, emission), control };
}
