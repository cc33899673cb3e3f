// What a profile says of the sources of its numbers, against a reading of the shipped JSON files that shares nothing with it.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadProfile, profileVariants } from './profile.js';

const folder = new URL('./boards/', import.meta.url);
const boards = readdirSync(folder).map((file) => file.replace('.json', ''));

interface Case {
  when?: Record<string, string>;
  value: string;
  kind: string;
  source: string;
}

/** Every list of cases in the file under a name such as `device1.efficiency.conv`, whatever it is of. */
function casesIn(value: unknown, path: readonly string[] = []): [string, Case[]][] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'object' && 'value' in each && 'kind' in each))
    return [[path.join('.'), value as Case[]]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, own]) => casesIn(own, [...path, key]));
}

describe.each(boards)('constants of %s', (board) => {
  const { devices, sync, transfer, shared, power, predictors } = JSON.parse(
    readFileSync(new URL(`${board}.json`, folder), 'utf8'),
  );
  const [device0, device1] = devices;
  const [transfer0, transfer1] = transfer;
  const numbers = casesIn({ device0, device1, sync, transfer0, transfer1, shared, power });

  test('are, in every variant, the cases of the file that hold there: name, value, kind and source', () => {
    for (const uri of profileVariants(`profile://${board}`)) {
      const axes = Object.fromEntries(new URLSearchParams(uri.split('?')[1]));
      const expected = numbers.map(([name, cases]) => {
        const holding = cases.filter(({ when = {} }) => Object.entries(when).every(([axis, at]) => axes[axis] === at));
        expect(holding, `${name} in ${uri}`).toHaveLength(1);
        const { value, kind, source } = holding[0]!;
        return { name, value, kind, source };
      });
      const own = loadProfile(uri).constants.filter(({ name }) => !/redictor|artPredictor/.test(name));
      const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
      const asStated = own.map(({ amount, ...stated }) => stated);
      expect(asStated.toSorted(byName)).toEqual(expected.toSorted(byName));
    }
  });

  test('have the amounts that the profile is resolved to, replaced ones too', () => {
    const uri = `profile://${board}?device1.launch=20us&sync=x2`;
    const profile = loadProfile(uri);
    const amounts = Object.fromEntries(profile.constants.map(({ name, amount }) => [name, amount]));
    const expected = {
      'device0.launch': profile.devices[0].launchMs,
      'device1.launch': 0.02,
      'device0.bandwidth': profile.devices[0].bytesPerMs,
      'device1.bandwidth': profile.devices[1].bytesPerMs,
      sync: profile.syncMs,
      'transfer1.latency': profile.transfer[1].latencyMs,
      'shared.cores': profile.shared!.cores,
    };
    for (const [name, amount] of Object.entries(expected)) expect(amounts[name], name).toBeCloseTo(amount, 12);
    // A class without an efficiency of its own computes at the ceiling.
    for (const device of [0, 1]) {
      const efficiency = amounts[`device${device}.efficiency.conv`] ?? 1;
      const rate = profile.devices[device as 0 | 1].flopPerMs.conv;
      expect(amounts[`device${device}.compute`]! * efficiency).toBeCloseTo(rate, 3);
    }
  });

  test('hold a predictor for each that the file has for a variant', () => {
    for (const uri of profileVariants(`profile://${board}`)) {
      const axes = Object.fromEntries(new URLSearchParams(uri.split('?')[1]));
      const holding = (predictors ?? []).filter(({ when = {} }: Case) =>
        Object.entries(when).every(([axis, at]) => axes[axis] === at),
      );
      const own = loadProfile(uri).constants.filter(({ name }) => /\.predictor$/.test(name));
      expect(own.map(({ name, source }) => [name, source])).toEqual(
        holding.map((each: Case & { device: number }) => [`device${each.device}.predictor`, each.source]),
      );
    }
  });
});

test('a number that the URI replaces or scales is an assumed constant, and no predictor is a number that it can name', () => {
  const constants = loadProfile('profile://jetson-agx-orin?device1.launch=20us&sync=x2').constants;
  const of = (wanted: string) => constants.find(({ name }) => name === wanted)!;
  expect(of('device1.launch')).toMatchObject({ value: '20us', kind: 'assumed' });
  const stated = loadProfile('profile://jetson-agx-orin').constants.find(({ name }) => name === 'device1.launch')!;
  expect(of('device1.launch').source).toContain(stated.value);
  expect(of('sync')).toMatchObject({ value: 'x2', kind: 'assumed' });
  expect(() => loadProfile('profile://pixel-4?device1.predictor=x2')).toThrow(/neither an axis nor a number/);
});
