// Settings of an ONNX Runtime session on devices of this machine.
import type { InferenceSession } from 'onnxruntime-node';
import type { OptimizationLevel } from '../../../base/onnx/session.js';
import type { DeviceSpec } from './device-pair.js';

/** The providers a session needs for these devices, GPUs first: ONNX Runtime offers each node to them in this order. */
export function executionProviders(devices: readonly DeviceSpec[]): InferenceSession.ExecutionProviderConfig[] {
  const gpus = devices
    .filter(({ kind }) => kind === 'gpu')
    .map(({ provider, index }) => (provider === 'webgpu' ? provider : { name: provider, deviceId: index }));
  return [...gpus, 'cpu'];
}

/**
 * Settings of a session on one device, or on both devices of a pair: sequential, quiet, and with threads that sleep
 * when idle, because the spinning threads of an idle session steal cores from the one being measured.
 */
export function sessionSettings(
  device: DeviceSpec | readonly DeviceSpec[],
  level: OptimizationLevel = 'all',
): InferenceSession.SessionOptions {
  const devices: readonly DeviceSpec[] = 'id' in device ? [device] : device;
  const threads = Math.max(...devices.map((each) => each.threads));
  return {
    executionProviders: executionProviders(devices),
    graphOptimizationLevel: level,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Only fatal messages: an error comes back as an exception, and is reported once, by us.
    logSeverityLevel: 4,
    ...(threads > 1 && { extra: { session: { intra_op: { allow_spinning: '0' } } } }),
  };
}

/** Settings of a session on this device alone: otherwise the CPU would silently run what a GPU cannot. */
export function withoutFallback(device: DeviceSpec): InferenceSession.SessionOptions {
  const settings = sessionSettings(device);
  if (device.kind === 'cpu') return settings;
  return {
    ...settings,
    // ONNX Runtime refuses a session that names the CPU beside this.
    executionProviders: executionProviders([device]).filter((provider) => provider !== 'cpu'),
    extra: { session: { disable_cpu_ep_fallback: '1' } },
  };
}
