// Analysing a model runs it, and a model can make ONNX Runtime crash, use all memory or never end. So it runs in a process of
// its own (analysis-child.ts), which leaves the result in the cache. If that process dies, this one throws an error.
import { join } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import { packageRoot } from '../../base/files/paths.js';
import { elementBytes } from '../../base/onnx/tensor-data.js';
import { runSupervised } from '../../base/processes/supervised.js';
import type { ModelInput } from '../model-facts.js';
import { modelLimits } from './limits.js';
import { elements } from './operators.js';

export interface AnalysisJob {
  /** The ONNX file. */
  readonly path: string;
  readonly inputs: readonly ModelInput[];
  /** Files with values by input name. */
  readonly files: Readonly<Record<string, string>>;
  readonly label: string;
  /** Where the results go: basic.onnx, then analysis.json. */
  readonly folder: string;
  /** What exposed tensors may take at once. */
  readonly heldBytes: number;
}

const script = join(packageRoot, 'dist', 'models', 'analysis', 'analysis-child.js');

/**
 * Analyses a model into a folder, within the limits for its size.
 * @param fileBytes of the file and its external data
 * @throws InputError when the model is refused, exceeds a limit, or ends the process that runs it
 */
export async function analyseSupervised(job: Omit<AnalysisJob, 'heldBytes'>, fileBytes: number): Promise<void> {
  const { label, inputs } = job;
  const sizes = inputs.map(({ shape }) => elements(shape));
  const inputElements = sizes.reduce((sum, size) => sum + size, 0);
  const inputBytes = inputs.reduce((sum, { elemType }, i) => sum + sizes[i]! * (elementBytes(elemType) || 8), 0);
  const limits = modelLimits({ fileBytes, inputBytes });
  if (inputElements > limits.inputElements) {
    throw new InputError(
      `models: ${label}: its inputs have ${inputElements} elements together, and ${limits.inputElements} are allowed: ${inputs.map(({ name, shape }) => `"${name}" is [${shape.join(', ')}]`).join(', ')}.`,
      `Give smaller shapes (--shape), or allow more with SPAROA_GYM_MAX_INPUT_ELEMENTS=${inputElements}.`,
    );
  }
  const heldBytes = Math.min(2 ** 30, limits.memoryBytes / 4);
  const ending = await runSupervised(script, { ...job, heldBytes } satisfies AnalysisJob, limits);
  if ('signal' in ending) {
    throw new InputError(
      `models: ${label}: ONNX Runtime crashed while it ran the model (${ending.signal}).`,
      'Check that the file runs in ONNX Runtime by itself: it computes what no processor can (such as the smallest integer divided by -1), or is damaged.',
    );
  }
  if ('exceeded' in ending) {
    const { memoryBytes, cpuSeconds } = limits;
    const gigabytes = (memoryBytes / 1e9).toFixed(1);
    throw ending.exceeded === 'memory'
      ? new InputError(
          `models: ${label}: running it takes more than ${gigabytes} GB of memory, the limit for its size.`,
          `Give smaller shapes (--shape), or allow more with SPAROA_GYM_MAX_MEMORY_GB=${(2 * Number(gigabytes)).toFixed(1)}.`,
        )
      : new InputError(
          `models: ${label}: running it takes more than ${cpuSeconds.toFixed(0)} s of processor time, the limit for its size.`,
          `Check that its loops end, or allow more with SPAROA_GYM_MAX_CPU_SECONDS=${(10 * cpuSeconds).toFixed(0)}.`,
        );
  }
}
