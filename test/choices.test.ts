// What is said twice, or by a name that there is not, is an error: nobody chooses for the user, and names are data.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import { parseUri } from '../base/files/uri.js';
import { repeatable } from '../cli/options.js';
import { commands, deviceCommands } from '../cli/program.js';
import * as gym from '../index.js';
import { inProcess as here } from './fixtures/in-process.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-choices-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const prototypeNames = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'];

const every = { ...commands, ...deviceCommands };

async function optionsOf(name: string) {
  const program = new Command();
  (await every[name]!())(program);
  return program.commands[0]!.options;
}

/** Two lines at most, and no trace of a stack. */
function expectError({ status, stdout, stderr }: Awaited<ReturnType<typeof here>>, code: number): void {
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  expect(stdout).toBe('');
  expect(status).toBe(code);
}

describe.each(Object.keys(every))('sparoa-gym %s', (name) => {
  test('refuses a second value of each option that takes one, and takes several of the others', async () => {
    for (const option of await optionsOf(name)) {
      const value = option.required ? ['1'] : [];
      const twice = [option.long!, ...value, option.long!, ...value];
      const ending = await here([name, ...twice, '--no-such-option']);
      if (option.variadic || repeatable.has(option.parseArg))
        expect(ending.stderr).not.toContain('given twice, and is taken once');
      else if (ending.stderr.includes('is invalid')) continue;
      else {
        expect(ending.stderr).toContain(`${name}: ${option.long} is given twice`);
        expectError(ending, 2);
      }
    }
  });
});

