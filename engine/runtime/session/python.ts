// Finds the devices of the user's Python: the providers of its onnxruntime that load and run an operator.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../../base/errors/input-error.js';
import { type DevicePair, type DeviceSpec, type Provider, parseDevice, providers } from '../devices/device-pair.js';
import { type DeviceProbe, deviceName } from '../devices/probe.js';
import { probeInput, probeModel, probeOutputIsRight } from '../devices/probe-model.js';
import { withoutFallback } from '../devices/session-settings.js';
import { SessionClient } from './client.js';
import type { RuntimeDescription } from './protocol.js';
import { providerNames, pythonCommand, pythonLimitMs } from './python-settings.js';

export interface PythonDevices {
  readonly command: string;
  /** Of its onnxruntime. */
  readonly version: string;
  readonly devices: readonly DeviceProbe[];
}

/** As for Node's providers: a first kernel may take long, a driver that hangs must not hang the command. */
const timeLimitMs = 120_000;

const remedies: Readonly<Record<Provider, string>> = {
  cpu: 'Reinstall that onnxruntime: its CPU provider is part of it.',
  webgpu: 'Install "onnxruntime-webgpu" in its place, and a Vulkan driver; docs/gpu.md, "Python", has more.',
  cuda: 'Install "onnxruntime-gpu" in its place, with its CUDA libraries, on a Jetson NVIDIA\'s own wheel; docs/gpu.md, "Python", has more.',
  tensorrt:
    'Install "onnxruntime-gpu" in its place, with CUDA and TensorRT, on a Jetson NVIDIA\'s own wheel; docs/gpu.md, "Python", has more.',
};

/**
 * Tries every provider in that Python; takes seconds. Results are kept for the life of the process.
 * @throws InputError when Python does not start or answer, or has no onnxruntime and numpy
 */
export function pythonDevices(): PythonDevices {
  const { command, description, probeOf } = runtime();
  return { command, version: description.version, devices: providers.map(probeOf) };
}

/** Of that Python's onnxruntime. */
export const pythonVersion = (): string => runtime().description.version;

/**
 * Makes sure that the devices of a pair are there.
 * @throws InputError saying why one is not and what to install
 */
export function requirePythonDevices(pair: DevicePair): DeviceProbe[] {
  const { command, description, probeOf } = runtime();
  return pair.map(({ id, provider }) => {
    const probe = probeOf(provider);
    if (probe.available) return probe;
    throw new InputError(
      `python: ${id} does not run in onnxruntime ${description.version} of "${command}": ${probe.reason}.`,
      probe.remedy!,
    );
  });
}

interface PythonRuntime {
  readonly command: string;
  readonly description: RuntimeDescription;
  readonly probeOf: (provider: Provider) => DeviceProbe;
}

/** By command; a Python that cannot be used is asked again. */
const runtimes = new Map<string, PythonRuntime>();

function runtime(): PythonRuntime {
  const command = pythonCommand();
  const known = runtimes.get(command);
  if (known) return known;
  const description = withClient((client) => described(client, command));
  const probes = new Map<Provider, DeviceProbe>();
  const probeOf = (provider: Provider): DeviceProbe => {
    const probe = probes.get(provider) ?? probeProvider(provider, description);
    probes.set(provider, probe);
    return probe;
  };
  const made = { command, description, probeOf };
  runtimes.set(command, made);
  return made;
}

/** @throws InputError if the command gives no valid answer */
function described(client: SessionClient, command: string): RuntimeDescription {
  try {
    return client.ask<'describe'>({ op: 'describe' });
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(
      `python: "${command}" does not run as a Python: ${(error as Error).message}.`,
      'Name a Python that has onnxruntime and numpy in SPAROA_GYM_PYTHON.',
    );
  }
}

function withClient<T>(action: (client: SessionClient) => T): T {
  const client = new SessionClient('python', pythonLimitMs(timeLimitMs));
  try {
    return action(client);
  } finally {
    client.close();
  }
}

function probeProvider(provider: Provider, { providers: built }: RuntimeDescription): DeviceProbe {
  const device = parseDevice(provider);
  const reason = built.includes(providerNames[provider])
    ? withClient((client) => whyNot(client, device))
    : `it was built without ${providerNames[provider]}`;
  const available = reason === null;
  return {
    provider,
    id: device.id,
    available,
    name: available ? deviceName(provider) : null,
    reason,
    remedy: available ? null : remedies[provider],
  };
}

/** Why the device does not run one operator; null where it does. */
function whyNot(client: SessionClient, device: DeviceSpec): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'sparoa-probe-'));
  const model = join(folder, 'probe.onnx');
  const { name, ...input } = probeInput;
  try {
    writeFileSync(model, probeModel());
    const settings = withoutFallback(device);
    const { y } = client.ask<'reference'>({ op: 'reference', model, settings, feeds: { [name]: input } });
    const values = new Float32Array(new Uint8Array(y!.data).buffer);
    return probeOutputIsRight(values) ? null : `it computes ${values} instead of 9`;
  } catch (error) {
    return (error as Error).message.replace(/\.$/, '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
