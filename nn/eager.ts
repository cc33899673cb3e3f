// Runs a step eagerly in TensorFlow.js: on its native GPU backend where that is installed, else on another of its backends.
import { InputError } from '../base/errors/input-error.js';
import { sizeOf } from './graph.js';
import { currentBackend, onBackend } from './recorder.js';
import { instantiate, type Program, restoreState, type StepDefinition, type StepRunner } from './step.js';
import * as tf from './tf.js';

/**
 * Registers the native backend if `@tensorflow/tfjs-node-gpu`, an optional peer, is installed. Whether it is.
 * @throws InputError when it is installed but does not load.
 */
async function loadNativeBackend(): Promise<boolean> {
  // A name in a variable: the type checker need not find a package that is optional.
  const nativePackage = '@tensorflow/tfjs-node-gpu';
  try {
    import.meta.resolve(nativePackage);
  } catch {
    return false;
  }
  try {
    await import(nativePackage);
    return true;
  } catch (error) {
    throw new InputError(
      `nn: ${nativePackage} is installed but does not load: ${(error as Error).message.split('\n')[0]}`,
      'Mend its installation (docs/gpu.md), or uninstall it to run TensorFlow.js on the CPU.',
    );
  }
}

/**
 * Instantiates `definition` on the TensorFlow.js backend `backend`, which must be registered; by default `tensorflow` (the
 * native one) where available, else `cpu`.
 */
export async function createEagerRunner(definition: StepDefinition, backend?: string): Promise<StepRunner> {
  tf.enableProdMode();
  const name = backend ?? ((await loadNativeBackend()) ? 'tensorflow' : 'cpu');
  const previous = currentBackend();
  // Backends with an asynchronous start (wasm) are initialised here; from now on a switch takes effect at once.
  if (!(await tf.setBackend(name))) throw new Error(`nn: the TensorFlow.js backend "${name}" does not start`);
  await tf.setBackend(previous);
  return onBackend(name, () => new EagerRunner(name, definition));
}

class EagerRunner implements StepRunner {
  readonly backend: string;
  readonly inputs: Record<string, Float32Array> = {};
  readonly outputs: Record<string, Float32Array> = {};
  readonly #name: string;
  readonly #shapes: readonly (readonly [string, readonly number[]])[];
  readonly #program: Program;
  /** Copies of variables that have been read since they last changed. */
  #values = new Map<string, Float32Array>();

  constructor(name: string, definition: StepDefinition) {
    this.#name = name;
    this.backend = `tfjs-${name}`;
    this.#shapes = Object.entries(definition.inputs);
    for (const [input, shape] of this.#shapes) this.inputs[input] = new Float32Array(sizeOf(shape));
    const initial = new Map<string, Float32Array>();
    this.#program = instantiate(definition, (variable, tensor) => {
      initial.set(variable, tensor.dataSync().slice() as Float32Array);
    });
    // One step on zeros makes the variables that an optimiser makes on first use; then everything is put back.
    this.#step();
    this.#assign(Object.fromEntries(initial));
    for (const output of Object.values(this.outputs)) output.fill(0);
  }

  async run(): Promise<void> {
    onBackend(this.#name, () => this.#step());
  }

  readVariable(name: string): Float32Array {
    let values = this.#values.get(name);
    if (!values) {
      const variable = this.#program.variables.get(name);
      if (!variable) throw new Error(`nn: no state variable "${name}"`);
      values = onBackend(this.#name, () => variable.dataSync().slice() as Float32Array);
      this.#values.set(name, values);
    }
    return values;
  }

  save(): Record<string, Float32Array> {
    return Object.fromEntries(
      [...this.#program.variables.keys()].map((name) => [name, this.readVariable(name).slice()]),
    );
  }

  load(state: Readonly<Record<string, Float32Array>>): void {
    const values = this.save();
    restoreState(values, state);
    onBackend(this.#name, () => this.#assign(values));
  }

  async close(): Promise<void> {
    onBackend(this.#name, () => this.#program.dispose());
  }

  #step(): void {
    this.#values.clear();
    tf.tidy(() => {
      const results = this.#program.call(
        Object.fromEntries(
          this.#shapes.map(([name, shape]) => [name, tf.tensor(this.inputs[name]!.slice(), [...shape])]),
        ),
      );
      for (const [name, tensor] of Object.entries(results)) {
        const values = tensor.dataSync();
        (this.outputs[name] ??= new Float32Array(values.length)).set(values);
      }
    });
  }

  #assign(values: Readonly<Record<string, Float32Array>>): void {
    this.#values.clear();
    tf.tidy(() => {
      for (const [name, variable] of this.#program.variables) {
        variable.assign(tf.tensor(values[name]!.slice(), variable.shape));
      }
    });
  }
}
