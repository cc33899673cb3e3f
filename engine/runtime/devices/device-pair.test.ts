import { describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors/input-error.js';
import { formatDevicePair, parseDevice, parseDevicePair } from './device-pair.js';
import { executionProviders, sessionSettings } from './session-settings.js';

describe('device pairs', () => {
  test.each([
    ['cpu:1+webgpu', 'cpu:1+webgpu'],
    ['cpu+cuda', 'cpu:1+cuda:0'],
    ['cpu:6+tensorrt:1', 'cpu:6+tensorrt:1'],
    [' cpu:2 + cpu:1 ', 'cpu:2+cpu:1'],
  ])('%s is %s', (text, canonical) => {
    expect(formatDevicePair(parseDevicePair(text))).toBe(canonical);
  });

  test.each([
    ['cpu:1', /1 device instead of two/],
    ['cpu+cpu+cpu', /3 devices/],
    ['cpu:0+webgpu', /"cpu:0" has "0"/],
    ['cpu:x+webgpu', /threads, 1 or more/],
    ['cpu:1+cuda:-1', /the card, 0 or more/],
    ['cpu:1+webgpu:0', /numbers the WebGPU adapter/],
    ['webgpu+cpu:1', /cpu:1\+webgpu: graph inputs/],
    ['cuda:0+webgpu', /no CPU/],
    ['cpu+cudda', /Did you mean "cuda"/],
    ['', /instead of two/],
    ['+', /names no execution provider/],
  ])('%s is refused with a remedy', (text, message) => {
    expect(() => parseDevicePair(text)).toThrow(InputError);
    expect(() => parseDevicePair(text)).toThrow(message);
  });

  test('a GPU comes before the CPU, with its card; threads that would spin sleep', () => {
    expect(executionProviders(parseDevicePair('cpu:1+cuda:1'))).toEqual([{ name: 'cuda', deviceId: 1 }, 'cpu']);
    expect(executionProviders([parseDevice('cpu:4')])).toEqual(['cpu']);
    expect(sessionSettings(parseDevice('webgpu'))).toMatchObject({ intraOpNumThreads: 1, executionMode: 'sequential' });
    expect(sessionSettings(parseDevice('webgpu')).extra).toBeUndefined();
    expect(sessionSettings(parseDevicePair('cpu:3+webgpu'))).toMatchObject({
      intraOpNumThreads: 3,
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
  });
});
