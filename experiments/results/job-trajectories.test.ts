// The files of a real job, cut in every way: what is read back is all that it wrote, or an error.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputError } from '../../base/errors/input-error.js';
import { runJob } from '../job.js';
import type { JobResult } from '../job-files.js';
import { singleTraining } from '../single-training.js';
import { jobTrajectories } from './job-trajectories.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-job-rows-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'trajectories.csv');
let result: JobResult;
let whole: string;

beforeAll(async () => {
  const job = await singleTraining({
    learner: 'sac',
    models: ['model://yunet?size=32&height=32'],
    profiles: ['profile://jetson-agx-orin'],
    seed: 0,
    compute: 'compiled',
    plugins: [],
    settings: [],
    steps: 400,
  });
  result = await runJob(folder, job, () => {});
  whole = readFileSync(file, 'utf8');
}, 60_000);

test('whole files are read, the final episode last', () => {
  const rows = jobTrajectories(folder, result);
  expect(rows).toHaveLength(whole.trimEnd().split('\n').length - 1);
  expect(rows.at(-1)).toMatchObject({ phase: 'final', latencyMs: String(result.cells[0]!.objective) });
});

test('rows that are missing are an error: none, the last, the first, one in the middle, half of one', () => {
  const lines = whole.trimEnd().split('\n');
  const without = (at: number) => lines.toSpliced(at, 1).join('\n');
  const cut = [
    '',
    lines[0]!,
    `${lines[0]}\n`,
    without(lines.length - 1),
    without(1),
    without(2),
    ...Array.from({ length: 20 }, (_, at) => whole.slice(0, whole.length - 2 - 7 * at)),
    ...Array.from({ length: 20 }, (_, at) => whole.slice(0, Math.floor((whole.length * at) / 20))),
  ];
  try {
    for (const text of cut) {
      writeFileSync(file, text);
      expect(() => jobTrajectories(folder, result), text.slice(-80)).toThrow(InputError);
    }
  } finally {
    writeFileSync(file, whole);
  }
});
