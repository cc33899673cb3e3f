// Latency predictors: one prediction by boosted trees of the default size, fitted to the frozen samples.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../base/files/paths.js';
import { fitBoostedTrees } from '../predictor/latency/boosted-trees.js';
import { samplesOf } from '../predictor/latency/samples.js';
import { fastestMs } from './measure.js';
import type { BenchResult } from './result.js';

export async function predictSuite(): Promise<BenchResult[]> {
  const folder = join(packageRoot, 'predictor', 'latency', 'golden');
  const [header, ...lines] = readFileSync(join(folder, 'samples.csv'), 'utf8').trim().split('\n');
  const rows = lines.map((line) => line.split(',').map(Number));
  const features = header!.split(',').slice(0, -1);
  const samples = samplesOf(
    features,
    rows.map((row) => ({ x: row.slice(0, -1), latencyMs: row.at(-1)! })),
  );
  const trees = fitBoostedTrees(samples);
  const all = () => {
    for (let row = 0; row < rows.length; row++) trees.predictMs(samples.x, row * features.length);
  };
  return [
    {
      suite: 'predict',
      name: 'boosted trees, one unit',
      value: (1000 * fastestMs(all, { callsPerBatch: 20 })) / rows.length,
      unit: 'us',
      better: 'lower',
      peer: null,
      peerValue: null,
      ratio: null,
      limit: 20,
    },
  ];
}
