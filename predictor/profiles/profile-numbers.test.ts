// Every number of every shipped profile keeps the rule of its quantity, wherever it is given: in a file, in a URI, by a
// draw. The limits are written again here, as the physics has them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../base/errors/input-error.js';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import { type LoadedModel, loadModel } from '../../models/load.js';
import { loadProfile, profileVariants } from './profile.js';
import { profileCosts } from './profile-costs.js';
import { openProfile, shippedProfiles } from './profile-file.js';
import type { Cases, ProfileFile } from './profile-schema.js';

const scratch = mkdtempSync(join(tmpdir(), 'sparoa-numbers-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Every number by the name that a URI gives it. */
function numbersOf(file: ProfileFile): Record<string, Cases> {
  const numbers: Record<string, Cases> = { sync: file.sync };
  for (const on of [0, 1] as const) {
    const { compute, bandwidth, launch, efficiency } = file.devices[on];
    Object.assign(numbers, {
      [`device${on}.compute`]: compute,
      [`device${on}.bandwidth`]: bandwidth,
      [`device${on}.launch`]: launch,
      [`transfer${on}.latency`]: file.transfer[on].latency,
      [`transfer${on}.bandwidth`]: file.transfer[on].bandwidth,
    });
    for (const [opClass, cases] of Object.entries(efficiency)) numbers[`device${on}.efficiency.${opClass}`] = cases!;
  }
  return { ...numbers, 'shared.cores': file.shared!.cores, 'shared.bandwidth': file.shared!.bandwidth };
}

/** Values that no profile may state, beside what says why. */
function badValues(name: string): string[] {
  const never = ['NaN', 'Infinity', '-Infinity', '1e400', '', 'x', 'x-1', 'x1e400', 'xNaN', '[object Object]', '3 kg'];
  if (name.includes('efficiency')) return [...never, '-0.5', '0', '1.0001', '0.5 s', 'x1e9', 'x0'];
  if (name === 'shared.cores') return [...never, '-2', '0', '2.5', '1e300', '4 s', 'x0', 'x0.5001'];
  if (name.endsWith('compute')) return [...never, '-1 GFLOP/s', '0 FLOP/s', '1e300 FLOP/s', '1 GB/s', '7', 'x0'];
  if (name.endsWith('bandwidth')) return [...never, '-1 GB/s', '0 B/s', '1e300 B/s', '1e-300 B/s', '1 GFLOP/s', 'x0'];
  return [...never, '-1s', '-1e-9 us', '1e300 s', 'Infinity s', 'NaN ms', '5', '1 GB'];
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe.each(shippedProfiles())('%s', (profile) => {
  // Without predictors, which take most of the time that a profile takes to open.
  const { predictors: _, ...file } = openProfile(`profile://${profile}`).file;
  const names = Object.keys(numbersOf(file));
  const bare = join(scratch, `${profile}-bare.json`);
  writeFileSync(bare, JSON.stringify(file));

  test.each(names)('%s is refused in a URI beyond its rule', (name) => {
    for (const value of badValues(name)) {
      const uri = `${bare}?${name}=${encodeURIComponent(value)}`;
      const message = refusal(() => loadProfile(uri));
      expect(message, value).toContain(`${name}`);
      expect(message, value).toContain(`"${value}"`);
      expect(message.split('\n'), value).toHaveLength(2);
    }
  });

  test.each(names)('%s is refused in any case of a file beyond its rule', (name) => {
    for (const [at, value] of badValues(name).entries()) {
      if (value.startsWith('x')) continue;
      const changed = structuredClone(file) as ProfileFile;
      const cases = numbersOf(changed)[name]!;
      (cases[at % cases.length] as { value: string }).value = value;
      const path = join(scratch, `${profile}.json`);
      writeFileSync(path, JSON.stringify(changed));
      const message = refusal(() => openProfile(path));
      expect(message, value).toContain(`"${value}"`);
      expect(message, value).toContain(name.split('.')[1] ?? name);
      expect(message.split('\n'), value).toHaveLength(2);
    }
  });
});

test('draws of an efficiency near 1 stay at 1 where they would pass it', () => {
  const file = structuredClone(openProfile('profile://jetson-orin-nano').file) as ProfileFile;
  const prior = { distribution: 'log-normal', factor: 1.0101, source: 'a width for this test' };
  for (const cases of file.devices[0].efficiency.conv!) Object.assign(cases, { value: '0.99', kind: 'assumed', prior });
  for (const cases of file.devices[0].compute) Object.assign(cases, { kind: 'measured', prior: undefined });
  const path = join(scratch, 'draws.json');
  writeFileSync(path, JSON.stringify(file));
  const ratios = Array.from({ length: 200 }, (_, member) => {
    const { flopPerMs } = loadProfile(`${path}?member=${member}`).devices[0];
    return flopPerMs.conv / flopPerMs.pool;
  });
  expect(Math.max(...ratios)).toBe(1);
  expect(new Set(ratios).size).toBeGreaterThan(150);
});

test('a prior that ends beyond the rule of its number is refused', () => {
  const file = structuredClone(openProfile('profile://jetson-orin-nano').file) as ProfileFile;
  Object.assign(file.devices[0].efficiency.conv![0]!, { value: '0.9', kind: 'assumed' });
  Object.assign(file.devices[0].efficiency.conv![0]!, {
    prior: { distribution: 'log-normal', factor: 1.3, source: 'a width for this test' },
  });
  const path = join(scratch, 'prior.json');
  writeFileSync(path, JSON.stringify(file));
  expect(refusal(() => openProfile(path))).toMatch(/efficiency is "x1\.3 of 0\.9 by its prior".*at most 1/);
});

test('an efficiency of a class that there is not is refused', () => {
  const file = structuredClone(openProfile('profile://jetson-orin-nano').file) as ProfileFile;
  Object.assign(file.devices[0].efficiency, { cnov: file.devices[0].efficiency.conv });
  const path = join(scratch, 'class.json');
  writeFileSync(path, JSON.stringify(file));
  expect(refusal(() => openProfile(path))).toMatch(/cnov/);
});

describe('every variant of every shipped profile simulates a model', () => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel('model://mobilenetv3-small');
  });

  test.each(shippedProfiles().flatMap((name) => profileVariants(`profile://${name}`)))('%s', (uri) => {
    const profile = loadProfile(uri);
    const graph = model.graph(profile.granularity);
    const costs = profileCosts(graph, profile);
    const times = graph.units.flatMap(({ id }) => [0, 1].flatMap((on) => [1, 0.5].map((s) => costs.unitMs(id, on, s))));
    expect(times.filter((ms) => !(ms >= 0 && Number.isFinite(ms)))).toEqual([]);
    const simulator = createSimulator(profile);
    for (const execution of ['serial', 'overlap'] as const) {
      const conditions = { seed: 0, execution, mode: profile.axes.mode, load: null, memoryBudgetBytes: null };
      for (const share of [0, 1, 0.5]) {
        const shares = graph.units.map(({ splitAxis }, at) =>
          share === 0.5 ? (splitAxis === null || execution === 'serial' ? at % 2 : 0.5) : share,
        );
        const result = simulator.run(graph, Schedule.of(graph, shares), conditions);
        if ('error' in result) throw new Error(result.error);
        expect(result.makespanMs).toBeGreaterThan(0);
        expect(Number.isFinite(result.makespanMs)).toBe(true);
      }
    }
  });
});
