// What holds for every registered environment.
import { expect, test } from 'vitest';
import { environmentIds, makeFromSpec } from './gym/registry.js';
import './environments.js';

test.each(environmentIds())('%s is made without options', async (id) => {
  const env = await makeFromSpec({ id, options: {}, wrappers: [] });
  expect(env.observationSpace.problem(env.reset({ seed: 0 }).observation)).toBeNull();
  env.close();
});
