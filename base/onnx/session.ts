// ONNX Runtime sessions with the settings that make results repeatable: one thread, sequential, quiet.
import * as ort from 'onnxruntime-node';

export type { InferenceSession, Tensor } from 'onnxruntime-node';

export type OptimizationLevel = 'disabled' | 'basic' | 'extended' | 'all';

export interface SessionOptions {
  readonly level: OptimizationLevel;
  /** Where ONNX Runtime writes the graph it has optimised. */
  readonly optimizedModelFilePath?: string;
  /** Weights stay as they are instead of being laid out for the kernels: a third of the time to open it on 350 MB of them. */
  readonly neverRuns?: boolean;
  /** QuantizeLinear and DequantizeLinear are neither moved nor merged into the operators between them. */
  readonly leavesQuantisers?: boolean;
  /** Threads within an operator; 1 unless a measurement is about more. */
  readonly threads?: number;
}

/** Opens a session on the CPU provider. `model` is a path (needed for external data) or the model's bytes. */
export async function openSession(model: string | Uint8Array, options: SessionOptions): Promise<ort.InferenceSession> {
  const settings: ort.InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    graphOptimizationLevel: options.level,
    intraOpNumThreads: options.threads ?? 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Only fatal messages: an error comes back as an exception, and is reported once, by us.
    logSeverityLevel: 4,
    ...((options.neverRuns || options.leavesQuantisers) && {
      extra: {
        session: {
          ...(options.neverRuns && { disable_prepacking: '1' }),
          ...(options.leavesQuantisers && { disable_quant_qdq: '1' }),
        },
      },
    }),
    ...(options.optimizedModelFilePath && { optimizedModelFilePath: options.optimizedModelFilePath }),
  };
  return typeof model === 'string'
    ? ort.InferenceSession.create(model, settings)
    : ort.InferenceSession.create(model, settings);
}

export const OrtTensor = ort.Tensor;
