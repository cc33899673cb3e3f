import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputError } from '../base/errors/input-error.js';
import { readCheckpoint, writeCheckpoint } from './checkpoint-file.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const checkpoint = {
  meta: { name: 'α', steps: 12, nested: [1, null, 'x'] },
  arrays: {
    weights: Float32Array.of(1.5, -0, 1e-42, Number.NaN, Number.POSITIVE_INFINITY),
    empty: new Float32Array(0),
    // A view into a larger buffer is written without the rest of it.
    view: Float32Array.of(1, 2, 3, 4).subarray(1, 3),
  },
};

test('what is written is read back to the bit, and no temporary file stays', () => {
  const path = join(folder, 'new', 'a.ckpt');
  writeCheckpoint(path, checkpoint);
  expect(readCheckpoint(path)).toEqual(checkpoint);
  expect(Object.is(readCheckpoint(path).arrays.weights![1], -0)).toBe(true);
  expect(readdirSync(join(folder, 'new'))).toEqual(['a.ckpt']);
});

test('a file that is no checkpoint, or a part of one, is refused by name', () => {
  const path = join(folder, 'b.ckpt');
  writeCheckpoint(path, checkpoint);
  const bytes = readFileSync(path);
  const broken = { empty: bytes.subarray(0, 3), header: bytes.subarray(0, 40), body: bytes.subarray(0, -4) };
  for (const [name, content] of Object.entries({ ...broken, text: Buffer.from('this is not a checkpoint') })) {
    const target = join(folder, `${name}.ckpt`);
    writeFileSync(target, content);
    expect(() => readCheckpoint(target), name).toThrow(InputError);
    expect(() => readCheckpoint(target), name).toThrow(target);
  }
});
