// Schedules over draws, against executions by each draw's own profile.
import { expect, test } from 'vitest';
import { planners } from '../../agents/baselines/registry.js';
import { Rng } from '../../base/random/rng.js';
import { quantile } from '../../base/statistics/quantile.js';
import { scenarioOf } from '../../engine/scenario.js';
import { loadModel } from '../../models/load.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { parseConfig } from '../config.js';
import { cellEnsemble, checkDrawable } from './ensemble-schedules.js';

const profile = 'profile://jetson-orin-nano?mode=15w&precision=fp32&launch=runtime&transfer=direct';
const members = 6;

test('a schedule stays as it was found, and draws decide what it takes and what it is worth', async () => {
  const model = await loadModel('model://mobilenetv3-small?size=32');
  const scenario = scenarioOf(model, loadProfile(profile));
  const { graph, costs, conditions } = scenario;
  const problem = { graph, costs, conditions, random: Rng.of(0, 'test') };
  const names = ['cpu-only', 'gpu-only', 'optimum'] as const;
  const schedules = new Map(names.map((name) => [name as string, planners[name].plan(problem)]));
  const found = cellEnsemble(scenario, schedules, members);
  expect(cellEnsemble(scenario, schedules, members)).toEqual(found);
  const drawn = Array.from({ length: members }, (_, member) => {
    const { executor } = scenarioOf(model, loadProfile(`${profile}&member=${member}`));
    return names.map((name) => executor.run(graph, schedules.get(name)!, conditions).makespanMs);
  });
  found.rows.forEach((row, at) => {
    const ms = drawn.map((each) => each[at]!);
    expect(row).toMatchObject({
      scheduler: names[at],
      interval: 'draws from priors',
      latencyMsLow: quantile(ms, 0.05),
      latencyMsHigh: quantile(ms, 0.95),
      winsPercent:
        (100 * drawn.filter((each) => each[at]! < Math.min(each[0]!, each[1]!) * (1 - 1e-9)).length) / members,
    });
    expect(row.gapPercentMedian).toBeGreaterThanOrEqual(-1e-9);
    expect(row.gapPercentHigh).toBeGreaterThanOrEqual(row.gapPercentMedian);
  });
  // A single device is never faster than the better one.
  expect(found.rows.slice(0, 2).map(({ winsPercent }) => winsPercent)).toEqual([0, 0]);
  expect(found.headroom.row.members).toBe(members);
});

test.each([
  ['lanes://cpu:1+cpu:1', 'is measured'],
  ['table:///tmp/profile.json', 'is measured'],
  [`${profile}&member=3`, 'is one draw already'],
])('%s cannot be drawn, and the error says why', (uri, message) => {
  expect(() => checkDrawable(uri)).toThrow(message);
});

test('a config that measures takes no ensemble', () => {
  const fields = { name: 'x', models: ['model://resnet18'], executor: 'lanes', schedulers: ['greedy'], ensemble: 4 };
  expect(() => parseConfig(fields, 'config')).toThrow('ensemble is 4, but the executor "lanes" measures');
});
