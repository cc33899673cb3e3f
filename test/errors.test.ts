// Bad input: one line of what is wrong, one of what to do, no stack trace, the right exit code.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../base/onnx/proto.js';
import { trajectoryColumns } from '../experiments/results/trajectories.js';
import { sparoaGym } from './fixtures/command-line.js';
import { inProcess as here } from './fixtures/in-process.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-errors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const base = 'name: x\nmodels: [model://resnet18]\nprofile: profile://jetson-agx-orin\nschedulers: [greedy]\n';

/** A trajectories.csv of one row, which no run has left. */
function trajectoryOf(changes: Partial<Record<(typeof trajectoryColumns)[number], string>>): string {
  const row = { env: 'SparOA/Share-v0', model: 'model://resnet18', profile: 'profile://jetson-agx-orin', ...changes };
  const cells = trajectoryColumns.map((column) => (row as Record<string, string>)[column] ?? '');
  return `${trajectoryColumns.join()}\n${cells.join()}\n`;
}

/** A model whose batch is 1, whatever it is asked for. */
function fixedBatchModel(): string {
  const value = (name: string) => makeValueInfo(name, DataType.FLOAT, [1, 4]);
  const nodes = [makeNode('Relu', ['x'], ['y'])];
  const model = makeModel(
    { name: 'fixed', nodes, inputs: [value('x')], outputs: [value('y')], initializers: [] },
    { '': 17 },
  );
  const path = join(folder, 'fixed.onnx');
  writeFileSync(path, encodeModel(model));
  return path;
}

describe('two lines and exit code 1:', () => {
  test.each([
    ['a file that is no model', () => ['inspect', file('no.onnx', 'not a model')], /no\.onnx: no ONNX model/],
    [
      'a device profile to compare with this machine, on no model',
      () => ['fidelity', 'profile://jetson-orin-nano?launch=graph'],
      /jetson-orin-nano.* no model is named .*--models/s,
    ],
    [
      'models for public measurements, which have their own',
      () => ['fidelity', '--data', folder, '--models', 'model://resnet18'],
      /--models names models on which.*Leave out --models/s,
    ],
    ['a missing file', () => ['inspect', join(folder, 'absent.onnx')], /absent\.onnx: there is no such file/],
    ['an unknown builder', () => ['inspect', 'model://resnet81'], /Did you mean "resnet18"/],
    [
      'an unknown profile',
      () => ['atlas', 'model://resnet18', '--profile', 'profile://jetson-agx-orion'],
      /Did you mean "jetson-agx-orin"/,
    ],
    [
      'an unknown axis value',
      () => ['train', '--profile', 'profile://jetson-agx-orin?mode=60w'],
      /mode "60w" is unknown/,
    ],
    [
      'an unknown number',
      () => ['train', '--profile', 'profile://jetson-agx-orin?device1.lunch=1us'],
      /Did you mean "device1.launch"/,
    ],
    [
      'a number without its unit',
      () => ['train', '--profile', 'profile://jetson-agx-orin?device1.launch=1GB'],
      /does? ?not.*convert|not a quantity/,
    ],
    ['a config that is no YAML', () => ['run', file('bad.yaml', 'a: [1')], /cannot be read as YAML/],
    ['a config with an unknown field', () => ['run', file('field.yaml', `${base}sedes: 3\n`)], /sedes/],
    [
      'a config with an unknown scheduler',
      () => ['run', file('scheduler.yaml', base.replace('greedy', 'greddy'))],
      /Did you mean "greedy"/,
    ],
    ['an override of a wrong type', () => ['run', file('ok.yaml', base), '--set', 'seeds=many'], /seeds: /],
    ['an agent field out of range', () => ['train', '--set', 'agent.gamma=2'], /gamma/],
    [
      "a misspelt field of a config's agent, before anything is read",
      () => ['run', file('sac.yaml', base.replace('greedy', 'sac')), '--set', 'agent.gama=0.9'],
      /^config .*sac\.yaml: agent: .*"gama"/,
    ],
    ['an override that is no YAML', () => ['train', '--set', 'agent.gamma=[1'], /--set agent\.gamma=\[1: /],
    ['an empty trajectories file', () => ['validate', file('empty.csv', '')], /holds no episode/],
    [
      'a trajectory with unknown options',
      () => ['validate', file('options.csv', trajectoryOf({ envOptions: 'shares=binary&lookahead=many' }))],
      /options\.csv:2: envOptions: lookahead/,
    ],
    [
      'a batch size that a fixed batch forbids',
      () => ['batching', fixedBatchModel(), '--devices', 'cpu:1+cpu:1'],
      /fixed batch of 1, so it cannot be run at 2/,
    ],
    ['a training folder without a policy', () => ['evaluate', folder], /holds no trained policy/],
    ['a CSV that is no trajectory', () => ['validate', file('t.csv', 'a,b\n1,2\n')], /columns .* are missing/],
  ])('%s', async (_name, args, message) => {
    const { status, stderr, stdout } = await here(args());
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });
});

describe('exit code 2:', () => {
  test.each([
    ['an unknown command', ['inspekt']],
    ['an unknown option', ['inspect', 'model://resnet18', '--jsn']],
    ['a missing argument', ['inspect']],
    ['a rate that is none', ['batching', 'model://resnet18', '--rate', '0']],
    ['a malformed shape', ['inspect', 'x.onnx', '--shape', 'x']],
    ['an unknown listing', ['list', 'modles']],
    ['an unknown backend', ['train', '--backend', 'jax']],
  ])('%s', async (_name, args) => {
    expect((await here(args)).status).toBe(2);
  });
});

test('every command has help', async () => {
  const commands = /Commands:\n([\s\S]*)/.exec((await here(['--help'])).stdout)![1]!;
  for (const name of ['run', 'train', 'evaluate', 'atlas', 'inspect', 'validate', 'list']) {
    expect(commands).toContain(`  ${name} `);
    expect((await here([name, '--help'])).status).toBe(0);
  }
});

test.each([
  [0, ['--help']],
  [1, ['inspect', 'absent.onnx']],
  [2, ['inspekt']],
])('the process ends with exit code %i and has written the same: %s', async (status, args) => {
  const { stdout, stderr } = await here(args);
  expect(sparoaGym(args)).toEqual({ status, stdout, stderr });
});
