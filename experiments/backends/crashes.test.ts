// @module-tag gate
// Native code that really dies, in a job of the real runner: on x64 processors, the smallest integer divided by -1 is an
// arithmetic exception that ONNX Runtime's Div does not guard against.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../base/files/paths.js';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../../base/onnx/proto.js';
import { type Crash, inFlight } from '../../engine/runtime/journal.js';
import { crashSignal, journalPath, readCrashes, recordCrash } from './crashes.js';
import { runLocally } from './local-runner.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-crashes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newDirectory(name: string): string {
  const directory = join(folder, name);
  mkdirSync(directory);
  return directory;
}

/** y = (a + zeros) / b of integers. Fed with ordinary numbers it runs; a and b are what makes it crash. */
function writeDivision(path: string): void {
  const nodes = [
    makeNode('Add', ['a', 'zeros'], ['sum'], {}, { name: 'add' }),
    makeNode('Div', ['sum', 'b'], ['y'], {}, { name: 'divide' }),
  ];
  const value = (name: string) => makeValueInfo(name, DataType.INT32, [3]);
  const inputs = ['a', 'zeros', 'b'].map(value);
  const model = makeModel({ name: 'division', nodes, inputs, outputs: [value('y')], initializers: [] }, { '': 14 });
  writeFileSync(path, encodeModel(model));
}

/** A job that runs every placement of two operators on two CPU lanes. Its first argument is `serial` or `overlap`. */
function writeJob(directory: string): string {
  const from = (file: string) => JSON.stringify(pathToFileURL(join(packageRoot, 'dist', file)).href);
  const model = join(directory, 'division.onnx');
  writeDivision(model);
  const script = join(directory, 'job.mjs');
  writeFileSync(
    script,
    `import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OrtTensor } from ${from('base/onnx/session.js')};
import { journaled } from ${from('engine/runtime/journal.js')};
import { createLanesExecutor } from ${from('engine/runtime/lanes/executor.js')};
import { Schedule } from ${from('engine/schedule.js')};
import { journalPath, readCrashes } from ${from('experiments/backends/crashes.js')};
import { loadModel } from ${from('models/load.js')};

const directory = ${JSON.stringify(directory)};
const model = await loadModel(${JSON.stringify(model)});
const graph = model.graph('operator');
const integers = (...values) => new OrtTensor('int32', Int32Array.from(values), [3]);
const feeds = { a: integers(5, -(2 ** 31), 7), zeros: integers(0, 0, 0), b: integers(1, -1, 2) };
const executor = journaled(createLanesExecutor({ model, feeds }), {
  path: journalPath(directory),
  model: model.uri,
  stepwise: true,
  crashes: readCrashes(directory),
});
const conditions = { seed: 0, execution: process.argv[2], mode: 'host', load: null, memoryBudgetBytes: null };
const outcomes = [];
for (const shares of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
  const result = executor.run(graph, Schedule.of(graph, shares), conditions);
  outcomes.push({ shares, result });
}
writeFileSync(join(directory, 'outcomes.json'), JSON.stringify(outcomes));
executor.close();
`,
  );
  return script;
}

interface Outcome {
  readonly shares: readonly number[];
  readonly result: unknown;
}

/** Runs the job until it ends well; what its last process found. */
async function runJob(directory: string, execution: string): Promise<Outcome[]> {
  await runLocally({
    program: { executable: process.execPath, script: writeJob(directory) },
    jobs: [[execution]],
    onProgress: () => {},
    onDone: () => {},
    onCrash: (_, signal) => void recordCrash(directory, signal),
  });
  return JSON.parse(readFileSync(join(directory, 'outcomes.json'), 'utf8'));
}

const placements = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];

describe.skipIf(process.arch !== 'x64' || process.platform === 'win32')(
  'a job whose native code dies (x64: an arithmetic exception)',
  () => {
    test('unit by unit: the unit is recorded for each device, and an error in every schedule from then on', async () => {
      const directory = newDirectory('steps');
      const outcomes = await runJob(directory, 'serial');
      expect(readCrashes(directory)).toMatchObject(
        [0, 1].map((device) => ({
          signal: 'SIGFPE',
          model: expect.stringContaining('division.onnx'),
          devices: ['cpu:1', 'cpu:1'],
          execution: 'serial',
          decisions: [
            [0, 0, 0],
            [1, device, 0],
          ],
          unit: 1,
          device,
        })),
      );
      expect(outcomes).toEqual(
        placements.map((shares) => ({
          shares,
          result: {
            error: 'unit 1 "divide" crashed on cpu:1 before (SIGFPE) and is not run again',
            unit: 1,
            device: shares[1],
          },
        })),
      );
    });

    test('as a whole: each schedule is recorded, and an error where it is asked for again', async () => {
      const directory = newDirectory('whole');
      const outcomes = await runJob(directory, 'overlap');
      expect(readCrashes(directory)).toMatchObject(
        placements.map((shares) => ({
          signal: 'SIGFPE',
          decisions: shares.map((share, unit) => [unit, share, 0]),
          unit: null,
          device: null,
        })),
      );
      expect(outcomes.map(({ result }) => result)).toEqual(
        placements.map(() => ({
          error: 'this schedule crashed on cpu:1+cpu:1 before (SIGFPE) and is not run again',
          unit: null,
          device: null,
        })),
      );
    });
  },
);

const header = '{"model":"m","devices":["cpu:1","webgpu"],"graphHash":"g","execution":"serial","stepwise":true}\n';

test('a crash while nothing was executed is no schedule, and is not tried again', () => {
  const directory = newDirectory('idle');
  for (const journal of [null, '', header, `${header}[[0,1,0]]\n`, `${header}[[0,1,0]]\n[[1,`]) {
    if (journal !== null) writeFileSync(journalPath(directory), journal);
    expect(inFlight(journalPath(directory))).toBeNull();
    expect(() => recordCrash(directory, 'SIGSEGV')).toThrow(/crashed \(SIGSEGV\), and not while a schedule/);
  }
});

test('after ten crashes it is given up in two lines, and a journal counts once', () => {
  const directory = newDirectory('many');
  const crash = () => {
    writeFileSync(journalPath(directory), `${header}[[0,1,0]]\n[[1,0.5,0]]`);
    return recordCrash(directory, 'SIGABRT');
  };
  const expected: Partial<Crash> = {
    decisions: [
      [0, 1, 0],
      [1, 0.5, 0],
    ],
    unit: 1,
    device: null,
  };
  for (let i = 1; i < 10; i++) expect(crash()).toMatchObject(expected);
  expect(crash).toThrow(/crashed 10 times, last SIGABRT at unit 1 on cpu:1\+webgpu\.\nSee crashes\.jsonl/);
  expect(readFileSync(join(directory, 'crashes.jsonl'), 'utf8').trim().split('\n')).toHaveLength(10);
  expect(() => recordCrash(directory, 'SIGABRT')).toThrow(/not while a schedule/);
});

test('only ends by native code are crashes', () => {
  expect(crashSignal(null, 'SIGSEGV')).toBe('SIGSEGV');
  expect(crashSignal(0xc000_0005, null)).toBe('0xc0000005');
  for (const code of [0, 1, 2, 143]) expect(crashSignal(code, null)).toBeNull();
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) expect(crashSignal(null, signal)).toBeNull();
});
