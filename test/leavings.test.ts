// @module-tag gate
// What the program finds of itself (caches, results, checkpoints, journals), cut or changed, or of an earlier version: it
// makes again what it can without loss, and names the rest. And what the system refuses, by real refusals.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readCheckpoint, writeCheckpoint } from '../agents/checkpoint-file.js';
import { packageRoot } from '../base/files/paths.js';
import { readCrashes, recordCrash } from '../experiments/backends/crashes.js';
import { type JobResult, readJob, type TrainingJob } from '../experiments/job-files.js';
import { readStatus } from '../experiments/results/run-status.js';
import { singleTraining } from '../experiments/single-training.js';
import { writeChain } from './fixtures/chain-model.js';
import { mainScript, sparoaGym } from './fixtures/command-line.js';
import { inProcess } from './fixtures/in-process.js';
import { faultOf, runLimited } from './fuzz/limited-command.js';

const folder = mkdtempSync(join(tmpdir(), 'leavings-'));
const cache = join(folder, 'cache');
vi.stubEnv('SPAROA_GYM_CACHE', cache);
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});
const quiet = { signal: null, seconds: 0, peakBytes: 0 } as const;
const fixtures = join(packageRoot, 'test', 'fixtures');
const chain = writeChain(join(folder, 'chain.onnx'), 3);

describe('cases of malformed files:', () => {
  const cases = readdirSync(join(fixtures, 'cases')).filter((name) => name.startsWith('text_'));
  test.each(cases)('%s', { timeout: 60_000 }, async (name) => {
    const path = join(fixtures, 'cases', name);
    const training = join(folder, name);
    const args = () => {
      if (name.startsWith('text_npy')) return ['inspect', chain, '--input', path];
      if (name.startsWith('text_kit')) return ['fidelity', '--kit', path];
      mkdirSync(training);
      cpSync(join(fixtures, 'older-run', 'checkpoint.safetensors'), join(training, 'checkpoint.safetensors'));
      cpSync(path, join(training, 'job.json'));
      return ['evaluate', training];
    };
    // Archives are watched from outside, since one of them was read for ever.
    const ending = name.startsWith('text_kit')
      ? await runLimited(args())
      : await inProcess(args()).then(({ status, ...written }) => ({ ...written, code: status, ...quiet }));
    expect(faultOf(ending)).toBeNull();
    expect(ending).toMatchObject({ code: 1, stdout: '' });
    expect(ending.stderr).toContain(name.startsWith('text_job') ? `${name}/job.json` : name);
  });
});

test('an entry of the cache that was cut or changed is made again, with the same answer', {
  timeout: 120_000,
}, async () => {
  const own = join(folder, 'own-cache');
  vi.stubEnv('SPAROA_GYM_CACHE', own);
  const args = ['inspect', 'model://mobilenetv3-small?size=32', '--json'];
  const first = await inProcess(args);
  expect(first.status).toBe(0);
  const entries = readdirSync(own, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(own, name)).isFile(),
  );
  expect(entries.map((name) => name.replace(/^.*[\\/]/, '')).sort()).toEqual(
    expect.arrayContaining(['analysis.json', 'basic.onnx']),
  );
  for (const name of entries) {
    const path = join(own, name);
    const whole = readFileSync(path);
    truncateSync(path, whole.length >> 1);
    expect(await inProcess(args), `${name}, cut`).toEqual(first);
    expect(readFileSync(path).equals(whole), `${name}, cut`).toBe(true);
    if (!name.endsWith('.json')) continue;
    const changed = Buffer.from(whole);
    changed[changed.length - 5]! ^= 1;
    writeFileSync(path, changed);
    expect(await inProcess(args), name).toEqual(first);
  }
  vi.stubEnv('SPAROA_GYM_CACHE', cache);
});

