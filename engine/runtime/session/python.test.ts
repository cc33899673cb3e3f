// What only the Python process can do or suffer: be absent, be old, die, carry any tensor, and be gone in the end.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors/input-error.js';
import { packageRoot } from '../../../base/files/paths.js';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../../../base/onnx/proto.js';
import { seededFeeds } from '../../../models/analysis/feeds.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import { sessionHosts, skipped } from '../../../test/fixtures/session-hosts.js';
import type { Conditions } from '../../conditions.js';
import { Schedule } from '../../schedule.js';
import { traceViolations } from '../../trace-invariants.js';
import { parseDevice, parseDevicePair } from '../devices/device-pair.js';
import { sessionSettings } from '../devices/session-settings.js';
import type { PlainFeeds } from '../plain-tensor.js';
import { SessionClient } from './client.js';
import { createPythonExecutor, type SessionExecutor } from './executor.js';
import { pythonDevices, requirePythonDevices } from './python.js';
import { pythonCommand, pythonSettings } from './python-settings.js';

const { missing, gpuMissing } = sessionHosts.find(({ name }) => name === 'python')!;
const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'measured', load: null, memoryBudgetBytes: null };
const folder = mkdtempSync(join(tmpdir(), 'sparoa-python-'));
const named = process.env.SPAROA_GYM_PYTHON;
const python = pythonCommand();
let small: LoadedModel;

beforeAll(async () => {
  small = await loadModel('model://resnet18?size=32');
});
afterEach(() => {
  delete process.env.SPAROA_GYM_PYTHON_TIMEOUT;
  if (named === undefined) delete process.env.SPAROA_GYM_PYTHON;
  else process.env.SPAROA_GYM_PYTHON = named;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A Python started in a way of its own, as the one to use. */
function usePython(name: string, lines: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
  process.env.SPAROA_GYM_PYTHON = path;
  return path;
}

/** The Python to use writes the id of its process to a file. */
function usePythonWithId(name: string): () => number {
  const file = join(folder, `${name}.pid`);
  usePython(name, `echo $$ > '${file}'\nexec '${python}' "$@"`);
  return () => Number(readFileSync(file, 'utf8'));
}

/** What the system says of a process; nothing once it is gone and was waited for. */
const stateOf = (id: number): string =>
  spawnSync('ps', ['-o', 'stat=', '-p', `${id}`], { encoding: 'utf8' }).stdout.trim();

/** Four operators in a row, small for the sake of a software device. */
async function chain(): Promise<LoadedModel> {
  const operators = ['Relu', 'Sigmoid', 'Abs', 'Tanh'];
  const info = (name: string) => makeValueInfo(name, DataType.FLOAT, [1, 4, 8, 8]);
  const nodes = operators.map((operator, i) => makeNode(operator, [`t${i}`], [`t${i + 1}`], {}, { name: `n${i}` }));
  const graph = { name: 'chain', nodes, inputs: [info('t0')], outputs: [info('t4')], initializers: [] };
  const path = join(folder, 'chain.onnx');
  writeFileSync(path, encodeModel(makeModel(graph, { '': 17 })));
  return loadModel(path);
}

const allOnCpu = (executor: SessionExecutor) => {
  const graph = small.graph('fused');
  return executor.run(graph, Schedule.onDevice(graph, 0), conditions);
};

test('settings become those of the Python interface', () => {
  expect(pythonSettings(sessionSettings(parseDevicePair('cpu:2+cuda:1')))).toEqual({
    providers: [
      ['CUDAExecutionProvider', { device_id: '1' }],
      ['CPUExecutionProvider', {}],
    ],
    level: 'ORT_ENABLE_ALL',
    intraOpThreads: 2,
    interOpThreads: 1,
    logSeverity: 4,
    entries: { 'session.intra_op.allow_spinning': '0' },
  });
});

test('a Python that is not there is refused, with what to set', () => {
  process.env.SPAROA_GYM_PYTHON = join(folder, 'no-python');
  expect(() => createPythonExecutor(small, 'cpu:1+cpu:1')).toThrow(InputError);
  expect(() => createPythonExecutor(small, 'cpu:1+cpu:1')).toThrow(/does not start: .*ENOENT.*\n.*SPAROA_GYM_PYTHON/);
});

test('a command that prints, stops, ends or answers nonsense is refused in time, with what it did', {
  timeout: 120_000,
}, () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['exit 3', /ended with exit code 3\./],
    ['echo no such environment; exit 1', /ended with exit code 1: no such environment\./],
    ['echo no such environment >&2; exit 1', /ended with exit code 1: no such environment\./],
    ['kill -9 $$', /was ended by SIGKILL/],
    ['yes', /prints endless text and no message/],
    ["yes | tr -d '\\n'", /prints an endless line/],
    ['cat', /prints a message that is no answer/],
    ["echo 'sparoa-gym:{'; sleep 60", /prints a message without a header/],
    // Another process holds the pipes, while the command runs or after its end.
    ['sleep 60; true', /did not answer within 2 s; SPAROA_GYM_PYTHON_TIMEOUT/],
    ['sleep 60 & exit 4', /ended with exit code 4\./],
  ];
  for (const [index, [lines, did]] of cases.entries()) {
    usePython(`odd-${index}`, lines);
    process.env.SPAROA_GYM_PYTHON_TIMEOUT = did.source.includes('within 2 s') ? '2' : '60';
    let error: unknown;
    try {
      createPythonExecutor(small, 'cpu:1+cpu:1');
    } catch (thrown) {
      error = thrown;
    }
    expect(error, lines).toBeInstanceOf(InputError);
    expect((error as Error).message, lines).toMatch(did);
  }
  for (const path of [folder, `${process.execPath}/x`, join(folder, 'plain.txt')]) {
    writeFileSync(join(folder, 'plain.txt'), '');
    process.env.SPAROA_GYM_PYTHON = path;
    expect(() => createPythonExecutor(small, 'cpu:1+cpu:1')).toThrow(/does not run as a Python/);
  }
  for (const setting of ['soon', '0', '-1', 'NaN']) {
    process.env.SPAROA_GYM_PYTHON_TIMEOUT = setting;
    usePython(`setting-${setting}`, 'exit 0');
    expect(() => createPythonExecutor(small, 'cpu:1+cpu:1')).toThrow(`SPAROA_GYM_PYTHON_TIMEOUT is "${setting}"`);
  }
});

