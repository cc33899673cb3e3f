// Cost tables filled by predictors, on random graphs whose true costs are a roofline: what was learnt from some graphs holds
// on others, and what predictors do not know stays as it was.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import type { OperatorGraph } from '../../models/graph.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { fillUnitRow, rowFeatures, unitFeatureRows, unitFeatures } from '../features/unit-features.js';
import { loadProfile } from '../profiles/profile.js';
import { rooflineCosts } from '../profiles/roofline.js';
import { fitLinearFlops } from './linear-flops.js';
import { predictedCosts } from './predicted-costs.js';
import { fitRoofline } from './roofline-features.js';
import { type Samples, samplesOf } from './samples.js';

const profile = loadProfile('profile://jetson-agx-orin');
const graphOf = (seed: number) => randomGraph(Rng.of(seed, 'predicted-costs'), { units: 60 });
const width = unitFeatures.length;

/** Whole units of the graphs that take time on the device, as the profile says. */
function samplesFrom(graphs: readonly OperatorGraph[], device: 0 | 1): Samples {
  return samplesOf(
    unitFeatures,
    graphs.flatMap((graph) => {
      const [costs, rows] = [rooflineCosts(graph, profile), unitFeatureRows(graph)];
      return graph.units
        .map(({ id }) => ({
          x: [...rows.subarray(id * width, (id + 1) * width)],
          latencyMs: costs.unitMs(id, device, 1),
        }))
        .filter(({ latencyMs }) => latencyMs > 0 && Number.isFinite(latencyMs));
    }),
  );
}

describe('costs predicted for a graph that was not seen', () => {
  const predictors = ([0, 1] as const).map((device) => fitRoofline(samplesFrom([1, 2, 3, 4].map(graphOf), device)));
  const graph = graphOf(5);
  const base = rooflineCosts(graph, profile);
  const costs = predictedCosts(graph, [predictors[0]!, predictors[1]!], base);

  test('are those of the device where it is a roofline', () => {
    const errors = graph.units.flatMap(({ id }) =>
      [0, 1].flatMap((device) => {
        const expected = base.unitMs(id, device, 1);
        return expected > 0 && Number.isFinite(expected) ? [Math.abs(costs.unitMs(id, device, 1) / expected - 1)] : [];
      }),
    );
    expect(errors.length).toBeGreaterThan(60);
    expect(errors.sort((a, b) => a - b)[Math.floor(0.9 * errors.length)]).toBeLessThan(0.05);
  });

  test('keep launches, synchronisation and moves, and nothing for no share', () => {
    expect(costs.launchMs(1)).toBe(base.launchMs(1));
    expect(costs.syncMs).toBe(base.syncMs);
    expect(costs.transferMs(1, 1, 0.5)).toBe(base.transferMs(1, 1, 0.5));
    for (const { id } of graph.units) expect(costs.unitMs(id, 1, 0)).toBe(0);
  });

  test('a share takes no longer than the whole', () => {
    for (const { id } of graph.units)
      for (const device of [0, 1])
        expect(costs.unitMs(id, device, 0.5)).toBeLessThanOrEqual(costs.unitMs(id, device, 1));
  });

  test('times of parts come from their own predictor, on the devices that have one', () => {
    const [first, second] = [predictors[0]!, predictors[1]!];
    const parted = predictedCosts(graph, [first, first], base, [null, null], [second, null]);
    const [byFirst, bySecond] = [first, second].map((each) => predictedCosts(graph, [each, each], base));
    for (const { id } of graph.units) {
      expect(parted.unitMs(id, 0, 0.5)).toBe(bySecond!.unitMs(id, 0, 0.5));
      expect(parted.unitMs(id, 0, 1)).toBe(byFirst!.unitMs(id, 0, 1));
      expect(parted.unitMs(id, 1, 0.5)).toBe(byFirst!.unitMs(id, 1, 0.5));
    }
    expect(graph.units.some(({ id }) => bySecond!.unitMs(id, 0, 0.5) !== byFirst!.unitMs(id, 0, 0.5))).toBe(true);
  });

  test('a device without a predictor keeps its costs', () => {
    const half = predictedCosts(graph, [null, predictors[1]!], base);
    for (const { id } of graph.units) expect(half.unitMs(id, 0, 1)).toBe(base.unitMs(id, 0, 1));
  });

  test('a predictor of other features is refused', () => {
    const other = fitLinearFlops(samplesOf(['flops', 'class'], [{ x: [1, 0], latencyMs: 1 }]));
    expect(() => predictedCosts(graph, [other, null], base)).toThrow('it expects the features flops, class');
  });
});

test('a predictor of the first features alone is asked for them', () => {
  const graph = graphOf(0);
  const rows = graph.units.map((_, at) => ({ x: [0, 1e6 * (at + 1)], latencyMs: at + 1 }));
  const line = fitLinearFlops(samplesOf(['class', 'flops'], rows));
  const costs = predictedCosts(graph, [line, null], rooflineCosts(graph, loadProfile('profile://jetson-agx-orin')));
  for (const { id, flops } of graph.units) expect(costs.unitMs(id, 0, 1)).toBeCloseTo(flops / 1e6, 9);
});

test('half of the channels is half of the work, of the weights and of the output, and all of what is read', () => {
  const graph = graphOf(0);
  const whole = unitFeatureRows(graph);
  const half = new Float64Array(whole.length);
  const row = new Float64Array(rowFeatures.length);
  for (const { id } of graph.units) {
    fillUnitRow(graph, id, 0.5, row);
    half.set(row.subarray(0, width), id * width);
  }
  for (const { id, bytesRead, weightBytes } of graph.units) {
    const at = (rows: Float64Array, name: (typeof unitFeatures)[number]) =>
      rows[id * width + unitFeatures.indexOf(name)]!;
    for (const name of ['flops', 'macs', 'weightBytes', 'outputBytes', 'channels'] as const)
      expect(at(half, name)).toBe(at(whole, name) / 2);
    expect(at(half, 'activationBytes')).toBe(bytesRead - weightBytes);
  }
});