describe('a training', () => {
  const [older, own] = [join(folder, 'older'), join(folder, 'own')];
  cpSync(join(fixtures, 'older-run'), older, { recursive: true });
  const recorded = JSON.parse(readFileSync(join(older, 'result.json'), 'utf8'));

  test('of an earlier version is replayed and evaluated', { timeout: 60_000 }, async () => {
    expect(await inProcess(['validate', join(older, 'trajectories.csv')])).toMatchObject({ status: 0, stderr: '' });
    const { status, stdout } = await inProcess(['evaluate', older, '--json']);
    expect([status, JSON.parse(stdout).value]).toEqual([0, recorded.final.latencyMs]);
  });

  const manifest = join(folder, 'jobs.json');
  const trainOn = () => inProcess(['job', manifest, '0']);
  const final = (text: string) => {
    const { cells, curve, jobHash } = JSON.parse(text);
    const played = cells.map(({ episodes }: JobResult['cells'][number]) => episodes.map(({ actions }) => actions));
    return { played, curve, jobHash };
  };
  let job: TrainingJob;
  let result: string;
  beforeAll(async () => {
    const { models, platform } = readJob(older).train[0]!;
    const { agent, training } = readJob(older);
    const of = { learner: 'sac', models, profiles: [platform], seed: 0, compute: 'compiled', plugins: [] };
    const settings = Object.entries({ agent, training }).flatMap(([part, fields]) =>
      Object.entries(fields).map(([name, value]) => `${part}.${name}=${JSON.stringify(value)}`),
    );
    job = await singleTraining({ ...of, settings });
    writeFileSync(manifest, JSON.stringify([{ directory: own, job }]));
    expect(await trainOn()).toMatchObject({ status: 0, stderr: '' });
    result = readFileSync(join(own, 'result.json'), 'utf8');
  }, 60_000);

  test('that is finished is not done again', async () => {
    expect(await trainOn()).toMatchObject({ status: 0, stderr: '', stdout: '' });
    expect(readFileSync(join(own, 'result.json'), 'utf8')).toBe(result);
  });

  test('whose result is damaged gets the same one from its checkpoint', { timeout: 60_000 }, async () => {
    for (const damaged of ['', result.slice(0, 700), result.replace('"curve"', '"kurve"')]) {
      writeFileSync(join(own, 'result.json'), damaged);
      expect(await trainOn()).toMatchObject({ status: 0 });
      expect(final(readFileSync(join(own, 'result.json'), 'utf8'))).toEqual(final(result));
    }
  });

  test('whose checkpoint is damaged says which file to remove; without it, it is trained again', {
    timeout: 60_000,
  }, async () => {
    const path = join(own, 'checkpoint.safetensors');
    rmSync(join(own, 'result.json'));
    const whole = readCheckpoint(path);
    writeCheckpoint(path, whole);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += bytes.length >> 4) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x10;
      writeFileSync(path, changed);
      const { status, stderr } = await trainOn();
      expect(status, `byte ${at}`).toBe(1);
      expect(stderr, `byte ${at}`).toMatch(/^checkpoints: .*checkpoint\.safetensors .*\n.*remove the file.*\n$/);
    }
    writeFileSync(path, Buffer.from(bytes.toString('latin1').replace('"version":2', '"version":3'), 'latin1'));
    expect((await trainOn()).stderr).toMatch(/is of version 3, but this SparOA Gym reads versions 1 to 2/);
    rmSync(path);
    expect(await trainOn()).toMatchObject({ status: 0 });
    expect(final(readFileSync(join(own, 'result.json'), 'utf8'))).toEqual(final(result));
  });

  test('goes on with a damaged job.json where the checkpoint says whose it is', {
    timeout: 60_000,
  }, async () => {
    rmSync(join(own, 'result.json'));
    writeFileSync(join(own, 'job.json'), '{"learner": "sa');
    expect(await trainOn()).toMatchObject({ status: 0 });
    expect(JSON.parse(readFileSync(join(own, 'job.json'), 'utf8'))).toEqual(job);
    // A checkpoint of an earlier version does not say so.
    cpSync(join(fixtures, 'older-run', 'checkpoint.safetensors'), join(own, 'checkpoint.safetensors'));
    rmSync(join(own, 'result.json'));
    writeFileSync(join(own, 'job.json'), '');
    expect((await trainOn()).stderr).toMatch(/job\.json cannot be read, and the checkpoint .*\n.*remove that folder/);
  });
});

