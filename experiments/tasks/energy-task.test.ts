// Tasks whose reward needs energy: what they minimise, and that the optimum of it bounds every planner.

import { expect, test } from 'vitest';
import { openScenario } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import { loadProfile, profileVariants } from '../../predictor/profiles/profile.js';
import { shippedProfiles } from '../../predictor/profiles/profile-file.js';
import { zooProfiles } from '../../predictor/profiles/zoo.js';
import { playBaseline } from '../play.js';
import { taskNamed } from './registry.js';

const model = 'model://mobilenetv3-small?size=32';
const profile = 'profile://jetson-agx-orin?mode=maxn&precision=fp32&launch=eager&transfer=direct';

test.each([
  ['energyMj', { reward: 'energy' }],
  ['energyDelayMjMs', { reward: 'energy-delay' }],
  ['cost', { reward: 'weighted', weights: { latency: 1, energy: 1 } }],
] as const)('%s: the optimum is the least of all planners, and its gap is 0', async (objective, options) => {
  for (const id of ['SparOA/Share-v0', 'SparOA/Placement-v0']) {
    const task = await taskNamed(id).open({ models: [model], platform: profile }, options);
    expect(task.objective).toBe(objective);
    const bound = task.bound(0)!.objective;
    const values = new Map(
      [...task.baselines]
        .filter(([, { stochastic }]) => !stochastic)
        .map(([name, baseline]) => {
          const outcome = playBaseline(task, name, baseline, 2_000_000_000, 0);
          const metrics = task.metrics(outcome);
          const expected = {
            energyMj: metrics.energyMj!,
            energyDelayMjMs: metrics.energyMj! * metrics.latencyMs!,
            cost: -outcome.return,
          };
          expect(metrics[objective]!).toBeCloseTo(expected[objective], 9);
          return [name, metrics[objective]!] as const;
        }),
    );
    for (const [name, value] of values) expect(value, name).toBeGreaterThanOrEqual(bound * (1 - 1e-9));
    expect(values.get('optimum')! / bound).toBeCloseTo(1, 9);
    expect(task.reference(0).objective).toBeCloseTo(Math.min(values.get('cpu-only')!, values.get('gpu-only')!), 9);
    task.close();
  }
});

test('every shipped profile has energy in both executions: more than idle over the makespan, less than all devices at once', async () => {
  // Other tests register profiles of their own.
  const boards = [...shippedProfiles(), ...zooProfiles()];
  expect(boards.length).toBeGreaterThan(20);
  for (const uri of boards.map((board) => profileVariants(`profile://${board}`)[0]!)) {
    const { power } = loadProfile(uri);
    for (const execution of ['serial', 'overlap'] as const) {
      const { graph, executor, conditions } = await openScenario(model, uri, { execution });
      for (const device of [0, 1] as const) {
        const trace = executor.run(graph, Schedule.onDevice(graph, device), conditions);
        if ('error' in trace) throw new Error(trace.error);
        const { system } = trace.energyMj!;
        expect(system).toBeGreaterThanOrEqual(power!.idleW * trace.makespanMs);
        expect(system).toBeLessThan((power!.busyW[0] + power!.busyW[1] + power!.movingW) * trace.makespanMs);
      }
    }
  }
});
