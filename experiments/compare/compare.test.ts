import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../base/errors/input-error.js';
import { writeCsv } from '../../base/files/csv.js';
import { Rng } from '../../base/random/rng.js';
import { type ResultRow, resultColumns, summaryRows } from '../results/summary.js';
import { compareRuns } from './compare.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-compare-'));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const fresh = () => join(folder, `case-${(made += 1)}`);

const base: ResultRow = {
  variant: '',
  env: 'SparOA/Share-v0',
  model: 'model://resnet18',
  modelHash: 'aa',
  profile: 'profile://jetson-orin-nano',
  profileHash: 'bb',
  kind: 'simulated',
  weakestSource: 'derived',
  execution: 'serial',
  scheduler: 'sac',
  decision: 'planned',
  seed: 0,
  episode: 0,
  metric: 'latencyMs',
  value: 1,
};

interface Folder {
  readonly rows: readonly ResultRow[];
  readonly status?: object;
  readonly system?: object;
}

/** A run's folder as `run` leaves it, as far as it is compared. */
function write(path: string, { rows, status = { state: 'done' }, system = { version: '0.1.0' } }: Folder): string {
  mkdirSync(path, { recursive: true });
  writeCsv(join(path, 'results.csv'), resultColumns, rows);
  writeFileSync(join(path, 'status.json'), JSON.stringify(status));
  writeFileSync(join(path, 'system.json'), JSON.stringify(system));
  return path;
}

/** Every value of every scheduler in two cells, drawn. */
function drawn(rng: Rng, { seeds = 4, episodes = 2 } = {}): ResultRow[] {
  const rows: ResultRow[] = [];
  for (const model of ['model://resnet18', 'model://mobilenetv2'])
    for (const scheduler of ['greedy', 'random', 'sac'])
      for (let seed = 0; seed < (scheduler === 'greedy' ? 1 : seeds); seed++)
        for (let episode = 0; episode < episodes; episode++)
          for (const metric of ['latencyMs', 'energyMj'])
            rows.push({ ...base, model, scheduler, seed, episode, metric, value: 0.1 + rng.uniform() });
  return rows;
}

const files = ['results.csv', 'summary.csv', 'summary.md', 'variants.svg'];
const contents = (path: string) => files.map((name) => readFileSync(join(path, name), 'utf8'));

