// Limits on models. A file of a hundred bytes can ask for terabytes of memory or run for ever, so everything that a file can
// ask for has a limit. Limits on memory and time grow with the size of the file and its inputs.
import { InputError } from '../../base/errors/input-error.js';

export interface ModelLimits {
  /** Nodes, those of bodies included. */
  readonly nodes: number;
  /** Of all graph inputs together. */
  readonly inputElements: number;
  /** Resident memory of the process that measures the model, bytes. */
  readonly memoryBytes: number;
  /** Processor time of that process, s. */
  readonly cpuSeconds: number;
}

/** What a model is known to hold before it is run, bytes. */
export interface ModelSize {
  /** The file and its external data. */
  readonly fileBytes: number;
  readonly inputBytes: number;
}

/**
 * The limits for a model of this size: those of the environment, or the defaults that docs/models.md states.
 * @throws InputError when a setting of the environment is no positive number
 */
export function modelLimits({ fileBytes, inputBytes }: ModelSize = { fileBytes: 0, inputBytes: 0 }): ModelLimits {
  return {
    nodes: setting('NODES') ?? 50_000,
    // 222 pictures of 224 x 224.
    inputElements: setting('INPUT_ELEMENTS') ?? 2 ** 25,
    // Weights are held up to eight times while ONNX Runtime rewrites a model; a wide layer at full resolution holds a few
    // hundred numbers for one of the input.
    memoryBytes: (setting('MEMORY_GB') ?? 1 + (8 * fileBytes + 256 * inputBytes) / 1e9) * 1e9,
    // Dense networks take 0.1 s for a megabyte of either, those that use weights often a few seconds.
    cpuSeconds: setting('CPU_SECONDS') ?? 2 + (10 * (fileBytes + inputBytes)) / 1e6,
  };
}

function setting(name: string): number | null {
  const variable = `SPAROA_GYM_MAX_${name}`;
  const text = process.env[variable];
  if (text === undefined || text === '') return null;
  const value = Number(text);
  if (value > 0) return value;
  throw new InputError(
    `models: ${variable} is "${text}".`,
    'Give a number above 0, or leave it unset for the default.',
  );
}