test('lines of crashes.jsonl and a journal that are cut count for nothing, and the next crash is recorded whole', () => {
  const own = join(folder, 'crashes');
  mkdirSync(own);
  const header = { model: 'm', devices: ['cpu:1', 'cpu:1'], graphHash: 'h', execution: 'serial', stepwise: true };
  const journal = `${JSON.stringify(header)}\n[[0,0,0]]\n[[1,1,0]]`;
  const crash = () => {
    writeFileSync(join(own, 'in-flight.txt'), journal);
    return recordCrash(own, 'SIGSEGV');
  };
  crash();
  const path = join(own, 'crashes.jsonl');
  const [line] = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, `${line}\n\n{"signal":"SIGSEGV"}\nno JSON\n${line!.slice(0, 30)}`);
  expect(readCrashes(own)).toHaveLength(1);
  crash();
  expect(readCrashes(own).map(({ unit, device }) => [unit, device])).toEqual([
    [1, 1],
    [1, 1],
  ]);
  for (const damaged of [
    '',
    'x',
    journal.slice(0, 20),
    journal.replace('cpu', '"'),
    journal.replace('[[0,0,0]]', '[[0,'),
  ]) {
    writeFileSync(join(own, 'in-flight.txt'), damaged);
    expect(() => recordCrash(own, 'SIGSEGV'), damaged).toThrow(/not while a schedule was executed/);
  }
});

describe('status.json', () => {
  const config = join(folder, 'config.yaml');
  const training = 'training: {steps: 100000, evaluateEverySteps: 200}\nagent: {hidden: [4], bufferSize: 1000}\n';
  writeFileSync(
    config,
    `name: x\nmodels: [${chain}]\nprofile: profile://jetson-agx-orin\nschedulers: [sac]\nseeds: 1\n${training}`,
  );

  /** Starts a run and ends it by `signal` once its training is under way. */
  async function stopped(out: string, signal: NodeJS.Signals) {
    const child = spawn(process.execPath, [mainScript, 'run', config, '--out', out], { stdio: 'ignore' });
    await vi.waitUntil(() => existsSync(join(out, 'progress.jsonl')), { timeout: 60_000, interval: 100 });
    expect(readStatus(out)).toMatchObject({ state: 'running', pid: child.pid });
    child.kill(signal);
    return (await once(child, 'close')) as [number | null, string | null];
  }

  test('says which signal stopped a run, and after SIGKILL that its process is gone', {
    timeout: 120_000,
  }, async () => {
    const out = join(folder, 'stopped');
    expect(await stopped(out, 'SIGTERM')).toEqual([143, null]);
    expect(readStatus(out)).toMatchObject({ state: 'stopped', signal: 'SIGTERM' });
    rmSync(join(out, 'progress.jsonl'));
    expect(await stopped(out, 'SIGINT')).toEqual([130, null]);
    expect(readStatus(out)).toMatchObject({ state: 'stopped', signal: 'SIGINT' });
    rmSync(join(out, 'progress.jsonl'));
    expect(await stopped(out, 'SIGKILL')).toEqual([null, 'SIGKILL']);
    expect(readStatus(out)).toEqual({ state: 'stopped', signal: null, at: null });
    // The number of a process that is another one by now.
    const status = JSON.parse(readFileSync(join(out, 'status.json'), 'utf8'));
    writeFileSync(join(out, 'status.json'), JSON.stringify({ ...status, pid: process.pid }));
    if (status.startTicks !== null) expect(readStatus(out)).toMatchObject({ state: 'stopped' });
  });
});

