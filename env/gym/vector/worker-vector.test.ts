// A vector in worker threads is the vector in this one: the same bytes in every autoreset mode, and failures that say
// whose they are. The environments come from a module that each worker imports, as a user's would.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../../base/files/paths.js';
import { Rng } from '../../../base/random/rng.js';
import type * as MakeVector from './make-vector.js';
import type { AutoresetMode, VectorStep } from './vector-env.js';
import { WorkerVectorEnv } from './worker-vector.js';

const compiled = (path: string) => pathToFileURL(join(packageRoot, 'dist', path)).href;
const built = (path: string) => compiled(join('env', 'gym', path));
const folder = mkdtempSync(join(tmpdir(), 'sparoa-gym-workers-'));
const log = join(folder, 'log');
const module = pathToFileURL(join(folder, 'environments.mjs')).href;

writeFileSync(
  join(folder, 'environments.mjs'),
  `import { appendFileSync } from 'node:fs';
import { registerEnvironment } from '${built('registry.js')}';
import { RandomWalk } from '${compiled('test/fixtures/random-walk.js')}';
import { MultiDiscrete } from '${built('spaces/discrete.js')}';

/** Also ends where it has strayed. */
class Walk extends RandomWalk {
  step(action) {
    const result = super.step(action);
    return { ...result, truncated: this.position > 1 };
  }
  stepInto(action, observation) {
    const outcome = super.stepInto(action, observation);
    outcome.truncated = this.position > 1;
    return outcome;
  }
}
class Choices extends RandomWalk {
  actionSpace = new MultiDiscrete([3, 2]);
  stepInto(action, observation) {
    this.actionSpace = { problem: () => null };
    const outcome = super.stepInto([action[0] - 1 + action[1] / 2], observation);
    this.actionSpace = new MultiDiscrete([3, 2]);
    return outcome;
  }
}
class Fragile extends RandomWalk {
  guarantees = { ...this.guarantees, restorable: false };
  stepInto(action, observation) {
    if (action[0] > 0.9) throw new Error('the device is lost');
    if (action[0] < -0.9) process.exit(3);
    return super.stepInto(action, observation);
  }
  info() {
    return this.steps === 3 ? { error: { error: 'too hot', unit: 3, device: 1 } } : super.info();
  }
  close() {
    appendFileSync(${JSON.stringify(log)}, 'closed\\n');
  }
}
process.on('exit', () => appendFileSync(${JSON.stringify(log)}, 'ended\\n'));
registerEnvironment('Test/Walk-v0', { create: () => new Walk() });
registerEnvironment('Test/Choices-v0', { create: () => new Choices() });
registerEnvironment('Test/Fragile-v0', { create: () => new Fragile() });
`,
);

/** As the workers have it: compiled, with the same environments. */
let here: typeof MakeVector;
beforeAll(async () => {
  await import(/* @vite-ignore */ module);
  here = (await import(/* @vite-ignore */ built('vector/make-vector.js'))) as typeof MakeVector;
});
afterAll(() => rmSync(folder, { recursive: true }));

const spec = (id: string, wrappers: { name: string; options: object }[] = []) =>
  ({ id, options: {}, wrappers }) as Parameters<typeof WorkerVectorEnv.make>[0];
const plain = (step: Partial<VectorStep>) =>
  JSON.parse(JSON.stringify(step, (key, value) => (key === 'wallMs' ? undefined : value)));

describe.each<AutoresetMode>(['next-step', 'same-step', 'disabled'])('autoreset %s', (autoreset) => {
  test.each([
    ['the environment', []],
    ['a stack of wrappers', ['NormalizeObservation', 'NormalizeReward', 'RecordEpisodeStatistics']],
  ])('gives the bytes of the vector in this thread: %s', async (_name, names) => {
    const wrapped = spec('Test/Walk-v0', [
      ...names.map((name) => ({ name, options: {} })),
      { name: 'TimeLimit', options: { maxSteps: 4 } },
    ]);
    const vectors = [
      await WorkerVectorEnv.make(wrapped, { count: 5, autoreset, workers: 2, modules: [module] }),
      await here.makeVector(wrapped, { count: 5, autoreset }),
    ] as const;
    const both = <T>(call: (vector: (typeof vectors)[number]) => T): T => {
      const [threads, alone] = vectors.map(call) as [T, T];
      expect(plain(threads as object)).toEqual(plain(alone as object));
      return threads;
    };
    expect(vectors[0].singleActionSpace).toEqual(vectors[1].singleActionSpace);
    both((vector) => vector.reset({ seed: 3 }));
    const rng = Rng.of(0, 'workers', autoreset);
    for (let step = 0; step < 25; step++) {
      const actions = Float32Array.from({ length: 5 }, () => 2 * rng.uniform() - 1);
      const { terminated, truncated } = both((vector) =>
        step % 2 ? vector.step(actions) : { ...vector.stepInto(actions) },
      );
      const only = terminated.map((over, i) => over | truncated[i]!);
      if (autoreset !== 'disabled' || !only.includes(1)) continue;
      for (const vector of vectors)
        expect(() => vector.step(actions)).toThrow(`environment ${only.indexOf(1)} is over, and autoreset is disabled`);
      both((vector) => vector.reset({ only }));
    }
    both((vector) => vector.reset({ seed: [9, 8, 7, 6, 5] }));
    for (const vector of vectors) {
      expect(() => vector.step(new Float32Array(4))).toThrow(/4 numbers or actions for 5 environments/);
      expect(() => vector.reset({ seed: [1] })).toThrow(/1 seeds for 5 environments/);
      vector.close();
    }
  });
});

