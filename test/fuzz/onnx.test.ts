// Damaged ONNX files, drawn by seed. Each is loaded, or refused by an InputError of two lines; every so many are given to the
// compiled command line, which must stay within its limits. What crashes inside ONNX Runtime does so in the process that
// measures, so a crash of this one would be a defect too, and vitest names the file.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputError } from '../../base/errors/input-error.js';
import { packageRoot } from '../../base/files/paths.js';
import { Rng } from '../../base/random/rng.js';
import { loadModel } from '../../models/load.js';
import { faultOf, runLimited } from './limited-command.js';
import { mutate } from './onnx-mutations.js';
import { networks } from './onnx-networks.js';

/** `SPAROA_GYM_FUZZ=1000+500` draws 500 others, from seed 1000 on. */
const [first, count] = (process.env.SPAROA_GYM_FUZZ ?? (process.env.SPAROA_GYM_FULL === '1' ? '0+4000' : '0+100'))
  .split('+')
  .map(Number) as [number, number];
/** One in so many runs as a command of its own. */
const commandEach = 20;

const folder = mkdtempSync(join(tmpdir(), 'sparoa-fuzz-'));
const cache = process.env.SPAROA_GYM_CACHE;
beforeAll(() => {
  process.env.SPAROA_GYM_CACHE = join(folder, 'cache');
  writeFileSync(join(folder, 'weights.bin'), new Uint8Array(32));
});
afterAll(() => {
  if (cache === undefined) delete process.env.SPAROA_GYM_CACHE;
  else process.env.SPAROA_GYM_CACHE = cache;
  rmSync(folder, { recursive: true, force: true });
});

const fixtures = join(packageRoot, 'test', 'fixtures', 'cases');
const originals = [
  ...Object.entries(networks),
  ...readdirSync(fixtures)
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => [name, readFileSync(join(fixtures, name))] as const),
];

/** What is wrong with how the file was taken; null where it was loaded or refused as it should. */
async function faultWith(path: string): Promise<string | null> {
  try {
    const model = await loadModel(path);
    for (const granularity of ['operator', 'fused'] as const) model.graph(granularity);
    return null;
  } catch (error) {
    if (!(error instanceof InputError)) return (error as Error).stack ?? String(error);
    return error.message.split('\n').length === 2 ? null : `not two lines: ${error.message}`;
  }
}

test(`${count} damaged files are loaded or refused in two lines`, {
  tags: 'gate',
  timeout: 1000 * (60 + 10 * count),
}, async () => {
  const faults: string[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const rng = Rng.of(seed, 'onnx-fuzz');
    // Of the networks more than of the fixtures, which are damaged already.
    const among = rng.integer(4) === 0 ? originals : Object.entries(networks);
    const [name, bytes] = among[rng.integer(among.length)]!;
    const path = join(folder, 'damaged.onnx');
    writeFileSync(path, mutate(bytes, rng));
    const fault = seed % commandEach === 0 ? faultOf(await runLimited(['inspect', path])) : await faultWith(path);
    if (fault !== null) faults.push(`seed ${seed} (${name}): ${fault}`);
  }
  expect(faults).toEqual([]);
});
