// Configs with every field wrong in every way: an error of one line that names the field, and nothing that takes for ever.
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { InputError } from '../base/errors/input-error.js';
import { parseYaml } from '../base/files/yaml.js';
import { parseConfig } from './config.js';
import { configSchema, trainingSchema } from './config-schema.js';
import { streamTask } from './tasks/stream-task.js';

const plain = { name: 'x', models: ['model://resnet18'], profile: 'profile://jetson-agx-orin', schedulers: ['greedy'] };
const streams = { ...plain, environment: { id: 'SparOA/Stream-v0' }, schedulers: ['re-solve'] };
const parse = (fields: unknown) => parseConfig(fields, 'config x.yaml');

function problemOf(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message.split('\n').length).toBeLessThanOrEqual(2);
    return error.problem;
  }
}

/** As YAML writes them. */
const never = ['.nan', '.inf', '-1', '0.5', '1e9', '1e400', 'true', '{a: {b: [1]}}', '[[[]]]', '!!binary aGk='];
const values = [...never, 'null', '0', '~', "''", '[]', '{}', '[1, 1]', `"${'x'.repeat(1000)}"`];
const read = (text: string) => parseYaml(text, 'config', '');
const counts = ['measurements', 'seeds', 'ensemble'];

test.each(counts)('%s counts: a whole number of at least 1, and no more than a machine can do', (field) => {
  for (const value of [...never.slice(0, 5), '0', '100001', '"3"', 'null'])
    expect(
      problemOf(() => parse({ ...plain, [field]: read(value) })),
      value,
    ).toContain(`${field}: `);
  expect(problemOf(() => parse({ ...plain, [field]: 3 }))).toBeNull();
});

describe.each([
  ['config', configSchema.shape, (name: string, value: unknown) => parse({ ...plain, [name]: value })],
  [
    'environment',
    (streamTask.options as z.ZodObject).shape,
    (name: string, value: unknown) => parse({ ...streams, environment: { ...streams.environment, [name]: value } }),
  ],
  [
    'training',
    trainingSchema.shape,
    (name: string, value: unknown) => parse({ ...plain, training: { [name]: value } }),
  ],
] as const)('%s', (_, shape, given) => {
  test.each(Object.keys(shape))('%s of any type is taken by its rule, or refused by name', (name) => {
    const problems = values.flatMap((value) => {
      if (value.startsWith('!!')) return [];
      return problemOf(() => given(name, read(value))) ?? [];
    });
    expect(problems.length).toBeGreaterThan(values.length / 2);
    for (const problem of problems) expect(problem.length).toBeLessThan(3000);
    expect(problems.some((problem) => problem.includes(name))).toBe(true);
  });
});

test.each([
  ['hidden', [1e9]],
  ['hidden', Array(1000).fill(4)],
  ['bufferSize', 1e12],
  ['batchSize', 1e9],
  ['updates', 1e9],
  ['gamma', 2],
  ['learningRate', Number.NaN],
  ['learningRate', Number.POSITIVE_INFINITY],
])('the agent field %s = %j is refused before anything is trained', (field, value) => {
  const fields = { ...plain, schedulers: ['sac'], agent: { [field]: value } };
  expect(problemOf(() => parse(fields))).toContain(field);
});

test.each(['models', 'schedulers', 'batches'])('%s that hold one thing twice are refused', (field) => {
  const twice = { models: ['a', 'b', 'a'], schedulers: ['greedy', 'heft', 'greedy'], batches: [1, 2, 1] }[field];
  expect(problemOf(() => parse({ ...plain, [field]: twice }))).toMatch(new RegExp(`${field}: holds .* twice`));
});

test('a hundred thousand wrong fields are one line', () => {
  const many = Object.fromEntries(Array.from({ length: 1e5 }, (_, at) => [`field${at}`, 1]));
  expect(problemOf(() => parse({ ...plain, ...many }))!.length).toBeLessThan(3000);
});

test('only a baseline that searches is given a number of evaluations, 1 or more', () => {
  const schedulers = (...specs: object[]) => problemOf(() => parse({ ...plain, schedulers: specs }));
  const { schedulers: specs } = parse({
    ...plain,
    schedulers: ['annealing', { use: 'annealing', as: 'longer', evaluations: 5000 }],
  });
  expect(specs.map(({ name, evaluations }) => [name, evaluations])).toEqual([['annealing', undefined], ['longer', 5000]]); // biome-ignore format: a table
  expect(schedulers({ use: 'greedy', evaluations: 5 })).toContain('"greedy" does not search');
  expect(schedulers({ use: 'sac', evaluations: 5 })).toContain('"sac" does not search');
  for (const evaluations of [0, -1, 1.5, '5', 1e9])
    expect(schedulers({ use: 'annealing', evaluations })).toContain('evaluations');
});