describe.each(prototypeNames)('the name %s is data:', (name) => {
  const config = 'name: x\nmodels: [model://resnet18]\nprofile: profile://jetson-agx-orin\nschedulers: [greedy]\n';
  const file = (text: string) => {
    const path = join(folder, 'config.yaml');
    writeFileSync(path, text);
    return path;
  };
  test.each<[string, number, () => string[]]>([
    ['as a model', 1, () => ['inspect', `model://${name}`]],
    ['as a parameter of a model', 1, () => ['inspect', `model://resnet18?${name}=1`]],
    ['as an input with a shape', 1, () => ['inspect', `model://resnet18?shape.${name}=1x2`]],
    ['as an input with values', 1, () => ['inspect', `model://resnet18?input.${name}=x.npy`]],
    ['as an input of --shape', 1, () => ['inspect', 'model://resnet18', '--shape', `${name}=1,2`]],
    ['as an input of --input', 1, () => ['inspect', 'model://resnet18', '--input', `${name}=x.npy`]],
    ['as a profile', 1, () => ['inspect', 'model://resnet18', '--profile', `profile://${name}`]],
    ['as a number', 1, () => ['inspect', 'model://resnet18', '--profile', `profile://jetson-agx-orin?${name}=1`]],
    ['as a mode', 1, () => ['inspect', 'model://resnet18', '--profile', `profile://jetson-agx-orin?mode=${name}`]],
    ['as a listing', 2, () => ['list', name]],
    ['as a scheduler', 2, () => ['trace', 'model://resnet18', '--scheduler', name]],
    ['as an executor', 1, () => ['train', '--executor', name]],
    ['as a backend', 2, () => ['train', '--backend', name]],
    ['as a part of --set', 1, () => ['train', '--set', `${name}=1`]],
    ['as a field of --set', 1, () => ['train', '--set', `agent.${name}=1`]],
    ['as a path of --set', 1, () => ['train', '--set', `${name}.polluted=1`]],
    ['as a path within --set', 1, () => ['train', '--set', `agent.${name}.polluted=1`]],
    ['as a field of a config', 1, () => ['run', file(`${config}${name}: 1\n`)]],
    ['as a field of an agent', 1, () => ['run', file(`${config.replace('greedy', 'sac')}agent: {${name}: 1}\n`)]],
    ['as a scheduler of a config', 1, () => ['run', file(config.replace('greedy', name))]],
    ['as a reward of a config', 1, () => ['run', file(`${config}environment: {reward: ${name}}\n`), '--set', name]],
    ['as a field of a config by --set', 1, () => ['run', file(config), '--set', `${name}.polluted=1`]],
  ])('%s', async (_, code, args) => {
    expectError(await here(args()), code);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('as an environment, a wrapper, a split, and an option of what is made', async () => {
    const { make, makeFromSpec, loadSplit } = gym;
    await expect(async () => make(name as never)).rejects.toThrow(/is unknown/);
    const spec = { id: 'SparOA/Share-v0', options: {}, wrappers: [{ name, options: {} }] };
    await expect(async () => makeFromSpec(spec)).rejects.toThrow(/is unknown/);
    expect(() => loadSplit(name)).toThrow(/is unknown/);
    const options = JSON.parse(`{${JSON.stringify(name)}: 1}`);
    await expect(async () => make('SparOA/Share-v0', options)).rejects.toThrow(`"${name}"`);
    await expect(gym.loadModel('model://resnet18', options)).rejects.toThrow(`there is no option "${name}"`);
  });
});

test('an unknown command is said to be unknown, whatever its name', async () => {
  for (const name of prototypeNames) {
    const { status, stderr } = await here([name]);
    expect([status, stderr]).toEqual([2, expect.stringContaining(`unknown command '${name}'`)]);
  }
});

describe('a misspelt option is named, with what it may have been:', () => {
  const profile = 'profile://jetson-agx-orin';
  const graph = {} as never;
  test.each<[string, () => unknown, RegExp]>([
    ['loadModel', () => gym.loadModel('model://resnet18', { shapes: {} } as never), /"shapes".*\n.*"shape"/],
    ['openScenario', () => gym.openScenario('model://resnet18', profile, { regim: 'overlap' } as never), /"regim"/],
    ['make', () => gym.make('SparOA/Share-v0', { lookahed: 2 } as never), /"lookahed".*\n.*"lookahead"/],
    ['makeFromSpec', () => gym.makeFromSpec({ id: 'x', wrapers: [] } as never), /"wrapers".*\n.*"wrappers"/],
    ['makeVector', () => gym.makeVector({} as never, { cuont: 2 } as never), /"cuont".*\n.*"count"/],
    ['makeWorkerVector', () => gym.makeWorkerVector({} as never, { worker: 2 } as never), /"worker".*\n.*"workers"/],
    ['checkEnv', () => gym.checkEnv(null as never, { sead: 1 } as never), /"sead".*\n.*"seed"/],
    ['createLanesExecutor', () => gym.createLanesExecutor({ cpuLane: 2 } as never), /"cpuLane".*\n.*"cpuLanes"/],
    ['createSessionExecutor', () => gym.createSessionExecutor(graph, '', { plan: 2 } as never), /"plan".*\n.*"plans"/],
    ['branchPlan', () => gym.branchPlan(graph, { budget: 2 } as never), /"budget".*\n/],
    ['fitBoostedTrees', () => gym.fitBoostedTrees(graph, { tree: 2 } as never), /"tree".*\n.*"trees"/],
    ['startEnergyMeter', () => gym.startEnergyMeter([], { period: 2 } as never), /"period".*\n/],
    ['train', () => gym.train({ step: 2 } as never), /"step".*\n.*"steps"/],
    ['staticBatching', () => gym.staticBatching({ sizes: [2] } as never), /"sizes".*\n.*"size"/],
    ['dynamicBatching', () => gym.dynamicBatching({ size: 2 } as never), /"size".*\n.*"sizes"/],
    ['TimeLimit', () => new gym.TimeLimit({} as never, { maxStep: 2 } as never), /"maxStep".*\n.*"maxSteps"/],
  ])('%s', async (_, call, message) => {
    await expect(async () => await call()).rejects.toThrow(message);
    await expect(async () => await call()).rejects.toThrow(gym.InputError);
  });
});

test('a parameter of a URI stands there once', async () => {
  for (const uri of ['profile://jetson-agx-orin?mode=maxn&mode=15w', 'profile://jetson-agx-orin?sync=1us&sync=2us'])
    expect(() => gym.loadProfile(uri)).toThrow(/given twice/);
  await expect(gym.loadModel('model://resnet18?batch=1&batch=2')).rejects.toThrow(/"batch" is given twice/);
  expect(() => parseUri('a.onnx?x=1&y=2&x=1')).toThrow(/"x" is given twice/);
});
