// Executors on real hardware by their names in options and configs, and the URI that names one with its devices in
// results: `lanes://cpu:1+webgpu`, in the place where a simulated result names its profile.
import * as ort from 'onnxruntime-node';
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { canonicalJson, contentHash } from '../../base/files/hash.js';
import { formatUri, parseUri } from '../../base/files/uri.js';
import type { LoadedModel } from '../../models/load.js';
import { unsupportedOf, unsupportedParameter } from '../../predictor/profiles/unsupported.js';
import type { Executor } from '../executor.js';
import { type DevicePair, formatDevicePair, parseDevicePair } from './devices/device-pair.js';
import { requireDevices } from './devices/probe.js';
import { createLanesExecutor, type LanesOptions } from './lanes/executor.js';
import { createPythonExecutor, createSessionExecutor } from './session/executor.js';
import { pythonVersion, requirePythonDevices } from './session/python.js';

/** How many lanes, and how long their segments are. */
export type LaneLimits = Pick<LanesOptions, 'cpuLanes' | 'maxSegmentUnits'>;

export interface HardwareExecutorEntry {
  /** @param lanes of the executor `lanes` only */
  readonly create: (model: LoadedModel, pair: DevicePair, lanes?: LaneLimits) => Executor;
  /** Whether it runs each unit as it is decided; otherwise all of them with the last decision. */
  readonly stepwise: boolean;
  /** One line for `list`. */
  readonly summary: string;
}

export const hardwareExecutors = {
  lanes: {
    create: (model, pair, lanes = {}) => createLanesExecutor({ model, pair, ...lanes }),
    stepwise: true,
    summary: 'a worker thread for each of two devices, unit by unit or both at once',
  },
  session: {
    create: (model, pair) => createSessionExecutor(model, formatDevicePair(pair)),
    stepwise: false,
    summary: 'each placement as one ONNX Runtime session; its latency is known after the last unit',
  },
  python: {
    create: (model, pair) => createPythonExecutor(model, formatDevicePair(pair)),
    stepwise: false,
    summary: 'the same in a Python process with its own onnxruntime (SPAROA_GYM_PYTHON, else python3)',
  },
} as const satisfies Record<string, HardwareExecutorEntry>;

export type HardwareExecutorName = keyof typeof hardwareExecutors;
export const hardwareExecutorNames = Object.keys(hardwareExecutors) as HardwareExecutorName[];

/** An executor's name and its devices. */
export interface Hardware {
  readonly executor: HardwareExecutorName;
  readonly pair: DevicePair;
  /** Operator types that device 1 is said not to run. */
  readonly unsupported: readonly string[];
}

export function hardwareUri({ executor, pair, unsupported }: Hardware): string {
  return formatUri(executor, formatDevicePair(pair), unsupportedParameter(unsupported));
}

/** Whether both devices are CPUs: what a schedule gains there is load balancing, not heterogeneity. */
export function isCpuPair({ pair }: Hardware): boolean {
  return pair.every(({ kind }) => kind === 'cpu');
}

/**
 * Reads `lanes://cpu:1+cpu:1` or `lanes://cpu:1+webgpu?unsupported=LRN;Softmax`; null for a URI of another kind, such as a profile's.
 * @throws InputError when the devices are not understood
 */
export function parseHardwareUri(uri: string): Hardware | null {
  const executor = hardwareExecutorNames.find((name) => uri.startsWith(`${name}://`));
  if (!executor) return null;
  const { name, parameters } = parseUri(uri);
  const stray = [...parameters.keys()].find((key) => key !== 'unsupported');
  if (stray)
    throw new InputError(`${uri}: "${stray}" is unknown.`, 'Hardware takes unsupported=<operator types> only.');
  return { executor, pair: parseDevicePair(name), unsupported: unsupportedOf(parameters, uri) };
}

/** @throws InputError naming the executors there are */
export function hardwareExecutorNamed(name: string, others: readonly string[] = []): HardwareExecutorName {
  const known = hardwareExecutorNames.find((each) => each === name);
  if (!known) {
    throw new InputError(`executor: "${name}" is unknown.`, didYouMean(name, [...others, ...hardwareExecutorNames]));
  }
  return known;
}

/**
 * Hash of what latencies depend on beside the schedule: the devices' names as their drivers report them, and the version
 * of ONNX Runtime. Latencies under different hashes are not comparable.
 * @throws InputError when a device does not run here: why, and what to install
 */
export function hardwareHash({ executor, pair }: Hardware): string {
  const python = executor === 'python';
  const names = (python ? requirePythonDevices : requireDevices)(pair).map(({ name }) => name);
  const devices = formatDevicePair(pair);
  const onnxRuntime = python ? pythonVersion() : (ort.env.versions.node ?? '');
  return contentHash(canonicalJson({ executor, devices, names, onnxRuntime }));
}