describe('compare', () => {
  test('gives the mean of paired differences to the first run, and the same bytes each time', async () => {
    for (const seed of [1, 2, 3]) {
      const rng = Rng.of(seed, 'compare');
      const [first, second, third] = [drawn(rng), drawn(rng), drawn(rng)];
      const runs = [first, second, third].map((rows, i) => write(join(fresh(), 'abc'[i]!), { rows }));
      const out = fresh();
      const { summary, differences, variants } = await compareRuns(runs, out);
      expect(variants).toEqual(['a', 'b', 'c']);
      expect(differences).toEqual([]);
      for (const { variant, model, scheduler, metric, differencePercent } of summary) {
        if (variant === 'a') {
          expect(differencePercent).toBeNull();
          continue;
        }
        const own = variant === 'b' ? second : third;
        const differs = own.flatMap((row, i) =>
          row.model === model && row.scheduler === scheduler && row.metric === metric
            ? [(row.value / first[i]!.value - 1) * 100]
            : [],
        );
        const mean = differs.reduce((sum, each) => sum + each) / differs.length;
        expect(differencePercent, `seed ${seed}, ${variant}`).toBeCloseTo(mean, 9);
      }
      const again = fresh();
      await compareRuns(runs, again);
      expect(contents(again)).toEqual(contents(out));
    }
  });

  test('of a run that was split gives what its variants gave', async () => {
    const rng = Rng.of(4, 'compare');
    const names = ['full', 'short', 'gamma-0.9'];
    const byVariant = names.map(() => drawn(rng));
    const together = byVariant.flatMap((rows, i) => rows.map((row) => ({ ...row, variant: names[i]! })));
    const parent = fresh();
    const runs = names.map((name, i) => write(join(parent, name), { rows: byVariant[i]! }));
    const { summary } = await compareRuns(runs, fresh());
    expect(summary).toEqual(summaryRows(together, { reference: 'full', objectiveOf: () => 'latencyMs' }));
  });

  test('calls runs by their folders, by more of the path where that is needed, and variants by both', async () => {
    const rows = drawn(Rng.of(5, 'compare'));
    const [left, right] = ['old', 'new'].map((name) => write(join(folder, name, 'quickstart'), { rows }));
    const both = ['full', 'short'].flatMap((variant) => rows.map((row) => ({ ...row, variant })));
    const varied = write(join(folder, 'old', 'ablation'), { rows: both });
    expect((await compareRuns([left!, right!], fresh())).variants).toEqual(['old/quickstart', 'new/quickstart']);
    expect((await compareRuns([left!, varied], fresh())).variants).toEqual([
      'quickstart',
      'ablation/full',
      'ablation/short',
    ]);
  });

  test('names what is not in common, compares the rest, and sums up all', async () => {
    const rows = drawn(Rng.of(6, 'compare'));
    const other = rows
      .filter(({ scheduler, seed, metric }) => scheduler !== 'random' && seed < 3 && metric === 'latencyMs')
      .filter(({ scheduler, seed, episode }) => !(scheduler === 'sac' && seed === 1 && episode === 0))
      .map((row) => (row.model === 'model://mobilenetv2' ? { ...row, profileHash: 'cc' } : row));
    const runs = [
      write(join(fresh(), 'a'), { rows }),
      write(join(fresh(), 'b'), { rows: other, system: { version: '0.2.0' } }),
    ];
    const out = fresh();
    const { differences, summary } = await compareRuns(runs, out);
    const cell = (model: string) => `SparOA/Share-v0, model://${model} on profile://jetson-orin-nano: `;
    expect(differences).toEqual([
      `${cell('resnet18')}random only in a`,
      `${cell('resnet18')}greedy: metric energyMj only in a`,
      `${cell('resnet18')}sac: seed 3 only in a`,
      `${cell('resnet18')}sac: metric energyMj only in a`,
      `${cell('resnet18')}sac: latencyMs of seed 1 in episode 0 only in a`,
      `${cell('mobilenetv2')}profileHash is cc in b, bb in a`,
      `version is "0.2.0" in ${runs[1]}, "0.1.0" in ${runs[0]}: compared all the same`,
    ]);
    const compared = summary.filter(({ differencePercent }) => differencePercent !== null);
    expect(compared.map(({ model, scheduler }) => `${model} ${scheduler}`)).toEqual([
      'model://resnet18 greedy',
      'model://resnet18 sac',
    ]);
    expect(summary.filter(({ variant, model }) => variant === 'b' && model === 'model://mobilenetv2')).toHaveLength(2);
    expect(readFileSync(join(out, 'results.csv'), 'utf8').trimEnd().split('\n')).toHaveLength(
      1 + rows.length + other.length,
    );
    expect(readFileSync(join(out, 'summary.md'), 'utf8')).toContain('profileHash is cc in b, bb in a');
  });

  test.each([
    ['model', { modelHash: 'edited' }, /modelHash is edited in b, aa in a/],
    ['profile', { profileHash: 'edited' }, /profileHash is edited in b, bb in a/],
    ['kind', { kind: 'measured' }, /kind is measured in b, simulated in a/],
    ['execution', { execution: 'overlap' }, /execution is overlap in b, serial in a/],
    ['environment', { env: 'SparOA/Placement-v0' }, /SparOA\/Placement-v0, .* only in b/],
    ['scheduler', { scheduler: 'heft' }, /heft only in b; .*sac only in a/],
    ['seed', { seed: 7 }, /seed 7 only in b; .*seed 0 only in a/],
  ] as const)('runs of another %s have nothing in common', async (_, change, problem) => {
    const runs = [
      write(join(fresh(), 'a'), { rows: [base] }),
      write(join(fresh(), 'b'), { rows: [{ ...base, ...change }] }),
    ];
    const failed = compareRuns(runs, fresh());
    await expect(failed).rejects.toThrow(InputError);
    await expect(failed).rejects.toThrow(/has nothing in common with the first one/);
    await expect(failed).rejects.toThrow(problem);
  });
});

