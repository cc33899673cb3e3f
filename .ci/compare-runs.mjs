// Runs a small config twice with the given Node and compares every CSV byte for byte, wall-clock columns left out.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';

const [scratch, command, ...prefix] = process.argv.slice(2);

function run() {
  const out = mkdtempSync(join(scratch, 'run-'));
  const settings = ['seeds=2', 'training.steps=1500', 'agent.learningStarts=300'].flatMap((setting) => [
    '--set',
    setting,
  ]);
  const args = [
    'dist/cli/main.js',
    'run',
    'experiments/configs/quickstart.yaml',
    '--model',
    'model://mobilenetv3-small',
    '--out',
    out,
  ];
  const { status, stderr } = spawnSync(command, [...prefix, ...args, ...settings], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`exit code ${status}: ${stderr}`);
  const files = readdirSync(out, { recursive: true })
    .filter((path) => path.endsWith('.csv'))
    .sort();
  const { node } = JSON.parse(readFileSync(join(out, 'system.json'), 'utf8'));
  const content = files.map((path) => {
    const rows = parse(readFileSync(join(out, path)), { columns: true });
    return [path, rows.map((row) => Object.entries(row).filter(([column]) => !/Wall(Ms|S)$/.test(column)))];
  });
  return { node, files: files.length, text: JSON.stringify(content) };
}

const [first, second] = [run(), run()];
if (first.text !== second.text) throw new Error(`Node ${first.node}: two runs differ`);
console.log(`Node ${first.node}: ${first.files} CSV files equal in two runs`);
