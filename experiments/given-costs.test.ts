// Planners that are given predicted costs: what they plan is executed at the true ones.
import { describe, expect, test } from 'vitest';
import { type PlannerEntry, planners } from '../agents/baselines/registry.js';
import { Rng } from '../base/random/rng.js';
import { openScenario } from '../engine/scenario.js';
import { predictorKinds } from '../predictor/latency/predictor.js';
import { parseConfig } from './config.js';
import { evaluate } from './evaluate.js';
import { believedScenario } from './given-costs.js';
import { taskNamed } from './tasks/registry.js';

const models = ['model://resnet18', 'model://mobilenetv3-small?size=64', 'model://mobilenetv2?size=64'];
const platform = 'profile://jetson-agx-orin?mode=maxn&precision=fp32&launch=eager&transfer=copy';
const entries: Readonly<Record<string, PlannerEntry>> = planners;
const names = Object.keys(entries);
const evaluations = 10;
const spec = (use: string, costs?: string) => ({
  name: costs ? `${use}-given` : use,
  use,
  agent: null,
  ...(costs && { costs }),
  ...(entries[use]!.searches && { evaluations }),
});

test.each([
  ...[...predictorKinds, platform].map((costs) => ['serial', costs] as const),
  ['overlap', 'linear-flops'] as const,
])('in %s execution every planner plans by %s, and is executed at true costs', async (execution, costs) => {
  const options = { execution, shares: 'split' };
  const task = await taskNamed('SparOA/Share-v0').open({ models: [models[0]!], platform }, options);
  const { scenario } = task.inference!;
  const believed = await believedScenario(costs, scenario, models);
  const results = evaluate(
    task,
    names.flatMap((name) => [spec(name), spec(name, costs)]),
    () => [],
    { seeds: 1, episodes: null, measurements: 1, believed: new Map([[costs, believed]]) },
  );
  const latencyMs = (name: string) =>
    task.metrics(results.find(({ scheduler }) => scheduler === name)!.runs[0]!.episodes[0]!.outcomes[0]!).latencyMs!;
  const { graph, executor, conditions } = scenario;
  const shown = names.filter((name) => results.some(({ scheduler }) => scheduler === name));
  const differ = new Set<string>();
  for (const name of shown) {
    // The same by hand: plan with the believed costs, play with the true ones.
    const problem = { graph, conditions, executor: believed.scenario.executor, costs: believed.scenario.costs };
    const more = { random: Rng.of(0, 'planner', name), whole: false, graphOrder: true, evaluations };
    const { share } = entries[name]!.plan({ ...problem, ...more });
    const run = executor.begin(graph, conditions);
    for (const { id } of graph.units) run.decide(id, share[id]!);
    const result = run.finish();
    expect('error' in result ? null : result.makespanMs, name).toBe(latencyMs(`${name}-given`));
    if (latencyMs(`${name}-given`) !== latencyMs(name)) differ.add(name);
  }
  if (execution === 'serial')
    expect(latencyMs('optimum-given')).toBeGreaterThanOrEqual(latencyMs('optimum') * (1 - 1e-12));
  // The profile's own costs are the true ones; a straight line in FLOPs is far from them.
  if (costs === platform) expect([...differ]).toEqual([]);
  if (costs === 'linear-flops') expect(differ.size).toBeGreaterThan(2);
  task.close();
});

test('predictors learn from the other models alone, and keep launches and moves', async () => {
  const truth = await openScenario(models[0]!, platform);
  const { scenario, identity } = await believedScenario('roofline', truth, models);
  const others = await believedScenario('roofline', truth, models.slice(1));
  expect(others.identity).toEqual(identity);
  for (const { id } of truth.graph.units)
    for (const device of [0, 1]) expect(others.scenario.costs.unitMs(id, device, 1)).toBe(scenario.costs.unitMs(id, device, 1)); // biome-ignore format: one comparison
  expect(scenario.costs.launchMs(1)).toBe(truth.costs.launchMs(1));
  expect(scenario.costs.transferMs(0, 1)).toBe(truth.costs.transferMs(0, 1));
  const fewer = await believedScenario('roofline', truth, models.slice(0, 2));
  expect(truth.graph.units.some(({ id }) => fewer.scenario.costs.unitMs(id, 1, 1) !== scenario.costs.unitMs(id, 1, 1))).toBe(true); // biome-ignore format: one comparison
});

describe('a config', () => {
  const parse = (scheduler: object, more: object = {}) =>
    parseConfig({ name: 'given', models, profiles: [platform], schedulers: [scheduler], ...more }, 'test.yaml');

  test('gives a planner the costs of a predictor or a profile', () => {
    const { schedulers } = parse({ use: 'heft', as: 'heft-predicted', costs: 'boosted-trees' });
    expect(schedulers).toEqual([{ name: 'heft-predicted', use: 'heft', agent: null, costs: 'boosted-trees' }]);
    parse({ use: 'optimum', costs: `${platform}&member=3` });
  });

  test.each([
    [{ use: 'sac', costs: 'roofline' }, {}, '"sac" is no planner'],
    [{ use: 'heft', costs: 'roofl' }, {}, 'costs "roofl" are neither a kind of predictor nor a profile'],
    [{ use: 'heft', costs: '' }, {}, 'neither a kind of predictor nor a profile'],
    [{ use: 'heft', costs: 'profile://nowhere' }, {}, 'nowhere'],
    [{ use: 'heft', costs: './nothing.json' }, {}, 'nothing.json'],
    [{ use: 'heft', costs: 3 }, {}, 'costs'],
    [{ use: 'heft', costs: 'roofline' }, { models: [models[0]] }, 'there is one model'],
    [{ use: 'heft', costs: 'roofline' }, { evaluate: { models: [models[0]] } }, 'there is one model'],
    [
      { use: 'annealing', costs: 'roofline' },
      { environment: { id: 'SparOA/Branches-v0' } },
      '"annealing" is no planner of SparOA/Branches-v0',
    ],
  ])('is refused: %j %j', (scheduler, more, problem) => {
    expect(() => parse(scheduler, more)).toThrow(problem);
  });
});

test('costs that cannot be predicted on the platform are an error', async () => {
  const truth = await openScenario(models[0]!, 'lanes://cpu:1+cpu:1');
  try {
    await expect(believedScenario('roofline', truth, models)).rejects.toThrow('fitted to the costs of a profile');
    const { scenario } = await believedScenario(platform, truth, models);
    expect(planners.optimum.plan({ ...scenario, random: Rng.of(0, 'unused') }).share).toHaveLength(
      truth.graph.units.length,
    );
  } finally {
    truth.executor.close();
  }
});