describe.skipIf(missing !== null)(`with Python's onnxruntime${skipped(missing)}`, () => {
  test('a Python without onnxruntime is refused, with the command that installs it', () => {
    const path = usePython('without-packages', `exec '${python}' -I -S "$@"`);
    const refused = () => createPythonExecutor(small, 'cpu:1+cpu:1');
    expect(refused).toThrow(InputError);
    expect(refused).toThrow(`"${path}" cannot import onnxruntime and numpy: ModuleNotFoundError`);
    expect(refused).toThrow(`${path} -m pip install onnxruntime numpy`);
  });

  test('every provider is listed, and one that does not run there is refused with why and what to install', () => {
    const { version, devices } = pythonDevices();
    expect(version).toBe(
      execFileSync(python, ['-c', 'import onnxruntime as o; print(o.__version__)'], { encoding: 'utf8' }).trim(),
    );
    expect(devices.map(({ provider }) => provider)).toEqual(['cpu', 'webgpu', 'cuda', 'tensorrt']);
    expect(devices[0]!.available).toBe(true);
    for (const { id, available, reason, remedy } of devices.slice(1)) {
      const ask = () => requirePythonDevices(parseDevicePair(`cpu:1+${id}`));
      if (available) expect(ask).not.toThrow();
      else {
        expect(ask).toThrow(InputError);
        expect(ask).toThrow(`${reason}.\n${remedy}`);
      }
    }
  });

  test('tensors of every type and of many megabytes travel unchanged, as onnxruntime-node sees them', () => {
    const types = [
      'FLOAT',
      'DOUBLE',
      'FLOAT16',
      'INT64',
      'UINT64',
      'INT32',
      'UINT32',
      'INT16',
      'UINT16',
      'INT8',
      'UINT8',
      'BOOL',
      'STRING',
    ] as const;
    const shapes = types.map((type) => (type === 'FLOAT' ? [3, 1024, 1024] : [2, 3]));
    const info = (prefix: string) =>
      types.map((type, i) => makeValueInfo(`${prefix}${type}`, DataType[type], shapes[i]!));
    const nodes = types.map((type) => makeNode('Identity', [`x${type}`], [`y${type}`], {}));
    const model = join(folder, 'identity.onnx');
    const graph = { name: 'identity', nodes, inputs: info('x'), outputs: info('y'), initializers: [] };
    writeFileSync(model, encodeModel(makeModel(graph, { '': 17 })));
    const inputs = types.map((type, i) => ({ name: `x${type}`, elemType: DataType[type], shape: shapes[i]! }));
    const feeds: PlainFeeds = Object.fromEntries(
      Object.entries(seededFeeds(inputs, 1)).map(([name, { type, data, dims }]) => [
        name,
        { type, data, dims: [...dims] },
      ]),
    );
    const settings = sessionSettings(parseDevice('cpu:1'));
    const [fromNode, fromPython] = (['node', 'python'] as const).map((host) => {
      const client = new SessionClient(host);
      const outputs = client.ask<'reference'>({ op: 'reference', model, settings, feeds });
      client.close();
      return outputs;
    });
    for (const type of types) {
      const [a, b] = [fromNode![`y${type}`]!, fromPython![`y${type}`]!];
      expect(b.type).toBe(a.type);
      const { data } = feeds[`x${type}`]!;
      const expected = ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : null;
      expect(Buffer.compare(a.data, b.data), type).toBe(0);
      if (expected) expect(Buffer.compare(b.data, expected), type).toBe(0);
      else expect(JSON.parse(Buffer.from(b.data).toString())).toEqual(data);
    }
  });

  test('a process that dies between two executions or within one is an error that says so; the next one runs again', () => {
    const processId = usePythonWithId('mortal');
    const executor = createPythonExecutor(small, 'cpu:1+cpu:1');
    try {
      expect(allOnCpu(executor)).not.toHaveProperty('error');
      const first = processId();
      process.kill(first, 'SIGSEGV');
      expect(allOnCpu(executor)).toMatchObject({ error: expect.stringMatching(/Python process was ended by SIGSEGV/) });
      expect(allOnCpu(executor)).not.toHaveProperty('error');
      const second = processId();
      expect(second).not.toBe(first);
      spawn('sh', ['-c', `sleep 0.3; kill -SEGV ${second}`], { stdio: 'ignore' });
      let result = allOnCpu(executor);
      while (!('error' in result)) result = allOnCpu(executor);
      expect(result.error).toMatch(/Python process was ended by SIGSEGV/);
      const trace = allOnCpu(executor);
      if ('error' in trace) throw new Error(trace.error);
      expect(traceViolations(small.graph('fused'), trace)).toEqual([]);
      expect(stateOf(first) + stateOf(second)).toBe('');
    } finally {
      executor.close();
    }
  });

  test('a Python that prints before it answers is used all the same', () => {
    usePython('talkative', `echo welcome; printf 'no line break'; '${python}' "$@"`);
    const executor = createPythonExecutor(small, 'cpu:1+cpu:1');
    expect(allOnCpu(executor)).not.toHaveProperty('error');
    executor.close();
  });

  test('a process that stops is ended in time: an error of that run, and the next one runs again', () => {
    const processId = usePythonWithId('stopping');
    process.env.SPAROA_GYM_PYTHON_TIMEOUT = '20';
    const executor = createPythonExecutor(small, 'cpu:1+cpu:1');
    try {
      expect(allOnCpu(executor)).not.toHaveProperty('error');
      const stopped = processId();
      process.kill(stopped, 'SIGSTOP');
      expect(allOnCpu(executor)).toEqual({
        error: expect.stringMatching(/did not answer within 20 s; SPAROA_GYM_PYTHON_TIMEOUT/),
        unit: null,
        device: null,
      });
      expect(stateOf(stopped)).toBe('');
      expect(allOnCpu(executor)).not.toHaveProperty('error');
      // Gone altogether: still an error of the run.
      process.kill(processId(), 'SIGKILL');
      allOnCpu(executor);
      rmSync(join(folder, 'stopping'));
      expect(allOnCpu(executor)).toMatchObject({ error: expect.stringMatching(/does not start/) });
    } finally {
      executor.close();
    }
  });

  test('closing ends the process, and so does an answer that takes too long', async () => {
    const processId = usePythonWithId('closed');
    const executor = createPythonExecutor(small, 'cpu:1+cpu:1');
    allOnCpu(executor);
    expect(stateOf(processId())).not.toBe('');
    executor.close();
    expect(stateOf(processId())).toBe('');

    const file = join(folder, 'slow.pid');
    usePython('slow', `echo $$ > '${file}'\nexec sleep 600`);
    const client = new SessionClient('python', 1000);
    expect(() => client.ask<'describe'>({ op: 'describe' })).toThrow(/did not answer within 1 s/);
    const slow = Number(readFileSync(file, 'utf8'));
    expect(stateOf(slow)).toBe('');
    client.close();
    expect(() => client.ask<'describe'>({ op: 'describe' })).toThrow(/closed/);
  });

  test('the thread whose process was closed ends without an error', async () => {
    const { port1, port2 } = new MessageChannel();
    const answered = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(join(packageRoot, 'dist', 'engine', 'runtime', 'session', 'python-worker.js'), {
      workerData: { port: port2, answered, timeLimitMs: 60_000 },
      transferList: [port2],
      execArgv: [],
    });
    const errors: Error[] = [];
    worker.on('error', (error) => errors.push(error as Error));
    const exited = once(worker, 'exit'); // it may come together with the last answer
    for (const op of ['describe', 'close']) {
      port1.postMessage({ op });
      await once(port1, 'message');
    }
    await exited;
    port1.close();
    expect(errors).toEqual([]);
  });

  test('a process whose parent is gone without closing it ends by itself', async () => {
    const processId = usePythonWithId('orphan');
    const script = `
      import { createPythonExecutor, loadModel, Schedule } from '${join(packageRoot, 'dist', 'index.js')}';
      const model = await loadModel('model://resnet18?size=32');
      const executor = createPythonExecutor(model, 'cpu:1+cpu:1');
      const graph = model.graph('fused');
      const conditions = ${JSON.stringify(conditions)};
      console.log(executor.run(graph, Schedule.onDevice(graph, 0), conditions).kind);
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect([child.stdout.trim(), child.signal], child.stderr).toEqual(['measured', 'SIGKILL']);
    // Whoever inherits it may leave it unwaited for: then it is a zombie.
    while (!/^Z|^$/.test(stateOf(processId()))) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});

describe.skipIf(gpuMissing !== null)(
  `with an onnxruntime that cannot place a node on a given device${skipped(gpuMissing)}`,
  () => {
    test('what ONNX Runtime places by itself runs; anything else is refused with the version that is needed', async () => {
      // This onnxruntime says that it is an older one, so that it is used as one: without labels.
      const script =
        'import runpy, sys, onnxruntime; onnxruntime.__version__ = "1.24.4"; runpy.run_path(sys.argv[2], run_name="__main__")';
      usePython('old', `exec '${python}' -c '${script}' "$@"`);
      const model = await chain();
      const executor = createPythonExecutor(model, 'cpu:1+webgpu');
      try {
        const graph = model.graph('operator');
        for (const device of [0, 1] as const) {
          const trace = executor.run(graph, Schedule.onDevice(graph, device), conditions);
          if ('error' in trace) throw new Error(trace.error);
          expect(traceViolations(graph, trace)).toEqual([]);
        }
        const mixed = Schedule.of(
          graph,
          graph.units.map(({ id }) => id % 2),
        );
        expect(() => executor.run(graph, mixed, conditions)).toThrow(InputError);
        expect(() => executor.run(graph, mixed, conditions)).toThrow(
          /version 1\.24\.4 cannot place a node.*\nInstall onnxruntime 1\.25/,
        );
      } finally {
        executor.close();
      }
    });
  },
);
