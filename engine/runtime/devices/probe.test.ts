import { describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors/input-error.js';
import { formatDevicePair, parseDevicePair } from './device-pair.js';
import { defaultDevicePair, deviceProbes, requireDevices } from './probe.js';

describe('device probes', () => {
  const probes = deviceProbes();

  test('the CPU runs an operator and has a name', () => {
    expect(probes[0]).toMatchObject({ provider: 'cpu', id: 'cpu:1', available: true, reason: null, remedy: null });
    expect(probes[0]!.name).toMatch(/processors$/);
  });

  test('every provider is listed: one that does not load says why and what to install', () => {
    expect(probes.map(({ provider }) => provider)).toEqual(['cpu', 'webgpu', 'cuda', 'tensorrt']);
    for (const { available, reason, remedy } of probes) {
      expect(reason === null).toBe(available);
      expect(remedy === null).toBe(available);
      if (!available) {
        expect(reason!.length).toBeGreaterThan(10);
        expect(remedy).toMatch(/docs\/gpu\.md/);
      }
    }
  });

  test('the default pair is one CPU thread and a device that was seen running', () => {
    const [, second] = defaultDevicePair();
    expect(formatDevicePair(defaultDevicePair())).toMatch(/^cpu:1\+/);
    expect(probes.find(({ provider }) => provider === second.provider)!.available).toBe(true);
  });

  test('a device that is asked for and does not run is refused with why and what to install', () => {
    expect(() => requireDevices(parseDevicePair('cpu:1+cpu:1'))).not.toThrow();
    for (const { id, available, reason, remedy } of probes.filter(({ provider }) => provider !== 'cpu')) {
      const ask = () => requireDevices(parseDevicePair(`cpu:1+${id}`));
      if (available) expect(ask).not.toThrow();
      else expect(ask).toThrow(new InputError(`devices: ${id} does not run here: ${reason}.`, remedy!));
    }
  });
});
