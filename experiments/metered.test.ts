// Energy of final schedules on real lanes, metered on a tree with the files of a RAPL counter. The tree is rebuilt from the
// kernel's documentation; no meter of a real machine was tried.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { faultOf, runLimited } from '../test/fuzz/limited-command.js';
import { evaluate, referencesOf } from './evaluate.js';
import { requireMeters, withMeteredEnergy } from './metered.js';
import { latencyRow } from './results/cell-rows.js';
import { taskNamed } from './tasks/registry.js';

const root = mkdtempSync(join(tmpdir(), 'sparoa-metered-'));
afterAll(() => rmSync(root, { recursive: true }));
const zone = join(root, 'sys/class/powercap/intel-rapl:0');
mkdirSync(zone, { recursive: true });
writeFileSync(join(zone, 'name'), 'package-0\n');
writeFileSync(join(zone, 'max_energy_range_uj'), '262143328850\n');
writeFileSync(join(zone, 'energy_uj'), '1000\n');

test('a run on lanes has the energy of the meter in its column, and is otherwise the same', async () => {
  const task = await taskNamed('SparOA/Share-v0').open(
    { models: ['model://mobilenetv3-small?size=32'], platform: 'lanes://cpu:1+cpu:1' },
    {},
  );
  try {
    const specs = [{ name: 'cpu-only', use: 'cpu-only', agent: null }];
    const played = evaluate(task, specs, () => [], { seeds: 1, episodes: null, measurements: 2 });
    const sources = requireMeters({ root, nvidiaSmi: null });
    const metered = withMeteredEnergy(task, played, sources);
    const rows = [played, metered].map((all) => latencyRow('v', task, all[0]!, referencesOf(task, all)));
    // The counter of the tree stands still.
    expect(rows.map(({ energyMj }) => energyMj)).toEqual([null, 0]);
    expect({ ...rows[1], energyMj: null }).toEqual(rows[0]);
  } finally {
    task.close();
  }
});

test('a machine without meters is an error that says why', () => {
  expect(() => requireMeters({ root: join(root, 'none'), nvidiaSmi: null })).toThrow(/no rail.*RAPL.*intel-rapl/s);
});

test.each([
  [['--meter'], /simulation/],
  [['--objective', 'enrgy'], /energy/],
])('trace with %j ends with a line of what is wrong', async (flags, says) => {
  const out = join(root, 'trace.json');
  const ended = await runLimited(['trace', 'model://mobilenetv3-small?size=32', '--out', out, ...flags]);
  expect(faultOf({ ...ended, seconds: 0 })).toBeNull();
  expect(JSON.stringify(ended)).toMatch(says);
});
