// From a trace to a graph: each recorded kernel is looked up in the tables by name and becomes ONNX operators.
import { InputError } from '../base/errors/input-error.js';
import { type Graph, GraphBuilder, sizeOf, type Value } from './graph.js';
import { elementType, type LoweringTable } from './kernel.js';
import { elementwiseKernels } from './kernels-elementwise.js';
import { tensorKernels } from './kernels-tensor.js';
import type { TensorRef } from './recorder.js';
import type { Trace } from './trace.js';

/** Every kernel the compiler knows, by its TensorFlow.js name. */
export const kernels: LoweringTable = { ...elementwiseKernels, ...tensorKernels };

/** The name of the graph output that holds the step's outputs end to end, in their order. */
export const OUTPUTS = 'outputs';

/** Names of a graph's other inputs and outputs, by what they are to the step. */
export const graphName = {
  input: (name: string) => `input:${name}`,
  state: (name: string) => `state:${name}`,
  next: (name: string) => `next:${name}`,
};

/**
 * The graph of a traced step: inputs are the step's inputs and its state, outputs its outputs, as one vector, and the state it changes.
 * @throws InputError naming a kernel that is in no table.
 */
export function lower(trace: Trace): Graph {
  const g = new GraphBuilder();
  /** The value that holds a tensor's data, in the shape and type it was computed in. */
  const values = new Map<object, Value>();
  const declare = (name: string, ref: TensorRef) => values.set(ref.dataId, g.input(name, typeOf(ref), ref.shape));
  for (const { name, tensor } of trace.inputs) declare(graphName.input(name), tensor);
  for (const { name, before } of trace.state) declare(graphName.state(name), before);

  /** The tensor as `ref` views it: data may be shared between shapes (reshape) and types (bool to float32). */
  const view = (ref: TensorRef): Value => {
    let value = values.get(ref.dataId);
    if (!value) {
      const constant = trace.constants.get(ref.dataId)!;
      const type = typeOf({ ...ref, dtype: constant.dtype });
      const data = type === 'float32' ? Float32Array.from(constant.values) : constant.values;
      value = g.constant(type, ref.shape, data);
      values.set(ref.dataId, value);
    }
    return g.cast(g.reshape(value, ref.shape), typeOf(ref));
  };

  for (const call of trace.calls) {
    const lowering = Object.hasOwn(kernels, call.kernel) ? kernels[call.kernel] : undefined;
    if (!lowering) {
      throw new InputError(
        `nn: the step uses the TensorFlow.js kernel "${call.kernel}", which the step compiler cannot translate.`,
        `Write it with other operations, run the step with --backend tfjs, or add the kernel to nn/. Known: ${Object.keys(kernels).sort().join(', ')}.`,
      );
    }
    const outs = call.outputs.map((ref) => ({ type: typeOf(ref), shape: ref.shape }));
    const results = lowering({
      g,
      name: call.kernel,
      inputs: Object.values(call.inputs).map(view),
      input: (name) => view(call.inputs[name]!),
      attribute: <T>(name: string) => call.attributes[name] as T,
      out: outs[0]!,
      outs,
    });
    for (const [i, value] of [results].flat().entries()) values.set(call.outputs[i]!.dataId, value);
  }

  const outputs = new Map<string, Value>();
  // One tensor for all outputs: ONNX Runtime's JavaScript binding takes 3 us for each output of a session.
  const results = trace.outputs.map(({ tensor }) => g.reshape(g.cast(view(tensor), 'float32'), [sizeOf(tensor.shape)]));
  if (results.length > 0) {
    const shape = [results.reduce((sum, result) => sum + result.shape[0]!, 0)];
    outputs.set(OUTPUTS, g.apply('Concat', results, { type: 'float32', shape }, { axis: 0 }));
  }
  for (const { name, before, after } of trace.state) {
    if (after.dataId !== before.dataId) outputs.set(graphName.next(name), view(after));
  }
  return { inputs: g.inputs, nodes: g.nodes, outputs };
}

function typeOf({ dtype, shape }: TensorRef) {
  const type = elementType(dtype);
  if (type) return type;
  throw new InputError(
    `nn: the step computes a ${dtype} tensor of shape [${shape}], which the step compiler cannot translate.`,
    'Use float32, int32 or bool.',
  );
}
