// A training step: inputs, state, and a plain TensorFlow.js function from inputs to outputs that assigns the state.
// And what runs one: a StepRunner, compiled (nn/compiled.ts) or eager (nn/eager.ts), with the same results.

import { InputError } from '../base/errors/input-error.js';
import { sizeOf } from './graph.js';
import * as tf from './tf.js';

/** Where a state variable starts. */
export interface Initial {
  readonly shape: readonly number[];
  /** Row-major; its length is the product of `shape`. */
  readonly values: Float32Array;
}

/**
 * A step of learning, written in plain TensorFlow.js. Everything that changes from one step to the next is an input (batches,
 * noise, schedules) or a state variable; the step draws no random numbers and reads no tensor's values.
 */
export interface StepDefinition<Input extends string = string, State extends string = string> {
  /** Shapes of the inputs, all float32. */
  readonly inputs: Readonly<Record<Input, readonly number[]>>;
  readonly state: Readonly<Record<State, Initial>>;
  /**
   * Makes the step function. Variables made here or in the function itself (an optimiser's slots) are state too, named
   * `hidden/0`, `hidden/1`, ... in the order of their creation.
   */
  build(state: Readonly<Record<State, tf.Variable>>): StepFunction<Input>;
}

/** From input tensors to named outputs (losses, statistics). Assigns the state as a side effect. */
export type StepFunction<Input extends string = string> = (
  inputs: Readonly<Record<Input, tf.Tensor>>,
) => Readonly<Record<string, tf.Tensor>>;

/** Executes a step again and again. Buffers are allocated once; a runner runs one step at a time. */
export interface StepRunner {
  /** `compiled`, or `tfjs-` and the name of the TensorFlow.js backend. */
  readonly backend: string;
  /** Write the next step's inputs here. */
  readonly inputs: Readonly<Record<string, Float32Array>>;
  /** The last step's outputs. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** One step: reads `inputs`, updates the state, writes `outputs`. */
  run(): Promise<void>;
  /**
   * The values of a state variable, row-major. Read-only, and valid until the next `run` or `load`.
   * @throws Error for a name that is no state variable.
   */
  readVariable(name: string): Float32Array;
  /** A copy of the whole state. */
  save(): Record<string, Float32Array>;
  /**
   * Continues, to the bit, where `save` was called on a runner of the same step.
   * @throws InputError when names or sizes are those of another step.
   */
  load(state: Readonly<Record<string, Float32Array>>): void;
  close(): Promise<void>;
}

/** Checks that `state` fits a runner whose variables are `live`, and copies it there. */
export function restoreState(
  live: Readonly<Record<string, Float32Array>>,
  state: Readonly<Record<string, Float32Array>>,
): void {
  const names = [...new Set([...Object.keys(live), ...Object.keys(state)])];
  for (const name of names) {
    const expected = live[name]?.length;
    const actual = state[name]?.length;
    if (expected === actual) continue;
    const count = (n: number | undefined) => (n === undefined ? 'nothing' : `${n} numbers`);
    throw new InputError(
      `nn: state variable "${name}" has ${count(expected)} in the network but ${count(actual)} in the checkpoint.`,
      'Load a checkpoint of the same architecture and optimiser.',
    );
  }
  for (const name of names) live[name]!.set(state[name]!);
}

/** A step function with its variables on the current TensorFlow.js backend. */
export interface Program {
  readonly variables: ReadonlyMap<string, tf.Variable>;
  /** Runs the step; variables that it makes on the way join `variables`. */
  call(inputs: Readonly<Record<string, tf.Tensor>>): Readonly<Record<string, tf.Tensor>>;
  dispose(): void;
}

/** Makes the variables of `definition` on the current backend. `onVariable` hears of each, its initial value in place. */
export function instantiate(
  definition: StepDefinition,
  onVariable: (name: string, variable: tf.Variable) => void = () => {},
): Program {
  const variables = new Map<string, tf.Variable>();
  const add = (name: string, variable: tf.Variable) => {
    variables.set(name, variable);
    onVariable(name, variable);
  };
  let hidden = 0;
  const watched = <T>(body: () => T): T => watchVariables((variable) => add(`hidden/${hidden++}`, variable), body);
  const dispose = () => tf.dispose([...variables.values()]);
  try {
    for (const [name, { shape, values }] of Object.entries(definition.state)) {
      if (values.length !== sizeOf(shape)) throw new Error(`nn: state "${name}" has ${values.length} values`);
      const variable = tf.tidy(() => tf.variable(tf.tensor(values.slice(), [...shape])));
      add(name, variable);
    }
    const step = watched(() => definition.build(Object.fromEntries(variables)));
    return { variables, call: (inputs) => watched(() => step(inputs)), dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Runs `body` and calls `onVariable` with every variable made in it, each with data of its own. */
function watchVariables<T>(onVariable: (variable: tf.Variable) => void, body: () => T): T {
  const engine = tf.engine();
  const makeVariable = engine.makeVariable;
  engine.makeVariable = (...parameters) => {
    const variable = makeVariable.apply(engine, parameters);
    // A new variable shares the data of the tensor it was made from; a copy separates the two in a trace.
    tf.tidy(() => variable.assign(tf.tensor(variable.dataSync().slice(), variable.shape, variable.dtype)));
    onVariable(variable);
    return variable;
  };
  try {
    return body();
  } finally {
    Reflect.deleteProperty(engine, 'makeVariable');
  }
}
