// Runs a compiled step on ONNX Runtime. State is double-buffered: a step reads one set of tensors and writes the other,
// then they change places. All tensors are made once.
import type { InferenceSession, Tensor } from '../base/onnx/session.js';
import { OrtTensor, openSession } from '../base/onnx/session.js';
import { emitModel } from './emit.js';
import { type Graph, sizeOf } from './graph.js';
import { graphName, lower, OUTPUTS } from './lower.js';
import { optimise } from './optimise.js';
import { rules } from './rules.js';
import { restoreState, type StepDefinition, type StepRunner } from './step.js';
import { type Trace, traceStep } from './trace.js';

/** The graph a step compiles to. */
export function compileStep(definition: StepDefinition): { readonly trace: Trace; readonly graph: Graph } {
  const trace = traceStep(definition);
  return { trace, graph: optimise(lower(trace), rules) };
}

/**
 * Compiles `definition` and opens it on ONNX Runtime, one thread.
 * @throws InputError when the step uses an unknown kernel, reads tensor values, or is not the same twice.
 */
export async function createCompiledRunner(definition: StepDefinition): Promise<StepRunner> {
  const { trace, graph } = compileStep(definition);
  return new CompiledRunner(trace, graph, await openSession(emitModel(graph), { level: 'all' }));
}

interface Swap {
  readonly name: string;
  readonly feed: string;
  readonly fetch: string;
}

class CompiledRunner implements StepRunner {
  readonly backend = 'compiled';
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly #session: InferenceSession;
  readonly #feeds: Record<string, Tensor> = {};
  /** What the next step writes. */
  readonly #fetches: Record<string, Tensor> = {};
  readonly #state: Record<string, Float32Array> = {};
  readonly #swaps: readonly Swap[];

  constructor(trace: Trace, graph: Graph, session: InferenceSession) {
    this.#session = session;
    const place = (tensors: Record<string, Tensor>, name: string, shape: readonly number[], values?: Float32Array) => {
      const data = new Float32Array(sizeOf(shape));
      if (values) data.set(values);
      tensors[name] = new OrtTensor('float32', data, shape);
      return data;
    };
    this.inputs = Object.fromEntries(
      trace.inputs.map(({ name, tensor }) => [name, place(this.#feeds, graphName.input(name), tensor.shape)]),
    );
    const results = graph.outputs.get(OUTPUTS);
    const packed = results ? place(this.#fetches, OUTPUTS, results.shape) : new Float32Array(0);
    const outputs: Record<string, Float32Array> = {};
    let end = 0;
    for (const { name, tensor } of trace.outputs) outputs[name] = packed.subarray(end, (end += sizeOf(tensor.shape)));
    this.outputs = outputs;
    const swaps: Swap[] = [];
    for (const { name, before, initial } of trace.state) {
      const feed = graphName.state(name);
      const fetch = graphName.next(name);
      this.#state[name] = place(this.#feeds, feed, before.shape, initial);
      if (!graph.outputs.has(fetch)) continue;
      place(this.#fetches, fetch, before.shape);
      swaps.push({ name, feed, fetch });
    }
    this.#swaps = swaps;
  }

  async run(): Promise<void> {
    await this.#session.run(this.#feeds, this.#fetches);
    for (const { name, feed, fetch } of this.#swaps) {
      const next = this.#fetches[fetch]!;
      this.#fetches[fetch] = this.#feeds[feed]!;
      this.#feeds[feed] = next;
      this.#state[name] = next.data as Float32Array;
    }
  }

  readVariable(name: string): Float32Array {
    const values = this.#state[name];
    if (!values) throw new Error(`nn: no state variable "${name}"; there are ${Object.keys(this.#state).join(', ')}`);
    return values;
  }

  save(): Record<string, Float32Array> {
    return Object.fromEntries(Object.entries(this.#state).map(([name, values]) => [name, values.slice()]));
  }

  load(state: Readonly<Record<string, Float32Array>>): void {
    restoreState(this.#state, state);
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
