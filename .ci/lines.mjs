// Lines of the code that runs experiments, per folder, and source files that are too long. Characterisation of boards and the
// drawing of figures serve experiments but run none; tests do not count. Exits with 1 where a limit is broken.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

const mostOfAFile = 300;
/** Lowered when code goes, so that it does not come back. */
const mostToRun = 7000;
const aside = /^experiments\/(characterisation|report\/figures)\//;
/** Generated, and the kit's script, which a board without this package runs as one file. */
const anyLength = new Set(['base/onnx/onnx_pb.ts', 'python/kit/kit.py']);

const lines = (path) => readFileSync(path, 'utf8').split('\n').length - 1;
const sources = execFileSync('git', ['ls-files', '*.ts', '*.mjs', '*.cjs', '*.py'], { encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && !/\.test\.ts$|^test\/|^python\/tests\//.test(path));

const folders = new Map();
for (const path of sources) {
  if (!path.startsWith('experiments/') || aside.test(path)) continue;
  folders.set(dirname(path), (folders.get(dirname(path)) ?? 0) + lines(path));
}
for (const [folder, count] of [...folders].sort()) console.log(`${String(count).padStart(6)} ${folder}`);
const sum = [...folders.values()].reduce((all, count) => all + count, 0);
console.log(`${String(sum).padStart(6)} run experiments; at most ${mostToRun} are allowed`);

const long = sources.filter((path) => !anyLength.has(path) && lines(path) > mostOfAFile);
for (const path of long) console.error(`${path} has ${lines(path)} lines; at most ${mostOfAFile} are allowed.`);
process.exitCode = long.length > 0 || sum > mostToRun ? 1 : 0;