describe('what the system refuses is one line that names the path, and one that names the setting:', () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const long = join(folder, 'n'.repeat(300));
  const withCache = (path: string) => ({ env: { ...process.env, SPAROA_GYM_CACHE: path } });
  const model = 'model://mobilenetv3-small?size=32';

  test.each([
    [
      'a cache below a file',
      ['inspect', chain],
      withCache(join(file, 'cache')),
      /a-file.*not a directory.*\n.*SPAROA_GYM_CACHE/,
    ],
    [
      'a cache that the kernel keeps',
      ['inspect', chain],
      withCache('/proc/cache'),
      /\/proc\/cache.*\n.*SPAROA_GYM_CACHE/,
    ],
    ['a cache of too long a name', ['inspect', model], withCache(long), /nnn.*name too long.*\n.*SPAROA_GYM_CACHE/],
    [
      'results below a file',
      ['train', '--model', chain, '--steps', '10', '--out', join(file, 'x')],
      {},
      /a-file.*not a dir.*\n.*--out/,
    ],
    ['a trace in place of a folder', ['trace', chain, '--out', folder], {}, /leavings.*directory.*\n.*--out/],
    ['a folder as a config', ['run', folder], {}, /leavings.*directory/],
    ['a folder as a model', ['inspect', folder], {}, /leavings.*\n/],
    ['a folder as a table', ['trace', chain, '--profile', `table://${folder}`], {}, /leavings.*directory/],
    ['a folder as trajectories', ['validate', folder], {}, /leavings.*directory/],
    ['a folder as an archive', ['fidelity', '--kit', folder], {}, /leavings.*directory/],
    ['a file as a kit', ['kit', chain, '--out', file], {}, /a-file.*not a directory/],
  ])('%s', { timeout: 60_000 }, async (_name, args, options, message) => {
    const ending = await runLimited(args, options);
    expect(faultOf({ ...ending, seconds: 0 })).toBeNull();
    expect(ending.code).toBe(1);
    expect(ending.stderr).toMatch(message);
  });

  test('a port that is taken', { timeout: 60_000 }, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const ending = await runLimited(['serve', '--socket', String(port)]);
    server.close();
    expect(faultOf(ending)).toBeNull();
    expect(ending).toMatchObject({ code: 1 });
    expect(ending.stderr).toMatch(new RegExp(`port ${port} is taken.*\n.*--socket`));
  });

  test('a full disk: standard output, the cache, results', { timeout: 120_000 }, async ({ skip }) => {
    const full = (command: string) => spawnSync('sh', ['-c', command], { encoding: 'utf8', env: process.env });
    const program = `"${process.execPath}" "${mainScript}"`;
    if (existsSync('/dev/full')) {
      const { status, stderr } = full(`${program} list > /dev/full`);
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(/^standard output: .*no space left on device.*\n.*\n$/),
      ]);
    }
    // Larger files than this are refused by the kernel as EFBIG, wherever they lie.
    const limited = full(`ulimit -f 8; trap "" XFSZ; ${program} inspect "${model}&seed=5"`);
    expect(limited).toMatchObject({ status: 1, stdout: '' });
    expect(limited.stderr).toMatch(/^.*file too large.*\n.*SPAROA_GYM_CACHE.*\n$/);
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0)
      return skip('a small file system cannot be mounted here');
    try {
      const out = await runLimited(['train', '--model', chain, '--steps', '10', '--out', disk]);
      const kept = await runLimited(['inspect', `${model}&seed=6`], withCache(disk));
      const picture = await runLimited(
        ['inspect', join(fixtures, 'fuzz', 'picture.onnx'), '--shape', 'x=1,3,8,8'],
        withCache(disk),
      );
      for (const ending of [out, kept, picture]) expect(faultOf({ ...ending, seconds: 0 })).toBeNull();
      expect(kept.stderr).toMatch(/no space left on device.*\n.*SPAROA_GYM_CACHE/);
      spawnSync('sh', ['-c', `cat /dev/zero > ${join(disk, 'filler')} 2>&1`]);
      const nothing = await runLimited(
        ['inspect', join(fixtures, 'fuzz', 'picture.onnx'), '--shape', 'x=2,3,8,8'],
        withCache(disk),
      );
      expect(nothing.stderr).toMatch(/no space left on device.*\n.*SPAROA_GYM_CACHE/);
    } finally {
      spawnSync('umount', [disk]);
    }
  });

  test('a reader that has seen enough is no failure', { timeout: 60_000 }, () => {
    const many = `"${process.execPath}" "${mainScript}" list environments --json`;
    const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', `${many} | head -c 1`], {
      encoding: 'utf8',
    });
    expect({ status, length: stdout.length, stderr }).toEqual({ status: 0, length: 1, stderr: '' });
  });
});

test('the program ends in the same words, whatever stands in a value', () => {
  const { status, stderr } = sparoaGym(['inspect', `a\nb\u001b[2J${'x'.repeat(5000)}`]);
  expect(status).toBe(1);
  expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  expect(stderr).not.toContain('\u001b');
  expect(stderr.length).toBeLessThan(2500);
});
