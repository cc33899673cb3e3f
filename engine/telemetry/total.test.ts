import { expect, test } from 'vitest';
import { totalMj } from './total.js';

test.each([
  ['simulated', { system: 7 }, 7],
  ['a package contains its cores, not its memory', { 'package-0': 10, 'package-0/core': 6, 'package-0/dram': 3 }, 13],
  ['two packages', { 'package-0': 10, 'package-1': 11, 'package-1/uncore': 2 }, 21],
  ['the platform contains its packages, not a card', { psys: 30, 'package-0': 10, 'nvidia-0': 50 }, 80],
  ['Orin Nano: VDD_IN is the module', { VDD_IN: 9, VDD_CPU_GPU_CV: 4, VDD_SOC: 2 }, 9],
  [
    'AGX Orin: three rails, the memory within one',
    { VDD_GPU_SOC: 5, VDD_CPU_CV: 2, VIN_SYS_5V0: 4, VDDQ_VDD2_1V8AO: 1 },
    11,
  ],
  ['cores whose package cannot be read', { 'package-0/core': 6 }, 6],
  ['nothing', {}, 0],
])('%s', (_, rails, total) => {
  expect(totalMj(rails)).toBe(total);
});
