// Ensembles and tornadoes against a closed form: an additive cost of which each number's share is known.
import { expect, test } from 'vitest';
import { loadModel } from '../../models/load.js';
import type { Prior } from '../../predictor/profiles/profile-schema.js';
import { type Assessment, ensemble, tornado, worthwhilePercent } from './ensemble.js';

const prior = (factor: number): Prior => ({ distribution: 'log-uniform', factor, source: 'for the test only' });

/** Headroom = 100 a / b - c, with numbers scaled as the URI says. */
function closedForm(uri: string): Assessment {
  const scale = (name: string) => Number(new RegExp(`&${name}=x([\\d.e-]+)`).exec(uri)?.[1] ?? 1);
  const headroomPercent = (10 * scale('a')) / scale('b') - 4 * scale('c');
  return { headroomPercent, verdict: headroomPercent >= worthwhilePercent ? 'hybrid' : 'gpu-only' };
}

test('a tornado has the bars of the closed form, longest first, and names what decides', () => {
  const bars = tornado('profile://x?y=z', { a: prior(2), b: prior(4), c: prior(1.25), d: prior(9) }, closedForm);
  // a: 10/2 - 4 = 1 to 16; b: 40 - 4 = 36 to -1.5; c: 6.8 to 5; d moves nothing and has no bar.
  expect(bars.map(({ number }) => number)).toEqual(['b', 'a', 'c']);
  expect(bars.map(({ atLow, atHigh }) => [atLow.headroomPercent, atHigh.headroomPercent])).toEqual([
    [36, -1.5],
    [1, 16],
    [6.8, 5],
  ]);
  expect(bars.map(({ swingPercent }) => Number(swingPercent.toFixed(9)))).toEqual([37.5, 15, 1.8]);
  expect(bars.map(({ decides }) => decides)).toEqual([true, true, false]);
});

test('an ensemble replays, covers its stated value and counts every verdict', async () => {
  const model = await loadModel('model://mobilenetv3-small?size=32');
  const run = () => ensemble(model, 'profile://jetson-agx-orin?mode=maxn&launch=eager&transfer=direct', 12);
  const first = run();
  expect(run()).toEqual(first);
  const { row } = first;
  expect(row.headroomPercentLow).toBeLessThanOrEqual(row.headroomPercentMedian);
  expect(row.headroomPercentMedian).toBeLessThanOrEqual(row.headroomPercentHigh);
  expect(row.cpuOnlyPercent + row.gpuOnlyPercent + row.hybridPercent).toBeCloseTo(100, 9);
});
