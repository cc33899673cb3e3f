// Runs small versions of the configs twice with the given Node and compares every CSV byte for byte, wall-clock columns left
// out; what the first run recorded must replay.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';

const [scratch, command, ...prefix] = process.argv.slice(2);

/** Each environment has a config; these settings make them small. */
const configs = {
  quickstart: ['models=[model://mobilenetv3-small]', 'seeds=2', 'training.steps=1500', 'agent.learningStarts=300'],
  placement: ['models=[model://yunet]', 'profiles=[profile://jetson-agx-orin]', 'seeds=1', 'training.steps=1500'],
  branches: ['models=[model://yunet]', 'seeds=1', 'training.steps=1500'],
  stream: ['seeds=1', 'episodes=3', 'environment.requests=4', 'training.steps=1500', 'agent.learningStarts=500'],
  ablation: ['seeds=2', 'training.steps=400', 'agent.learningStarts=200'],
};

function sparoaGym(...args) {
  const { status, stderr } = spawnSync(command, [...prefix, 'dist/cli/main.js', ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`sparoa-gym ${args.join(' ')}: exit code ${status}: ${stderr}`);
}

function run(name, settings) {
  const out = mkdtempSync(join(scratch, `${name}-`));
  const set = settings.flatMap((setting) => ['--set', setting]);
  sparoaGym('run', `experiments/configs/${name}.yaml`, '--out', out, ...set);
  const files = readdirSync(out, { recursive: true })
    .filter((path) => path.endsWith('.csv'))
    .sort();
  const { node } = JSON.parse(readFileSync(join(out, 'system.json'), 'utf8'));
  const content = files.map((path) => {
    const rows = parse(readFileSync(join(out, path)), { columns: true });
    return [path, rows.map((row) => Object.entries(row).filter(([column]) => !/Wall(Ms|S)$/.test(column)))];
  });
  return { out, node, files: files.length, text: JSON.stringify(content) };
}

for (const [name, settings] of Object.entries(configs)) {
  const [first, second] = [run(name, settings), run(name, settings)];
  if (first.text !== second.text) throw new Error(`Node ${first.node}: two runs of ${name} differ`);
  sparoaGym('validate', join(first.out, 'trajectories.csv'));
  console.log(`Node ${first.node}: ${name}: ${first.files} CSV files equal in two runs, and replayed`);
}
