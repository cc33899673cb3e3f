// Records which kernels a TensorFlow.js computation runs. The computation runs on a backend of its own, "step-tracer": the
// CPU backend's storage and kernels, each kernel registered through a wrapper that notes its inputs, attributes and
// outputs. The CPU backend itself is left as it is.
//
// What does not depend on an input or on state is a constant: kernels over constants are run, not recorded, so constant
// expressions fold themselves.

import { InputError } from '../base/errors/input-error.js';
import { broadcastShape, sizeOf } from './graph.js';
import * as tf from './tf.js';

const TRACER = 'step-tracer';

/** A tensor as it was when a kernel saw it: its data's identity, which a variable's `assign` changes, and its view of it. */
export interface TensorRef {
  readonly dataId: object;
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
}

export interface KernelCall {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, TensorRef>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly outputs: readonly TensorRef[];
}

export interface ConstantTensor {
  readonly dtype: tf.DataType;
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** Kernels that read the shape of their input and nothing else: their outputs are constants. */
const SHAPE_ONLY = new Set(['ZerosLike', 'OnesLike']);

/** The kernels of one run of a step. */
export class Recording {
  readonly calls: KernelCall[] = [];
  readonly constants = new Map<object, ConstantTensor>();
  readonly #dynamic = new Set<object>();
  #inKernel = false;

  /** Declares data that differs from step to step: an input or a state variable. */
  markDynamic(tensor: { readonly dataId: object }): void {
    this.#dynamic.add(tensor.dataId);
  }

  /** Runs `kernelFunc` and notes the call. Kernels that kernels call are part of the outer one. */
  run(name: string, kernelFunc: tf.KernelFunc, params: Parameters<tf.KernelFunc>[0]): ReturnType<tf.KernelFunc> {
    if (this.#inKernel) return kernelFunc(params);
    const inputs = Object.fromEntries(
      Object.entries(params.inputs ?? {}).flatMap(([key, input]) => (input ? [[key, refOf(input)]] : [])),
    );
    this.#inKernel = true;
    try {
      const isDynamic = Object.values(inputs).some(({ dataId }) => this.#dynamic.has(dataId));
      const result = isDynamic && name === 'BatchMatMul' ? emptyProduct(inputs, params) : kernelFunc(params);
      const outputs = (Array.isArray(result) ? result : [result]).map(refOf);
      this.#add({ kernel: name, inputs, attributes: params.attrs ?? {}, outputs });
      return result;
    } finally {
      this.#inKernel = false;
    }
  }

  /** Keeps the values of a tensor that is neither input nor state nor computed from one. */
  captureConstant(ref: TensorRef): void {
    if (this.#dynamic.has(ref.dataId) || this.constants.has(ref.dataId)) return;
    const values = tracerBackend().readSync(ref.dataId);
    this.constants.set(ref.dataId, { dtype: ref.dtype, values: values.slice() });
  }

  /** @throws InputError when the step's own code, not a kernel, reads data that differs from step to step. */
  checkRead(dataId: object): void {
    if (this.#inKernel || !this.#dynamic.has(dataId)) return;
    throw new InputError(
      'nn: the step reads the values of a tensor that depends on its inputs or state (dataSync, data, array or print).',
      'Compute with tensor operations instead, or make what is decided outside an input of the step.',
    );
  }

  #add(call: KernelCall): void {
    const inputs = Object.values(call.inputs);
    const isDynamic = inputs.some(({ dataId }) => this.#dynamic.has(dataId));
    if (!isDynamic || SHAPE_ONLY.has(call.kernel)) return;
    // Reshape, Identity and casts to a wider type share their input's data: the reader adapts shape and type.
    if (call.outputs.every((output) => inputs.some(({ dataId }) => dataId === output.dataId))) return;
    for (const input of inputs) this.captureConstant(input);
    for (const output of call.outputs) this.#dynamic.add(output.dataId);
    this.calls.push(call);
  }
}

/**
 * A tensor of a matrix product's shape. Nobody sees the values of what a trace computes from its inputs, so the products,
 * which would take nearly all of its time, are left out.
 */
function emptyProduct(inputs: KernelCall['inputs'], { attrs }: Parameters<tf.KernelFunc>[0]): tf.TensorInfo {
  const [a, b] = [inputs.a!.shape, inputs.b!.shape];
  const batch = broadcastShape(a.slice(0, -2), b.slice(0, -2));
  const shape = [...batch, a.at(attrs?.transposeA ? -1 : -2)!, b.at(attrs?.transposeB ? -2 : -1)!];
  return tracerBackend().makeTensorInfo(shape, 'float32', new Float32Array(sizeOf(shape)));
}

function refOf({ dataId, shape, dtype }: tf.TensorInfo): TensorRef {
  return { dataId, shape: [...shape], dtype };
}

let active: Recording | null = null;

/** Runs `body` on the tracer backend, recording into `recording`. */
export function record<T>(recording: Recording, body: () => T): T {
  if (active) throw new Error('nn: a step is being traced already');
  return onBackend(tracerName(), () => {
    active = recording;
    try {
      return body();
    } finally {
      active = null;
    }
  });
}

/**
 * Runs `body` with `name` as the current backend, then goes back. Synchronous: `setBackend` takes effect at once for a
 * backend that is initialised, or whose factory gives no promise.
 */
export function onBackend<T>(name: string, body: () => T): T {
  const previous = currentBackend();
  void tf.setBackend(name);
  try {
    return body();
  } finally {
    void tf.setBackend(previous);
  }
}

/** The backend in use; before anyone has chosen one, the CPU's, so that there is one to go back to. */
export const currentBackend = (): string => tf.getBackend() ?? 'cpu';

/** What is used of the CPU backend besides its kernels. */
interface TracerBackend {
  makeTensorInfo(shape: readonly number[], dtype: tf.DataType, values: Float32Array): tf.TensorInfo;
  readSync(dataId: object): Float32Array | Int32Array | Uint8Array;
  read(dataId: object): Promise<Float32Array | Int32Array | Uint8Array>;
}

function tracerBackend(): TracerBackend {
  return tf.engine().findBackend(TRACER) as unknown as TracerBackend;
}

/** The name of the tracer backend, which is registered on first use. */
export function tracerName(): string {
  if (tf.findBackendFactory(TRACER)) return TRACER;
  // Without this, every backend greets the user with an advertisement on its first write.
  tf.enableProdMode();
  tf.registerBackend(TRACER, tf.findBackendFactory('cpu'), 0);
  for (const config of tf.getKernelsForBackend('cpu')) {
    const { kernelName, kernelFunc } = config;
    tf.registerKernel({
      ...config,
      backendName: TRACER,
      kernelFunc: (params) => (active ? active.run(kernelName, kernelFunc, params) : kernelFunc(params)),
    });
  }
  const backend = tracerBackend();
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (dataId) => {
    active?.checkRead(dataId);
    return readSync(dataId);
  };
  backend.read = async (dataId) => backend.readSync(dataId);
  return TRACER;
}
