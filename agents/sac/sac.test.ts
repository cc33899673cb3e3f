import { afterEach, describe, expect, test } from 'vitest';
import type { Agent } from '../agent.js';
import { createSac, type SacOptions } from './sac.js';

const open: Agent[] = [];
afterEach(async () => {
  for (const agent of open.splice(0)) await agent.close();
});

async function make(options: Partial<SacOptions> = {}) {
  const agent = await createSac({ observationSize: 1, action: { low: [-1], high: [1] }, seed: 0, ...options });
  open.push(agent);
  return agent;
}

const small = { hidden: [32, 32], batchSize: 64, bufferSize: 10_000, learningStarts: 200 };

test('a one-step bandit with reward -(a - 3)^2 on [2, 6] is solved: the policy acts at 3', async () => {
  const agent = await make({ action: { low: [2], high: [6] }, config: { ...small, trainEvery: 4, updates: 4 } });
  const observation = Float32Array.of(1);
  for (let step = 0; step < 2500; step++) {
    const action = agent.act(observation, { deterministic: false });
    agent.observe({
      observation,
      action,
      reward: -((action[0]! - 3) ** 2),
      nextObservation: observation,
      terminated: true,
    });
    await agent.learn();
  }
  expect(agent.act(observation, { deterministic: true })[0]).toBeCloseTo(3, 1);
});
