import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import { loadModel } from '../../models/load.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { serialConditions as conditions } from '../../test/fixtures/serial-conditions.js';
import { bestByStages, stagesOf } from './stages.js';

test('stages follow each other, and read one tensor of what came before', () => {
  for (let seed = 0; seed < 100; seed++) {
    const graph = randomGraph(Rng.of(seed, 'stages'), { units: 1 + (seed % 40), maxFanOut: 4 });
    const stages = stagesOf(graph);
    expect(stages.flat()).toEqual(graph.units.map(({ id }) => id));
    stages.forEach((stage, index) => {
      const before = new Set(stages.slice(0, index).flat());
      const read = new Set(
        stages
          .slice(index)
          .flat()
          .flatMap((unit) => graph.units[unit]!.inputs)
          .filter((tensor) => before.has(graph.tensors[tensor]!.producer ?? -1)),
      );
      expect(read.size, `seed ${seed}, stage ${stage}`).toBeLessThanOrEqual(1);
    });
  }
});

test('residual blocks are stages', async () => {
  const model = await loadModel('model://resnet18?size=64');
  const graph = model.graph('fused');
  const stages = stagesOf(graph);
  // The stem; eight blocks of two convolutions and an addition, three of them with a convolution in the shortcut; after each
  // an activation, the last with the head.
  expect(stages.map(({ length }) => length)).toEqual([2, 3, 1, 3, 1, 4, 1, 3, 1, 4, 1, 3, 1, 4, 1, 3, 4]);
});

test('of a chain each unit gets what is best for it, where moves cost nothing', () => {
  const executor = createSimulator(loadProfile('profile://jetson-agx-orin?transfer=direct'));
  for (let seed = 0; seed < 20; seed++) {
    const graph = randomGraph(Rng.of(seed, 'chain'), { units: 30, maxFanOut: 5 });
    const latencyMs = (schedule: Schedule) => executor.run(graph, schedule, conditions).makespanMs;
    const random = Rng.of(seed, 'schedules');
    const schedules = Array.from({ length: 4 }, () =>
      Schedule.of(
        graph,
        graph.units.map(({ onlyOn }) => onlyOn ?? random.integer(2)),
      ),
    );
    const best = bestByStages(graph, schedules, (one, than) => latencyMs(one) < latencyMs(than));
    const single = Math.min(...schedules.map(latencyMs));
    expect(latencyMs(best)).toBeLessThanOrEqual(single);
    // Every stage of it is a stage of one of them.
    for (const stage of stagesOf(graph)) {
      const shares = ({ share }: Schedule) => stage.map((unit) => share[unit]).join();
      expect(schedules.map(shares)).toContain(shares(best));
    }
  }
});
