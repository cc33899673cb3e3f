// The Python client, spawned for real: its own tests, the same numbers as here, processes that end, sockets with a token.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';
import { Rng } from '../base/random/rng.js';
import { environmentIds, makeFromSpec } from '../env/gym/registry.js';
import '../env/environments.js';
import { Box } from '../env/gym/spaces/box.js';
import { Dict, Tuple } from '../env/gym/spaces/composite.js';
import { Discrete, MultiBinary, MultiDiscrete } from '../env/gym/spaces/discrete.js';
import type { Mask, Space } from '../env/gym/spaces/space.js';
import { codecOf } from '../env/server/codec.js';
import { plain } from '../env/server/frames.js';
import { baselinesMissing, clientMissing, runPython } from './fixtures/python.js';
import { type ServerProcess, startServer } from './fixtures/server-process.js';
import { skipped } from './fixtures/session-hosts.js';
import { tinyModel } from './fixtures/tiny-model.js';

/** The witness takes minutes of training. */
const full = process.env.SPAROA_GYM_FULL === '1' && baselinesMissing === null;

const packageFile = (...path: string[]) => readFileSync(join(packageRoot, ...path), 'utf8');

test('the ids that Python registers are the registered ones: sparoa-gym list environments --json wrote them', () => {
  const written = JSON.parse(packageFile('python', 'sparoa_gym', 'environments.json'));
  // Other tests of this process may have registered ids of their own.
  expect(Object.keys(written.environments)).toEqual(environmentIds().filter((id) => id.startsWith('SparOA/')));
});

test('both packages have one version', () => {
  const version = /^version = "(.*)"$/m.exec(packageFile('python', 'pyproject.toml'))![1];
  expect(version).toBe(JSON.parse(packageFile('package.json')).version);
});

