// Draws of uncertain numbers: they have the stated distribution, replay, and leave alone what was measured, fitted or published.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { median } from '../../base/statistics/quantile.js';
import { drawnFactor } from './prior.js';
import { loadProfile } from './profile.js';
import { openProfile, shippedProfiles } from './profile-file.js';
import { profileFileSchema, uncertainKinds } from './profile-schema.js';

test.each([
  ['log-uniform', 1],
  ['log-normal', 0.95],
] as const)('%s: the median is 1, and %d of the draws lie within the factor', (distribution, within) => {
  const rng = Rng.of(0, 'prior-test');
  const prior = { distribution, factor: 4, source: 'for the test only' };
  const draws = Array.from({ length: 20_000 }, () => drawnFactor(prior, rng));
  expect(median(draws)).toBeCloseTo(1, 1);
  const inside = draws.filter((draw) => draw >= 1 / 4 && draw <= 4).length / draws.length;
  expect(Math.abs(inside - within)).toBeLessThan(0.01);
  // Half of the logarithms lie within half of the range where they are uniform, and within 0.67 / 1.96 of it where normal.
  const quartile = distribution === 'log-uniform' ? 0.5 : 0.6745 / 1.96;
  const middle = draws.filter((draw) => Math.abs(Math.log(draw)) <= quartile * Math.log(4)).length / draws.length;
  expect(Math.abs(middle - 0.5)).toBeLessThan(0.02);
});

test('a member is one draw: the same again, another for another member', () => {
  const of = (member: number) => loadProfile(`profile://jetson-agx-orin?member=${member}`);
  expect(of(3)).toEqual(of(3));
  expect(of(3).uri).toContain('member=3');
  expect(loadProfile(of(3).uri)).toEqual(of(3));
  expect(new Set([0, 1, 2, 3].map((member) => of(member).hash)).size).toBe(4);
});

test('what was measured, fitted or published by the maker does not move; what has a prior does', () => {
  const [stated, drawn] = ['', '&member=1'].map((query) =>
    loadProfile(`profile://jetson-agx-orin?launch=eager&transfer=direct&precision=fp32${query}`),
  ) as [ReturnType<typeof loadProfile>, ReturnType<typeof loadProfile>];
  expect(drawn.devices[1]).toEqual(stated.devices[1]);
  expect(drawn.devices[0].flopPerMs.gemm).toBe(stated.devices[0].flopPerMs.gemm);
  expect(drawn.devices[0].flopPerMs.conv).not.toBe(stated.devices[0].flopPerMs.conv);
  expect(drawn.transfer.map(({ bytesPerMs }) => bytesPerMs)).toEqual(
    stated.transfer.map(({ bytesPerMs }) => bytesPerMs),
  );
  expect(drawn.devices[0].launchMs).not.toBe(stated.devices[0].launchMs);
  expect(drawn.transfer[0].latencyMs).not.toBe(stated.transfer[0].latencyMs);
  expect(Object.keys(stated.priors)).toEqual([
    'device0.efficiency.conv',
    'device0.efficiency.depthwise-conv',
    'device0.launch',
    'transfer0.latency',
    'transfer1.latency',
    'power.idle',
    'power.device0',
    'power.device1',
    'power.moving',
  ]);
  expect(drawn.weakestSource).toBe(stated.weakestSource);
});

test('a number has one factor in every mode; a replaced number stays as it was given', () => {
  const ratio = (mode: string) => {
    const [drawn, stated] = ['&member=5', ''].map(
      (query) => loadProfile(`profile://jetson-agx-orin?mode=${mode}${query}`).devices[0].launchMs,
    );
    return drawn! / stated!;
  };
  expect(ratio('15w')).toBeCloseTo(ratio('maxn'), 12);
  expect(loadProfile('profile://jetson-agx-orin?member=5&device0.launch=7us').devices[0].launchMs).toBeCloseTo(
    0.007,
    12,
  );
});

test('x2 doubles the stated number', () => {
  const launchMs = (query: string) => loadProfile(`profile://jetson-orin-nano?${query}`).devices[1].launchMs;
  expect(launchMs('device1.launch=x2')).toBeCloseTo(2 * launchMs(''), 12);
});

describe.each(shippedProfiles())('%s', (name) => {
  test('states a prior for every number that is uncertain and not 0', () => {
    JSON.stringify(openProfile(`profile://${name}`).file, (_, value) => {
      if (value?.kind && value.source && uncertainKinds.includes(value.kind) && Number.parseFloat(value.value) !== 0)
        expect(value.prior, `${value.value}: ${value.source}`).toBeDefined();
      return value;
    });
  });
});

test('a prior of a measured number, and a member that is no number, are errors', () => {
  const file = structuredClone(openProfile('profile://jetson-orin-nano').file);
  const prior = { distribution: 'log-normal', factor: 2, source: 'for the test only' } as const;
  const measured = { ...file.devices[0].launch[0]!, kind: 'measured' as const, prior };
  file.devices[0].launch = [measured];
  expect(profileFileSchema.safeParse(file).success).toBe(false);
  expect(() => loadProfile('profile://jetson-orin-nano?member=first')).toThrow(/member is "first"/);
});
