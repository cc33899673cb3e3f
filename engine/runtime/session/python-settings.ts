// The Python command, and the conversion of session settings from ONNX Runtime's JavaScript interface to its Python one.
import type { InferenceSession } from 'onnxruntime-node';
import { InputError } from '../../../base/errors/input-error.js';
import type { Provider } from '../devices/device-pair.js';

/** The Python whose onnxruntime is used: `SPAROA_GYM_PYTHON`, else `python3`. */
export const pythonCommand = (): string => process.env.SPAROA_GYM_PYTHON || 'python3';

/**
 * How long an answer of Python may take, ms: `SPAROA_GYM_PYTHON_TIMEOUT`, in seconds.
 * @param defaultMs without that
 * @throws InputError when it is no number above 0
 */
export function pythonLimitMs(defaultMs: number): number {
  const text = process.env.SPAROA_GYM_PYTHON_TIMEOUT;
  if (!text) return defaultMs;
  // Timers hold no more than 31 bits.
  const limitMs = Math.min(Number(text) * 1000, 2 ** 31 - 1);
  if (limitMs > 0) return limitMs;
  throw new InputError(`python: SPAROA_GYM_PYTHON_TIMEOUT is "${text}".`, 'Give a number of seconds above 0.');
}

/** ONNX Runtime's own names of its execution providers. */
export const providerNames: Readonly<Record<Provider, string>> = {
  cpu: 'CPUExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  tensorrt: 'TensorrtExecutionProvider',
};

const levels = {
  disabled: 'ORT_DISABLE_ALL',
  basic: 'ORT_ENABLE_BASIC',
  extended: 'ORT_ENABLE_EXTENDED',
  layout: 'ORT_ENABLE_LAYOUT',
  all: 'ORT_ENABLE_ALL',
} as const;

export interface PythonSettings {
  /** Names with their options, in the order in which nodes are offered to them. */
  readonly providers: readonly (readonly [string, Readonly<Record<string, string>>])[];
  readonly level: string;
  readonly intraOpThreads: number;
  readonly interOpThreads: number;
  readonly logSeverity: number;
  /** Entries such as `session.layer_assignment_settings`. */
  readonly entries: Readonly<Record<string, string>>;
}

/** @param settings as `sessionSettings` makes them */
export function pythonSettings(settings: InferenceSession.SessionOptions): PythonSettings {
  const providers = settings.executionProviders ?? ['cpu'];
  return {
    providers: providers.map((provider) => {
      if (typeof provider === 'string') return [providerNames[provider as Provider], {}] as const;
      const { name, deviceId } = provider as { name: Provider; deviceId?: number };
      return [providerNames[name], deviceId === undefined ? {} : { device_id: String(deviceId) }] as const;
    }),
    level: levels[settings.graphOptimizationLevel ?? 'all'],
    intraOpThreads: settings.intraOpNumThreads ?? 1,
    interOpThreads: settings.interOpNumThreads ?? 1,
    logSeverity: settings.logSeverityLevel ?? 4,
    entries: Object.fromEntries(flattened(settings.extra ?? {})),
  };
}

/** Nested records as dotted keys: `{ session: { intra_op: { allow_spinning: '0' } } }` is `session.intra_op.allow_spinning`. */
function flattened(record: object, prefix = ''): [string, string][] {
  return Object.entries(record).flatMap(([key, value]) =>
    typeof value === 'object' ? flattened(value as object, `${prefix}${key}.`) : [[`${prefix}${key}`, String(value)]],
  );
}