describe.skipIf(clientMissing !== null)(`the Python client${skipped(clientMissing)}`, () => {
  for (const file of ['test_client.py', 'test_libraries.py', 'test_planning.py']) {
    const title = `${file} passes${baselinesMissing === null ? ', with Stable-Baselines3' : ''}`;
    test(title, { timeout: 480_000 }, () => {
      const folder = mkdtempSync(join(tmpdir(), 'sparoa-python-client-'));
      const model = join(folder, 'tiny.onnx');
      writeFileSync(model, tinyModel());
      const { status, stderr } = runPython([join(packageRoot, 'python', 'tests', file)], {
        env: { SPAROA_TEST_MODEL: model },
      });
      rmSync(folder, { recursive: true });
      expect(status, stderr).toBe(0);
    });
  }

  if (full) {
    test("Stable-Baselines3's SAC captures as much headroom as ours", { timeout: 900_000 }, () => {
      const reference = (name: string) => join(packageRoot, 'results', 'reference', 'quickstart', name);
      const script = join(packageRoot, 'python', 'examples', 'sac_witness.py');
      const { status, stdout, stderr } = runPython([script, reference('latency.csv'), reference('config.json')]);
      expect(status, `${stdout}\n${stderr}`).toBe(0);
    });
  }

  test('an episode has the rewards and observations that it has here, to the bit', async () => {
    const script = `
import gymnasium, hashlib, json, sparoa_gym
env = gymnasium.make("SparOA/Placement-v0", model="model://mobilenetv3-small?size=32")
observation, info = env.reset(seed=3)
digest, rewards, over = hashlib.sha256(observation.tobytes()), [], False
while not over:
    observation, reward, over, _, info = env.step(len(rewards) % 3 % 2)
    digest.update(observation.tobytes())
    rewards.append(reward)
print(json.dumps([rewards, digest.hexdigest(), info["objectiveMs"]]))`;
    const { stdout, stderr } = runPython(['-c', script]);
    expect(stderr).toBe('');
    const options = { model: 'model://mobilenetv3-small?size=32' };
    const env = await makeFromSpec({ id: 'SparOA/Placement-v0', options, wrappers: [] });
    const { createHash } = await import('node:crypto');
    const digest = createHash('sha256').update(env.reset({ seed: 3 }).observation as Float32Array);
    const rewards: number[] = [];
    for (let over = false; !over; ) {
      const result = env.step((rewards.length % 3) % 2);
      digest.update(result.observation as Float32Array);
      rewards.push(result.reward);
      over = result.terminated;
    }
    expect(JSON.parse(stdout)).toEqual([rewards, digest.digest('hex'), env.info!().objectiveMs]);
  });

  test('every kind of space has the same bytes on both sides', () => {
    const rng = Rng.of(0, 'python-client');
    const cases: [Space<unknown>, Mask | null][] = [
      [new Box([-1, 0, 2], [1, Number.POSITIVE_INFINITY, 3], [3]), null],
      [new Discrete(4, 2), Uint8Array.of(1, 0, 1, 1)],
      [new MultiDiscrete([2, 3]), [Uint8Array.of(1, 0), null]],
      [new MultiBinary(5), Uint8Array.of(0, 1, 2, 2, 2)],
      [
        new Dict({ b: new Discrete(2), a: new Tuple([new MultiBinary(3), new Box(0, 1, [2, 2])]) }),
        { b: Uint8Array.of(0, 1) },
      ],
    ];
    const sent = cases.map(([space, mask]) => {
      const codec = codecOf(space);
      const value = space.sample(rng, mask);
      const bytes = new Uint8Array(codec.bytes);
      codec.write(value, bytes.buffer, 0);
      expect(codec.read(bytes.buffer, 0)).toEqual(value);
      const masks = new Uint8Array(codec.maskBytes);
      codec.writeMask(mask, masks, 0);
      return { space, value, bytes, masks };
    });
    const script = `
import json, sys, numpy as np
from sparoa_gym.spaces import *
def plain(v):
    return {k: plain(x) for k, x in v.items()} if isinstance(v, dict) else [plain(x) for x in v] if isinstance(v, tuple) else v if v is None else v.tolist()
out = []
for case in json.load(sys.stdin):
    space = space_of(case["space"])
    size, again = value_bytes(space), bytearray(value_bytes(space))
    value = reader(space, bytearray(case["bytes"]), 0, None, size)()
    assert space.contains(value), (space, value)
    writer(space, again, 0, None, size)(value)
    read = mask_reader(space, bytearray(case["masks"]), 0, None, mask_bytes(space))
    if read is not None: space.sample(read())
    rows = reader(space, bytearray(case["bytes"] * 2), 0, 2, size)()
    out.append({"value": plain(value), "bytes": list(again), "rows": [size, mask_bytes(space)]})
print(json.dumps(out))`;
    const { stdout, stderr } = runPython(['-c', script], { input: JSON.stringify(sent, plain) });
    expect(stderr).toBe('');
    const expected = sent.map(({ value, bytes, masks }) => ({ value, bytes, rows: [bytes.length, masks.length] }));
    const received = JSON.parse(stdout);
    const shaped = JSON.parse(JSON.stringify(expected, plain));
    shaped[4].value.a[1] = [shaped[4].value.a[1].slice(0, 2), shaped[4].value.a[1].slice(2)];
    expect(received).toEqual(shaped);
  });

  test('the server ends with its Python, however that ends', { timeout: 60_000 }, async () => {
    const make = 'env = gymnasium.make("SparOA/Share-v0", model="model://mobilenetv3-small?size=32"); env.reset()';
    for (const end of ['', 'import os; os._exit(0)', 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)']) {
      const printPid = 'from sparoa_gym import server; print(server.server().process.pid, flush=True)';
      const { stdout } = runPython(['-c', `import gymnasium, sparoa_gym\n${make}\n${printPid}\n${end}`]);
      await expect.poll(() => runs(Number(stdout)), { timeout: 10_000 }).toBe(false);
    }
  });

  test('without a server there is an error that says what to do', () => {
    const make = ['-c', 'import gymnasium, sparoa_gym\ngymnasium.make("SparOA/Share-v0")'];
    expect(runPython(make, { env: { SPAROA_GYM_COMMAND: 'no-such-command' } }).stderr).toMatch(
      /ServerError: sparoa_gym: the command `no-such-command` was not found\.\nInstall it with/,
    );
    const ends = `"${process.execPath}" --eval 0`;
    expect(runPython(make, { env: { SPAROA_GYM_COMMAND: ends } }).stderr).toContain('the server ended');
    expect(runPython(make, { env: { SPAROA_GYM_SOCKET: '127.0.0.1:1' } }).stderr).toContain('no server at');
  });

  test('over a socket it needs the token', { timeout: 60_000 }, async () => {
    const server = await startServer();
    started.push(server);
    const address = server.variables;
    const run = (token: string) =>
      runPython(['-c', 'import gymnasium, sparoa_gym\nprint(gymnasium.make("SparOA/Share-v0").reset()[0].shape)'], {
        env: { ...address, SPAROA_GYM_TOKEN: token, SPAROA_GYM_COMMAND: 'no-such-command' },
      });
    expect(run(address.SPAROA_GYM_TOKEN).stdout).toContain('(72,)');
    expect(run('guess').stderr).toContain('InputError: serve: the token is wrong.');
  });
});

const started: ServerProcess[] = [];
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill();
});

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
