// What is fuzzed beside ONNX files: of each kind of file one that is whole, how it is damaged, and the command that reads it.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { PNG } from 'pngjs';
import { parse } from 'yaml';
import { packageRoot } from '../../base/files/paths.js';
import type { Rng } from '../../base/random/rng.js';
import { damageBytes, damageCsv, damageJson } from './mutations.js';

const fixtures = join(packageRoot, 'test', 'fixtures');
const older = join(fixtures, 'older-run');
const picture = ['--shape', 'x=1,3,8,8'];

export interface FuzzedFile {
  readonly name: string;
  /** Writes a damaged file into an empty folder; returns the arguments of the command that reads it. */
  readonly damaged: (folder: string, random: Rng) => readonly string[];
}

/** Writes a file; returns its path. */
function put(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Half of the time as a document, half as bytes. */
function jsonOrBytes(path: string, random: Rng): string | Uint8Array {
  const bytes = readFileSync(path);
  return random.integer(2) ? damageJson(JSON.parse(bytes.toString()), random) : damageBytes(bytes, random);
}

/** A training's folder with one of its files damaged. */
function training(folder: string, name: string, content: string | Uint8Array): string {
  const own = join(folder, 'training');
  mkdirSync(own);
  for (const each of ['job.json', 'result.json', 'checkpoint.safetensors']) cpSync(join(older, each), join(own, each));
  put(own, name, content);
  return own;
}

/** Trains on, which takes a moment since everything is there. */
function trainOn(folder: string, own: string): readonly string[] {
  const { version: _, ...job } = JSON.parse(readFileSync(join(older, 'job.json'), 'utf8'));
  return ['job', put(folder, 'jobs.json', JSON.stringify([{ directory: own, job }])), '0'];
}

function npy(): Uint8Array {
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 4, 4), }".padEnd(117).concat('\n');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  const data = Float32Array.from({ length: 48 }, (_, i) => i / 48);
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    length,
    Buffer.from(header),
    Buffer.from(data.buffer),
  ]);
}

function png(): Uint8Array {
  const image = new PNG({ width: 4, height: 4 });
  image.data.fill(128);
  return PNG.sync.write(image);
}

/** Named only where the file itself is to be damaged, not the model, which is never found then. */
const absentModel = 'absent.onnx';

export const fuzzedFiles: readonly FuzzedFile[] = [
  {
    name: 'config',
    damaged(folder, random) {
      const bytes = readFileSync(join(packageRoot, 'experiments', 'configs', 'quickstart.yaml'));
      const fields = {
        ...(parse(bytes.toString()) as object),
        models: [absentModel],
        training: { steps: 10 },
        agent: {},
      };
      const content = random.integer(2) ? damageJson(fields, random) : damageBytes(bytes, random);
      const args = ['run', put(folder, 'config.yaml', content), '--out', join(folder, 'out')];
      // Damage that leaves a config valid must not start a real run.
      return [...args, '--model', absentModel];
    },
  },
  {
    name: 'profile',
    damaged(folder, random) {
      const path = join(packageRoot, 'predictor', 'profiles', 'boards', 'jetson-orin-nano.json');
      const args = ['trace', join(fixtures, 'fuzz', 'picture.onnx'), ...picture, '--out', join(folder, 'trace.json')];
      return [...args, '--profile', put(folder, 'profile.json', jsonOrBytes(path, random))];
    },
  },
  {
    name: 'table',
    damaged(folder, random) {
      const path = put(folder, 'table.json', jsonOrBytes(join(fixtures, 'fuzz', 'table.json'), random));
      const args = ['trace', join(fixtures, 'fuzz', 'picture.onnx'), ...picture, '--out', join(folder, 'trace.json')];
      return [...args, '--profile', `table://${path}`];
    },
  },
  {
    name: 'kit',
    damaged(folder, random) {
      const bytes = readFileSync(join(fixtures, 'fuzz', 'kit.tar.gz'));
      const content = random.integer(4) ? gzipSync(damagedTar(gunzipSync(bytes), random)) : damageBytes(bytes, random);
      return ['fidelity', '--kit', put(folder, 'kit.tar.gz', content)];
    },
  },
  {
    name: 'job.json',
    damaged: (folder, random) => [
      'evaluate',
      training(folder, 'job.json', jsonOrBytes(join(older, 'job.json'), random)),
    ],
  },
  {
    name: 'result.json',
    damaged: (folder, random) =>
      trainOn(folder, training(folder, 'result.json', jsonOrBytes(join(older, 'result.json'), random))),
  },
  {
    name: 'checkpoint',
    damaged(folder, random) {
      const bytes = readFileSync(join(older, 'checkpoint.safetensors'));
      const content = random.integer(2) ? damagedHeader(bytes, random) : damageBytes(bytes, random);
      const own = training(folder, 'checkpoint.safetensors', content);
      return random.integer(2) ? ['evaluate', own] : trainOn(folder, own);
    },
  },
  {
    name: 'trajectories.csv',
    damaged(folder, random) {
      const bytes = readFileSync(join(older, 'trajectories.csv'));
      const content = random.integer(4) ? damageCsv(bytes.toString(), random) : damageBytes(bytes, random);
      return ['validate', put(folder, 'trajectories.csv', content)];
    },
  },
  {
    name: 'npy',
    damaged: (folder, random) => inspected(put(folder, 'x.npy', damageBytes(npy(), random))),
  },
  {
    name: 'png',
    damaged: (folder, random) => inspected(put(folder, 'x.png', damageBytes(png(), random))),
  },
];

const inspected = (path: string) => ['inspect', join(fixtures, 'fuzz', 'picture.onnx'), '--input', `x=${path}`];

/** The JSON of one file of the archive damaged, its header made right again: what gets past the sum of bytes. */
function damagedTar(tar: Buffer, random: Rng): Uint8Array {
  const members: { header: Buffer; content: Buffer }[] = [];
  for (let at = 0; tar[at] !== 0; ) {
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    members.push({ header: tar.subarray(at, at + 512), content: tar.subarray(at + 512, at + 512 + size) });
    at += 512 * (1 + Math.ceil(size / 512));
  }
  const chosen = random.integer(members.length);
  const parts = members.flatMap(({ header, content }, index) => {
    const damaged = index === chosen ? Buffer.from(damageJson(JSON.parse(content.toString()), random)) : content;
    const changed = Buffer.from(header);
    changed.write(damaged.length.toString(8).padStart(11, '0'), 124, 'latin1');
    if (index === chosen && random.integer(8) === 0)
      changed.write(['-0000000010', '99999999999', 'kit-results'][random.integer(3)]!, 124, 'latin1');
    if (index === chosen && random.integer(8) === 0)
      changed.fill(0, 0, 100).write(['../../x', '/etc/x', 'kit-results\\x', '__proto__'][random.integer(4)]!, 0);
    changed.fill(' ', 148, 156);
    const sum = changed.reduce((total, byte) => total + byte, 0);
    changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return [changed, damaged, Buffer.alloc(-damaged.length & 511)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** A checkpoint whose header is JSON still, of the right length. */
function damagedHeader(bytes: Buffer, random: Rng): Uint8Array {
  const end = 8 + Number(bytes.readBigUInt64LE());
  const header = Buffer.from(damageJson(JSON.parse(bytes.toString('utf8', 8, end)), random));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, bytes.subarray(end)]);
}
