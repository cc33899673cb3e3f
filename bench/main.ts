// `npm run --silent bench -- [suite] [--json] [--check]`: benchmarks as ratios against a peer or a limit of the same run.
import { didYouMean } from '../base/errors/input-error.js';
import { envSuite } from './env.bench.js';
import { nnSuite } from './nn.bench.js';
import { planSuite } from './plan.bench.js';
import { predictSuite } from './predict.bench.js';
import type { BenchResult } from './result.js';
import { runtimeSuite } from './runtime.bench.js';
import { simSuite } from './sim.bench.js';

const suites: Readonly<Record<string, () => Promise<BenchResult[]>>> = {
  nn: nnSuite,
  sim: simSuite,
  plan: planSuite,
  runtime: runtimeSuite,
  predict: predictSuite,
  env: envSuite,
};

const flags = process.argv.slice(2);
const chosen = flags.filter((flag) => !flag.startsWith('--'));
const unknown = chosen.find((name) => !Object.hasOwn(suites, name));
if (unknown !== undefined) {
  process.stderr.write(`bench: suite "${unknown}" is unknown.\n${didYouMean(unknown, Object.keys(suites))}\n`);
  process.exit(2);
}
const results: BenchResult[] = [];
for (const [name, suite] of Object.entries(suites)) {
  if (chosen.length === 0 || chosen.includes(name)) results.push(...(await suite()));
}
process.stdout.write(flags.includes('--json') ? `${JSON.stringify(results, null, 2)}\n` : results.map(line).join(''));
if (flags.includes('--check') && results.some(misses)) process.exitCode = 1;

function line({ suite, name, value, unit, peer, ratio, limit }: BenchResult): string {
  const against = ratio === null ? '' : `, ${ratio.toFixed(2)} x ${peer}${limit === null ? '' : ` (limit ${limit})`}`;
  return `${suite}: ${name}: ${value.toPrecision(4)} ${unit}${against}\n`;
}

/** Ratios are compared with their limit; without a peer, the value itself is. */
function misses({ value, ratio, limit, better }: BenchResult): boolean {
  if (limit === null) return false;
  return better === 'higher' ? (ratio ?? value) < limit : (ratio ?? value) > limit;
}
