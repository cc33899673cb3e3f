// Figures of comparisons whose answers are known.
import { expect, test } from 'vitest';
import type { ComparedSchedule } from './machine-comparison.js';
import { machineFidelity } from './machine-fidelity.js';

const schedule = (name: string, simulatedMs: number, measuredMs: number, second = measuredMs): ComparedSchedule => ({
  name,
  simulatedMs,
  measuredMs,
  passMs: [measuredMs, second],
});
const units = [{ unit: 0, device: 0 as const, simulatedMs: 1.2, measuredMs: 1, passMs: [1, 1.25] as [number, number] }];
const table = { model: 'model://toy', devices: 'cpu:1+cpu:1', hash: '0' };

test('errors are those of schedules, ranks those of a perfect order, and regret what the choice costs', () => {
  const schedules = [
    schedule('cpu-only=greedy', 11, 10),
    schedule('gpu-only', 18, 20),
    schedule('cut 0', 30, 30),
    schedule('cut 1', 40, 40),
  ];
  const row = machineFidelity(table, { schedules, units });
  expect(row.scheduleMeanPercent).toBeCloseTo(5, 9);
  expect(row.wholeMeanPercent).toBeCloseTo(10, 9);
  expect(row.unitMeanPercent).toBeCloseTo(20, 9);
  expect(row.unitNoisePercent).toBeCloseTo(20, 9);
  expect(row).toMatchObject({ tau: 1, tauCeiling: 1, noisePercent: 0, regretPercent: 0 });
});

test('a simulator that holds a slower schedule for the best pays for it', () => {
  const row = machineFidelity(table, { schedules: [schedule('cpu-only', 1, 12), schedule('cut 0', 2, 10)], units });
  expect(row.regretPercent).toBeCloseTo(20, 9);
  expect(row.tau).toBe(-1);
});

test('schedules that differ by less than the noise are tied', () => {
  // Passes differ by 10 % in the median, so 10.0 and 10.5 are one.
  const schedules = [schedule('cpu-only', 1, 10.5, 11.5), schedule('cut 0', 2, 10, 11), schedule('c', 3, 30, 33)];
  const row = machineFidelity(table, { schedules, units });
  expect(row.tauCeiling).toBe(1);
  expect(row.tau).toBeCloseTo(2 / Math.sqrt(3 * 2), 9);
});
