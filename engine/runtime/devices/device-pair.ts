// The devices of this machine by name, as configs and command lines give them: `cpu:1+webgpu` is one CPU thread and the
// WebGPU device. The first of a pair is device 0 of a schedule, where graph inputs and outputs lie, and is a CPU.
import { didYouMean, InputError } from '../../../base/errors/input-error.js';

export const providers = ['cpu', 'webgpu', 'cuda', 'tensorrt'] as const;
/** An execution provider of ONNX Runtime, by the name its session options take. */
export type Provider = (typeof providers)[number];

export interface DeviceSpec {
  /** The full name: `cpu:1` (one thread), `webgpu`, `cuda:0`, `tensorrt:0` (the card's number). */
  readonly id: string;
  readonly provider: Provider;
  readonly kind: 'cpu' | 'gpu';
  /** Threads within an operator; 1 for a GPU, whose host side is one thread. */
  readonly threads: number;
  /** The card's number; 0 for a CPU and for WebGPU, which picks its adapter itself. */
  readonly index: number;
}

export type DevicePair = readonly [DeviceSpec, DeviceSpec];

const examples = 'cpu:1+webgpu, cpu:1+cpu:1, cpu:6+cuda:0';

/**
 * Reads one device: `cpu` (one thread), `cpu:N`, `webgpu`, `cuda`, `cuda:N`, `tensorrt`, `tensorrt:N`.
 * @throws InputError when the provider is unknown or its number is none.
 */
export function parseDevice(text: string): DeviceSpec {
  const match = /^([^:]*)(?::(.*))?$/s.exec(text.trim())!;
  const provider = providers.find((name) => name === match[1]);
  if (!provider)
    throw new InputError(`device: "${text.trim()}" names no execution provider.`, didYouMean(match[1]!, providers));
  const number = match[2];
  if (provider === 'webgpu') {
    if (number !== undefined)
      throw new InputError(
        `device: "${text.trim()}" numbers the WebGPU adapter.`,
        'Give "webgpu": it picks its adapter.',
      );
    return { id: provider, provider, kind: 'gpu', threads: 1, index: 0 };
  }
  const least = provider === 'cpu' ? 1 : 0;
  const value = number === undefined ? least : Number(number);
  if (!/^\d{1,4}$/.test(number ?? '0') || value < least) {
    const what = provider === 'cpu' ? 'threads, 1 or more' : 'the card, 0 or more';
    throw new InputError(
      `device: "${text.trim()}" has "${number}" after the colon.`,
      `Give the number of ${what}: ${provider}:${least}.`,
    );
  }
  return provider === 'cpu'
    ? { id: `cpu:${value}`, provider, kind: 'cpu', threads: value, index: 0 }
    : { id: `${provider}:${value}`, provider, kind: 'gpu', threads: 1, index: value };
}

/**
 * Reads a device pair: two devices joined by `+`, the first of them a CPU.
 * @throws InputError when there are not two devices, one is unknown, or the first is no CPU.
 */
export function parseDevicePair(text: string): DevicePair {
  const parts = text.split('+');
  if (parts.length !== 2) {
    throw new InputError(
      `devices: "${text}" names ${parts.length} ${parts.length === 1 ? 'device' : 'devices'} instead of two.`,
      `Join two by "+", such as ${examples}.`,
    );
  }
  const pair = [parseDevice(parts[0]!), parseDevice(parts[1]!)] as const;
  if (pair[0].kind !== 'cpu') {
    throw new InputError(
      `devices: "${text}" begins with ${pair[0].id}, which is no CPU.`,
      `Name the CPU first, such as ${pair[1].kind === 'cpu' ? `${pair[1].id}+${pair[0].id}` : `cpu:1+${pair[0].id}`}: graph inputs and outputs lie there.`,
    );
  }
  return pair;
}

export function formatDevicePair([first, second]: DevicePair): string {
  return `${first.id}+${second.id}`;
}