describe('an error names the folder and what to do, of a run that', () => {
  const rows = drawn(Rng.of(7, 'compare'));
  const first = write(join(folder, 'first'), { rows });
  const line = (index: number, change: (text: string) => string) => (text: string) =>
    text.split('\n').map((each, i) => (i === index ? change(each) : each)).join('\n'); // biome-ignore format: a line
  const damaged = (change: (text: string) => string) => {
    const path = write(fresh(), { rows });
    const file = join(path, 'results.csv');
    writeFileSync(file, change(readFileSync(file, 'utf8')));
    return path;
  };
  const without = (name: string, left?: object) => {
    const path = write(fresh(), { rows, ...left });
    rmSync(join(path, name));
    return path;
  };
  const cases: readonly [string, () => string, RegExp][] = [
    ['is not there', fresh, /no such folder/],
    ['is a file', () => join(first, 'results.csv'), /no such folder/],
    ['is under way', () => write(fresh(), { rows, status: { state: 'running', pid: process.pid, startedAt: '', startTicks: null } }), /still under way/], // biome-ignore format: a line
    ['was killed', () => write(fresh(), { rows, status: { state: 'running', pid: 2 ** 22, startedAt: '', startTicks: 1 } }), /was stopped/], // biome-ignore format: a line
    ['failed', () => write(fresh(), { rows, status: { state: 'failed', error: 'no memory' } }), /failed: no memory/],
    ['is of an older version', () => without('results.csv', { system: { version: '0.0.9' } }), /version 0\.0\.9 wrote none/], // biome-ignore format: a line
    ['is no run', () => mkdirSync(join(fresh(), 'none'), { recursive: true })!, /no folder of a run/],
    ['lost its system', () => without('system.json'), /system\.json/],
    ['holds nothing', () => write(fresh(), { rows: [] }), /holds no row/],
    ['lacks a column', () => damaged((text) => text.replace('modelHash', 'hash')), /modelHash are missing/],
    ['has a value that is no number', () => damaged(line(3, (each) => each.replace(/[^,]*$/, '1.2.3'))), /results\.csv:4: value: is no number; it is "1.2.3"/], // biome-ignore format: a line
    ['has no value', () => damaged(line(3, (each) => each.replace(/[^,]*$/, ''))), /:4: value: is no number/],
    ['has a kind that there is not', () => damaged(line(2, (each) => each.replace('simulated', 'guessed'))), /:3: kind: .*"guessed"/], // biome-ignore format: a line
    ['repeats a line', () => damaged((text) => `${text}${text.split('\n')[1]}\n`), /repeats the value of line 2/],
    ['has two profiles in a cell', () => damaged(line(2, (each) => each.replace(',bb,', ',cc,'))), /:3: the cell's hashes/], // biome-ignore format: a line
    ['is of an unknown environment', () => damaged((text) => text.replaceAll('Share-v0', 'Share-v9')), /Share-v9" is unknown/], // biome-ignore format: a line
    ['is given twice', () => first, /given twice/],
  ];
  test.each(cases)('%s', async (_, path, problem) => {
    const run = path();
    const failed = compareRuns([first, run], fresh());
    await expect(failed).rejects.toThrow(InputError);
    await expect(failed).rejects.toThrow(problem);
    await expect(failed).rejects.toThrow(basename(run));
  });

  test('is given by a link too, or is where the results would go', async () => {
    const link = join(folder, 'link');
    symlinkSync(first, link);
    await expect(compareRuns([first, link], fresh())).rejects.toThrow(/given twice/);
    const other = write(fresh(), { rows });
    await expect(compareRuns([first, other], other)).rejects.toThrow(/results would be overwritten/);
    await expect(compareRuns([first], fresh())).rejects.toThrow(/one run is given/);
  });

  test('is cut or changed anywhere', async () => {
    const rng = Rng.of(8, 'damage');
    const text = readFileSync(join(first, 'results.csv'));
    const path = join(folder, 'damaged');
    cpSync(first, path, { recursive: true });
    for (let i = 0; i < 40; i++) {
      const at = rng.integer(text.length);
      const bytes = i % 2 === 0 ? text.subarray(0, at) : Buffer.from(text);
      if (i % 2 === 1) bytes[at] = rng.integer(256);
      writeFileSync(join(path, 'results.csv'), bytes);
      try {
        await compareRuns([first, path], join(folder, 'out'));
      } catch (error) {
        expect(error, `damage ${i} at byte ${at}`).toBeInstanceOf(InputError);
      }
    }
  }, 60_000);
});
