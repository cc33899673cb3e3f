// The constants of a cell: those that its simulation reads are listed, those that it does not read change nothing.
import { expect, test } from 'vitest';
import { openScenario } from '../../engine/scenario.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { atlasRow } from './atlas.js';
import { cellConstants, decidesRoom, worthwhileRoomPercent } from './cell-constants.js';

const model = 'model://mobilenetv3-small?size=32';
const profiles = [
  'profile://jetson-agx-orin?mode=50w&precision=fp32&launch=eager&transfer=copy',
  'profile://jetson-orin-nano?mode=7w&precision=fp16&launch=runtime&transfer=copy',
  'profile://pixel-4?mode=1large&precision=fp16&launch=runtime&transfer=copy',
];

test.each(profiles)(
  'on %s, a number that is not listed can be anything, and one that decides crosses the limit',
  async (uri) => {
    const scenario = await openScenario(model, uri);
    const { constants, roomPercent } = cellConstants(uri, scenario);
    const listed = new Set(constants.map(({ name }) => name));
    const unread = loadProfile(uri).constants.filter(({ name }) => !listed.has(name));
    expect(unread.length).toBeGreaterThan(0);
    const rowOf = async (changed: string) => atlasRow(scenario.model, (await openScenario(model, changed)) as never);
    const stated = await rowOf(uri);
    expect(roomPercent).toBe(stated.roomPercent);
    for (const { name } of unread) {
      const changed = await rowOf(`${uri}&${name}=${name === 'shared.cores' ? 1 : 'x0.5'}`);
      expect([name, changed.headroomPercent, changed.roomPercent]).toEqual([
        name,
        stated.headroomPercent,
        stated.roomPercent,
      ]);
    }
    const { priors } = loadProfile(uri);
    for (const constant of constants) {
      const { name, roomPercent: ends } = constant;
      expect([name, ends !== null]).toEqual([name, name in priors && !name.startsWith('power.')]);
      if (!ends) continue;
      const low = await rowOf(`${uri}&${name}=x${1 / priors[name]!.factor}`);
      expect(ends[0]).toBe(low.roomPercent);
      const sides = new Set([stated.roomPercent, ...ends].map((percent) => percent >= worthwhileRoomPercent));
      expect(decidesRoom(constant, stated.roomPercent)).toBe(sides.size === 2);
    }
  },
);

test('two devices at once have no proved optimum: constants are listed, those of shared memory too, and none is varied', async () => {
  const scenario = await openScenario(model, profiles[0]!, { execution: 'overlap' });
  const { constants, roomPercent } = cellConstants(profiles[0]!, scenario);
  expect(roomPercent).toBeNull();
  expect(constants.map(({ name }) => name)).toEqual(expect.arrayContaining(['shared.cores', 'shared.bandwidth']));
  expect(constants.every((constant) => constant.roomPercent === null)).toBe(true);
});
