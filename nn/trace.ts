// From a step definition to a trace: the step is run twice on the recording backend, from the same state on the same
// inputs. What the second run does must be what the first did; a difference is something baked in that ought to be an
// input, such as a random number, a counter or a clock.

import { InputError } from '../base/errors/input-error.js';
import {
  type ConstantTensor,
  type KernelCall,
  onBackend,
  Recording,
  record,
  type TensorRef,
  tracerName,
} from './recorder.js';
import { instantiate, type Program, type StepDefinition } from './step.js';
import * as tf from './tf.js';

/** A tensor that enters or leaves the step. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: TensorRef;
}

export interface TracedVariable {
  readonly name: string;
  readonly initial: Float32Array;
  /** Its data before the step, and after. */
  readonly before: TensorRef;
  readonly after: TensorRef;
}

/** One run of a step, as data. */
export interface Trace {
  readonly inputs: readonly NamedTensor[];
  readonly state: readonly TracedVariable[];
  readonly calls: readonly KernelCall[];
  readonly constants: ReadonlyMap<object, ConstantTensor>;
  readonly outputs: readonly NamedTensor[];
}

/**
 * Traces the step. TensorFlow.js is left as it was found.
 * @throws InputError when the step reads tensor values, or is not the same twice.
 */
export function traceStep(definition: StepDefinition): Trace {
  return onBackend(tracerName(), () => {
    // Slots that an optimiser makes in the first run are state of that run and of the second.
    const initial = new Map<string, Float32Array>();
    let recording: Recording | null = null;
    const created = new Map<string, TensorRef>();
    const program = instantiate(definition, (name, variable) => {
      if (variable.dtype !== 'float32')
        throw new Error(`nn: state variable "${name}" is ${variable.dtype}, not float32`);
      initial.set(name, variable.dataSync().slice() as Float32Array);
      created.set(name, refOf(variable));
      recording?.markDynamic(variable);
    });
    try {
      const runOnce = (): Trace => {
        recording = new Recording();
        return traceOnce(definition, program, initial, created, recording);
      };
      const first = runOnce();
      const second = runOnce();
      checkSame(first, second);
      return second;
    } finally {
      program.dispose();
    }
  });
}

function traceOnce(
  definition: StepDefinition,
  program: Program,
  initial: ReadonlyMap<string, Float32Array>,
  before: Map<string, TensorRef>,
  recording: Recording,
): Trace {
  tf.engine().startScope();
  try {
    for (const [name, variable] of program.variables) {
      variable.assign(tf.tensor(initial.get(name)!.slice(), variable.shape));
      before.set(name, refOf(variable));
      recording.markDynamic(variable);
    }
    const inputs = Object.entries(definition.inputs).map(([name, shape]) => {
      const tensor = tf.zeros([...shape]);
      recording.markDynamic(tensor);
      return { name, tensor };
    });
    const results = record(recording, () =>
      program.call(Object.fromEntries(inputs.map(({ name, tensor }) => [name, tensor]))),
    );
    const outputs = Object.entries(results).map(([name, tensor]) => ({ name, tensor: refOf(tensor) }));
    const state = [...program.variables].map(([name, variable]) => ({
      name,
      initial: initial.get(name)!,
      before: before.get(name)!,
      after: refOf(variable),
    }));
    for (const { tensor } of outputs) recording.captureConstant(tensor);
    for (const { after } of state) recording.captureConstant(after);
    return {
      inputs: inputs.map(({ name, tensor }) => ({ name, tensor: refOf(tensor) })),
      state,
      calls: recording.calls,
      constants: recording.constants,
      outputs,
    };
  } finally {
    tf.engine().endScope();
  }
}

function refOf({ dataId, shape, dtype }: tf.Tensor): TensorRef {
  return { dataId, shape: [...shape], dtype };
}

function checkSame(first: Trace, second: Trace): void {
  const names = [new Map<object, string>(), new Map<object, string>()] as const;
  /** What two tensors that play the same part have in common: their constant values, or where they were computed. */
  const describe = (trace: Trace, known: Map<object, string>, { dataId, shape, dtype }: TensorRef): string => {
    const constant = trace.constants.get(dataId);
    return `${dtype}[${shape}] ${constant ? `constant ${constant.values}` : known.get(dataId)}`;
  };
  const declare = (known: Map<object, string>, ref: TensorRef, name: string): void => void known.set(ref.dataId, name);
  for (const [i, trace] of [first, second].entries()) {
    for (const { name, tensor } of trace.inputs) declare(names[i]!, tensor, `input ${name}`);
    for (const { name, before } of trace.state) declare(names[i]!, before, `state ${name}`);
  }
  const differ = (what: string) =>
    new InputError(
      `nn: the step is not the same twice: ${what} differs between two runs on the same inputs (a random number, a counter or a clock is baked in).`,
      'Pass what changes from step to step as an input of the step.',
    );
  const sameTensor = (a: TensorRef, b: TensorRef, what: string): void => {
    if (describe(first, names[0], a) !== describe(second, names[1], b)) throw differ(what);
  };
  for (let i = 0; i < Math.max(first.calls.length, second.calls.length); i++) {
    const a = first.calls[i];
    const b = second.calls[i];
    if (!a || !b || a.kernel !== b.kernel) throw differ(`kernel ${i} (${a?.kernel ?? 'none'}, ${b?.kernel ?? 'none'})`);
    if (JSON.stringify(a.attributes) !== JSON.stringify(b.attributes))
      throw differ(`an attribute of kernel ${i} (${a.kernel})`);
    for (const [key, input] of Object.entries(a.inputs)) {
      sameTensor(input, b.inputs[key]!, `input "${key}" of kernel ${i} (${a.kernel})`);
    }
    for (const [k, output] of a.outputs.entries()) {
      declare(names[0], output, `kernel ${i} output ${k}`);
      declare(names[1], b.outputs[k]!, `kernel ${i} output ${k}`);
    }
  }
  for (const [i, { name, tensor }] of first.outputs.entries())
    sameTensor(tensor, second.outputs[i]!.tensor, `output "${name}"`);
  for (const [i, { name, after }] of first.state.entries())
    sameTensor(after, second.state[i]!.after, `state "${name}"`);
}
