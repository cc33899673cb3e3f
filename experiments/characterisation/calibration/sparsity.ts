// What zeros are worth, measured: the same layer with more and more zeros in its weights or in what it reads, which dense
// kernels compute like any number, and with channels really removed, which is the sparsity that pays.

import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../../../base/files/atomic.js';
import { writeCsv } from '../../../base/files/csv.js';
import { OrtTensor } from '../../../base/onnx/session.js';
import { Rng } from '../../../base/random/rng.js';
import { median, quantile } from '../../../base/statistics/quantile.js';
import type { DevicePair } from '../../../engine/runtime/devices/device-pair.js';
import { createLanesExecutor } from '../../../engine/runtime/lanes/executor.js';
import { sampleCosts } from '../../../engine/runtime/measuring/cost-samples.js';
import { warmUpRounds } from '../../../engine/runtime/measuring/unit-measurement.js';
import { hardwareGranularity, withSupport } from '../../../engine/scenario.js';
import { loadModel } from '../../../models/load.js';
import type { CalibrationSummary } from '../../../predictor/profiles/profile-schema.js';
import type { WrittenFigure } from '../../report/figures/drawing.js';
import { writeFigure } from '../../report/figures/figure.js';
import { bootstrapInterval } from '../../statistics/statistics.js';
import { sparsityFigure } from '../figures/sparsity.js';
import { type SparsityCase, sparsityModel } from './sparsity-model.js';

/** A layer at one fraction on one device. */
export interface SparsityRow extends SparsityCase {
  readonly device: 0 | 1;
  readonly medianMs: number;
  readonly lowMs: number;
  readonly highMs: number;
  readonly samples: number;
  /** Time of the dense layer over this one's, with the 95 % interval of the ratio of medians. */
  readonly gain: number;
  readonly gainLow: number;
  readonly gainHigh: number;
}

export interface SparsityResult {
  readonly rows: readonly SparsityRow[];
  /** At the most zeros, for the profile: the median over the class's layers. */
  readonly gains: CalibrationSummary['sparsityGain'];
}

/** Zeros change times by a few percent only: units are measured this many times as often as for a fit. */
const moreRounds = 2;
/** Most places of a layer in the model; in as many rounds, what ran before it averages out. */
const mostPlaces = 3;

/** Times of a layer at each of its places, ms. */
type Places = readonly (readonly number[])[];

/**
 * Measures all layers at all fractions, in turn.
 * @throws InputError when a device does not run
 */
export async function measureSparsity(folder: string, pair: DevicePair, rounds: number): Promise<SparsityResult> {
  const { bytes, cases, inputs } = sparsityModel(Math.min(mostPlaces, rounds));
  makeFolder(folder);
  const path = join(folder, 'layers.onnx');
  writeFileAtomic(path, bytes);
  const model = await loadModel(path);
  const feeds = Object.fromEntries(
    [...inputs].map(([name, { shape, zeros }]) => [
      name,
      new OrtTensor('float32', sparseValues(name, shape, zeros), shape),
    ]),
  );
  const lanes = createLanesExecutor({ model, pair, maxSegmentUnits: 1, cachedPlans: 2, feeds });
  try {
    const whole = model.graph(hardwareGranularity);
    const graph = withSupport(whole, lanes.supported(whole));
    const conditions = {
      seed: 0,
      execution: 'overlap',
      mode: 'measured',
      load: null,
      memoryBudgetBytes: null,
    } as const;
    const { unitMs } = sampleCosts(lanes, graph, conditions, moreRounds * rounds, warmUpRounds);
    const unitOf = new Map(graph.units.flatMap(({ id, nodes }) => nodes.map((node) => [node, id])));
    return sparsityResult(cases, ({ nodes }, device) => nodes.map((node) => unitMs[unitOf.get(node)!]![device]));
  } finally {
    lanes.close();
  }
}

/** @param timesOf measured times of a case on a device in ms, by place; none where it does not run */
export function sparsityResult(
  cases: readonly SparsityCase[],
  timesOf: (each: SparsityCase, device: 0 | 1) => Places,
): SparsityResult {
  const rows = cases.flatMap((each) =>
    ([0, 1] as const).flatMap((device): SparsityRow[] => {
      const places = timesOf(each, device);
      const times = places.flat();
      const layer = layerOf(each);
      const dense = cases.find(
        (other) => layerOf(other) === layer && other.zeros === each.zeros && other.fraction === 0,
      )!;
      const densePlaces = timesOf(dense, device);
      if (times.length === 0 || densePlaces.flat().length === 0) return [];
      const { low, high } = ratioInterval(densePlaces, places, Rng.of(0, 'sparsity', each.node, device));
      return [
        {
          ...each,
          device,
          medianMs: median(times),
          lowMs: quantile(times, 0.25),
          highMs: quantile(times, 0.75),
          samples: times.length,
          gain: median(densePlaces.flat()) / median(times),
          gainLow: low,
          gainHigh: high,
        },
      ];
    }),
  );
  const most = rows.filter(({ fraction }) => fraction === 0.99);
  const groups = new Map<string, SparsityRow[]>();
  for (const row of most) {
    const key = `${row.opClass}/${row.zeros}/${row.device}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const gains = [...groups.values()].map((group) => {
    const [{ opClass, zeros, device }] = group as [SparsityRow];
    const value = (pick: (row: SparsityRow) => number): number => median(group.map(pick));
    const gain = {
      value: value((row) => row.gain),
      low: value((row) => row.gainLow),
      high: value((row) => row.gainHigh),
    };
    return { opClass, zeros: zeros as 'weights' | 'activations', device, gain };
  });
  return { rows, gains };
}

const layerOf = ({ node }: SparsityCase): string => node.slice(0, node.indexOf('_'));

/**
 * Of median(dense) / median(sparse). Places are resampled, and within each its executions: what runs before a layer makes it
 * faster or slower by several percent, at every execution alike.
 */
function ratioInterval(dense: Places, sparse: Places, rng: Rng) {
  const draw = (places: Places, chosen: readonly number[]): number =>
    median(chosen.flatMap((place) => places[place]!.map((_, __, times) => times[rng.integer(times.length)]!)));
  const ratio = (chosen: readonly number[]): number => {
    const ofDense = dense.map(() => rng.integer(dense.length));
    return draw(dense, ofDense) / draw(sparse, chosen);
  };
  return bootstrapInterval([...sparse.keys()], rng, { statistic: ratio, resamples: 500 });
}

function sparseValues(name: string, shape: readonly number[], zeros: number): Float32Array {
  const random = Rng.of(0, 'sparsity', name);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
    const value = random.normal();
    return random.uniform() < zeros ? 0 : value;
  });
}

/** Writes `sparsity.csv` and the figure `sparsity.svg` and `.png`. */
export async function writeSparsity(
  folder: string,
  { rows }: SparsityResult,
  provenance: readonly string[],
): Promise<WrittenFigure> {
  writeCsv(
    join(folder, 'sparsity.csv'),
    [
      'device',
      'opClass',
      'layer',
      'zeros',
      'fraction',
      'medianMs',
      'lowMs',
      'highMs',
      'samples',
      'gain',
      'gainLow',
      'gainHigh',
    ],
    rows.map((row) => ({ ...row, layer: layerOf(row) })),
  );
  return writeFigure(
    folder,
    'sparsity',
    sparsityFigure(
      rows.map((row) => ({ ...row, layer: layerOf(row) })),
      provenance,
    ),
  );
}
