import { describe, expect, test } from 'vitest';
import { variantsOf } from './variants.js';

const base = {
  name: 'x',
  models: ['model://resnet18'],
  profiles: ['profile://jetson-agx-orin'],
  schedulers: ['greedy', 'sac'],
};
const of = (variants: object) => variantsOf({ ...base, variants }, 'config x');

describe('variants', () => {
  test('a config without any is its own', () => {
    const [only, ...others] = variantsOf(base, 'config x');
    expect(others).toEqual([]);
    expect(only!.name).toBe('');
  });

  test('set fields by their paths, and leave the config as it is', () => {
    const [full, short] = of({ full: {}, short: { 'training.steps': 100, 'agent.gamma': 0.5 } });
    expect([full!.name, short!.name]).toEqual(['full', 'short']);
    expect(full!.config.training.steps).toBe(6000);
    expect(short!.config.training.steps).toBe(100);
    expect(short!.config.schedulers[1]!.agent).toMatchObject({ gamma: 0.5, tau: 0.005 });
  });

  test('lists expand into their product, each variant with the values in its name', () => {
    const names = of({ full: {}, both: { 'agent.gamma': [0.9, 1], 'agent.tau': [0.01, 0.1] } }).map(({ name }) => name);
    expect(names).toEqual(['full', 'both-0.9-0.01', 'both-0.9-0.1', 'both-1-0.01', 'both-1-0.1']);
  });

  test('where a field takes a list, the list is its value, and a list of lists expands', () => {
    const observation = ['units', 'progress'];
    const one = of({ blocks: { 'environment.observation': observation } });
    expect(one.map(({ config }) => config.environment.options.observation)).toEqual([observation]);
    const two = of({ blocks: { 'environment.observation': [['units'], observation] } });
    expect(two.map(({ config }) => config.environment.options.observation)).toEqual([['units'], observation]);
  });

  test("a list is checked together with the variant's other settings: schedulers belong to an environment", () => {
    const branches = { environment: { id: 'SparOA/Branches-v0' }, schedulers: ['sequential', 'sac'] };
    const [full, own, ...others] = of({ full: {}, branches });
    expect(others).toEqual([]);
    expect(full!.config.schedulers.map(({ name }) => name)).toEqual(['greedy', 'sac']);
    expect(own!.config.schedulers.map(({ name }) => name)).toEqual(['sequential', 'sac']);
  });

  test('a bad value is named with its variant and rule', () => {
    expect(() => of({ full: {}, wide: { 'agent.gamma': 2 } })).toThrow(/variants\.wide: agent: gamma/);
    expect(() => of({ full: {}, wide: { 'agent.gamma': [0.9, 2] } })).toThrow(/variants\.wide.*gamma/);
    expect(() => of({ full: {}, odd: { 'environment.lookback': 1 } })).toThrow(/lookback/);
  });
});
