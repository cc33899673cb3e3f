// Finds the devices of this machine: a provider counts if it loads and runs an operator, not if it is only listed.
// Providers are native code that may crash, and loading one changes the process, so each is tried in a process of its own.
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { basename, join } from 'node:path';
import { InputError } from '../../../base/errors/input-error.js';
import { packageRoot } from '../../../base/files/paths.js';
import { type DevicePair, type Provider, parseDevicePair, providers } from './device-pair.js';

export interface DeviceProbe {
  readonly provider: Provider;
  /** How configs name the device; `cpu:N` with N up to the number of processors. */
  readonly id: string;
  readonly available: boolean;
  /** The processor's or adapter's name; null if it cannot be read. */
  readonly name: string | null;
  /** Why it does not run, in ONNX Runtime's or the loader's words; null where it does. */
  readonly reason: string | null;
  /** What to install; null where it runs. */
  readonly remedy: string | null;
}

/** A software device takes seconds to compile its first kernel; a driver that hangs must not hang the command. */
const timeLimitMs = 120_000;

const probeScript = join(packageRoot, 'dist', 'engine', 'runtime', 'devices', 'probe-child.js');

const remedies: Readonly<Record<Provider, string>> = {
  cpu: 'Reinstall onnxruntime-node: its CPU provider is part of it.',
  webgpu:
    'Install the Vulkan loader and your card\'s Vulkan driver (Debian: "apt-get install libvulkan1 mesa-vulkan-drivers"); docs/gpu.md has more, a software device included.',
  cuda: 'Put the provider libraries of the same ONNX Runtime version and NVIDIA\'s CUDA libraries in place, as docs/gpu.md says: "CUDA and TensorRT".',
  tensorrt:
    'Put the provider libraries of the same ONNX Runtime version, CUDA and TensorRT in place, as docs/gpu.md says: "CUDA and TensorRT".',
};

/** Tries every provider; takes seconds. Results are kept for the life of the process. */
export function deviceProbes(): readonly DeviceProbe[] {
  return providers.map(probeOf);
}

/**
 * Makes sure that the devices of a pair are there.
 * @throws InputError saying why one is not and what to install
 */
export function requireDevices(pair: DevicePair): DeviceProbe[] {
  return pair.map(({ id, provider }) => {
    // Loading a model has run it on the CPU: no process need try that again.
    const probe = provider === 'cpu' ? runs(provider, 'cpu:1') : probeOf(provider);
    if (!probe.available) throw new InputError(`devices: ${id} does not run here: ${probe.reason}.`, probe.remedy!);
    return probe;
  });
}

function probeOf(provider: Provider): DeviceProbe {
  const known = probed.get(provider) ?? probeProvider(provider);
  probed.set(provider, known);
  return known;
}
const probed = new Map<Provider, DeviceProbe>();

function probeProvider(provider: Provider): DeviceProbe {
  const id = provider === 'cpu' ? 'cpu:1' : provider === 'webgpu' ? provider : `${provider}:0`;
  const child = spawnSync(process.execPath, [probeScript, id], { encoding: 'utf8', timeout: timeLimitMs });
  if (child.status === 0 && child.stdout.includes('"ran":true')) return runs(provider, id);
  return { provider, id, available: false, name: null, reason: whyNot(child), remedy: remedies[provider] };
}

function runs(provider: Provider, id: string): DeviceProbe {
  return { provider, id, available: true, name: deviceName(provider), reason: null, remedy: null };
}

function whyNot({ stdout, stderr, status, signal, error }: ReturnType<typeof spawnSync>): string {
  if (error) return `its probe did not end: ${error.message}`;
  if (signal) return `its probe was ended by ${signal}: the native code crashed`;
  const library = /[\w.-]+\.so[\w.]*: cannot open shared object file/.exec(String(stderr))?.[0];
  const failure = /"failure":"((?:[^"\\]|\\.)*)"/.exec(String(stdout))?.[1];
  if (library) return library;
  // ONNX Runtime puts the C++ check that failed before what it says.
  return failure
    ? (JSON.parse(`"${failure}"`) as string).replace(/^.* was false\. /, '')
    : `its probe ended with exit code ${status}`;
}

/** The processor's name, the card's from NVIDIA's own tool, the Vulkan device's from vulkaninfo or else its driver's file. */
export function deviceName(provider: Provider): string | null {
  if (provider === 'cpu') return `${cpus()[0]?.model.trim() || process.arch}, ${availableParallelism()} processors`;
  if (provider !== 'webgpu') return firstMatch('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], /^(.+)$/m);
  const icd = process.env.VK_ICD_FILENAMES;
  return (
    firstMatch('vulkaninfo', ['--summary'], /deviceName\s*=\s*(.+)/) ?? (icd ? `Vulkan driver ${basename(icd)}` : null)
  );
}

function firstMatch(command: string, args: readonly string[], pattern: RegExp): string | null {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? (pattern.exec(stdout)?.[1]?.trim() ?? null) : null;
}

/**
 * The pair that is named, else the default one.
 * @throws InputError when the name cannot be understood
 */
export function chosenPair(devices: string | undefined): DevicePair {
  return devices === undefined ? defaultDevicePair() : parseDevicePair(devices);
}

/** One CPU thread and the best GPU that runs: CUDA before WebGPU; without one, two CPU threads. */
export function defaultDevicePair(): DevicePair {
  const gpu = (['cuda', 'webgpu'] as const).map(probeOf).find(({ available }) => available);
  return parseDevicePair(`cpu:1+${gpu?.id ?? 'cpu:1'}`);
}