test('actions of other spaces pass through too', async () => {
  const options = { count: 2, autoreset: 'same-step' } as const;
  const vectors = [
    await WorkerVectorEnv.make<Int32Array>(spec('Test/Choices-v0'), { ...options, modules: [module] }),
    await here.makeVector<Int32Array>(spec('Test/Choices-v0'), options),
  ];
  for (const vector of vectors) vector.reset({ seed: 1 });
  for (const actions of [
    [Int32Array.of(2, 1), Int32Array.of(0, 0)],
    [Int32Array.of(1, 1), Int32Array.of(0, 1)],
  ]) {
    const [threads, alone] = vectors.map((vector) => plain(vector.step(actions)));
    expect(threads).toEqual(alone);
  }
  expect(() => vectors[0]!.step([Int32Array.of(3, 0), Int32Array.of(0, 0)])).toThrow(/action 0 has element 0 = 3/);
  for (const vector of vectors) vector.close();
});

test('errors are values where they are values, and say whose they are where they are thrown; closing ends all', async () => {
  const make = () =>
    WorkerVectorEnv.make(spec('Test/Fragile-v0'), { count: 3, autoreset: 'same-step', workers: 2, modules: [module] });
  // Workers of the tests before have written here too.
  writeFileSync(log, '');
  const vector = await make();
  vector.reset({ seed: 0 });
  for (let step = 0; step < 2; step++) vector.step(new Float32Array(3));
  expect(vector.step(new Float32Array(3)).infos[2]).toEqual({ error: { error: 'too hot', unit: 3, device: 1 } });
  // A refused action is the user's to mend, a lost device is not.
  expect(() => vector.step(Float32Array.of(0, Number.NaN, 0))).toThrow(/environments 1 to 2: RandomWalk: the action/);
  expect(() => vector.step(Float32Array.of(1, 0, 0))).toThrow(/environment 0: the device is lost/);
  vector.reset({ seed: 0 });
  expect(vector.step(new Float32Array(3)).rewards[0]).toBeLessThan(0);
  vector.close();
  vector.close();
  expect(() => vector.step(new Float32Array(3))).toThrow(/it is closed/);
  const lines = () => readFileSync(log, 'utf8').trim().split('\n').sort();
  expect(lines()).toEqual(['closed', 'closed', 'closed', 'ended', 'ended']);
  const dying = await make();
  dying.reset({ seed: 0 });
  expect(() => dying.step(Float32Array.of(0, 0, -1))).toThrow(/environments 1 to 2: their worker thread has ended/);
  dying.close();
  expect(lines().filter((line) => line === 'ended')).toHaveLength(4);
});

test('what cannot be made is said', async () => {
  const options = { count: 2, autoreset: 'same-step', modules: [module] } as const;
  await expect(WorkerVectorEnv.make(spec('Test/Walks-v0'), options)).rejects.toThrow(/Did you mean "Test\/Walk-v0"/);
  await expect(WorkerVectorEnv.make(spec('Test/Walk-v0'), { ...options, workers: 3 })).rejects.toThrow(
    /3 workers for 2/,
  );
  await expect(WorkerVectorEnv.make(spec('Test/Walk-v0'), { ...options, autoreset: 'no' as never })).rejects.toThrow(
    /"no" is unknown; there is no default/,
  );
  await expect(WorkerVectorEnv.make(spec('Test/Walk-v0'), { ...options, modules: [] })).rejects.toThrow(/is unknown/);
});
