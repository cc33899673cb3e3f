import { expect, test } from 'vitest';
import { builderNames } from '../../models/builders/registry.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { loadSplit, splitNames } from './splits.js';

const splits = splitNames().map(loadSplit);
const network = (model: string) => /^model:\/\/([^?]+)/.exec(model)![1]!;
const board = (profile: string) => loadProfile(profile).name;

test.each(splits)('$name: nothing that it holds out is on both sides', ({ by, train, test: held }) => {
  const both = (a: readonly string[], b: readonly string[]) => a.filter((each) => b.includes(each));
  if (by !== 'device') {
    expect(both(train.families, held.families)).toEqual([]);
    // Nor a network of one side in another size, or under another family's name.
    expect(both(train.models.map(network), held.models.map(network))).toEqual([]);
  }
  if (by !== 'family') {
    expect(both(train.devices, held.devices)).toEqual([]);
    expect(both(train.profiles.map(board), held.profiles.map(board))).toEqual([]);
  }
  for (const { models, profiles } of [train, held]) {
    for (const model of models) expect(builderNames).toContain(network(model));
    expect(new Set(models).size).toBe(models.length);
    expect(new Set(profiles.map((profile) => loadProfile(profile).hash)).size).toBe(profiles.length);
  }
});

test('one of each kind ships; an unknown one is answered with a hint', () => {
  expect(new Set(splits.map(({ by }) => by))).toEqual(new Set(['family', 'device', 'both']));
  expect(() => loadSplit('family-resnet')).toThrow(/Did you mean "family-resnet-v0"/);
});
