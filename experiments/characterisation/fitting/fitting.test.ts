// Fitted profiles: the shipped ones are what the code makes of the published measurements, and these decide: change one, and the
// profile and its residuals change.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readCsv } from '../../../base/files/csv.js';
import { packageRoot } from '../../../base/files/paths.js';
import { median } from '../../../base/statistics/quantile.js';
import { shippedProfiles } from '../../../predictor/profiles/profile-file.js';
import { boardFits } from './fit-profiles.js';
import { profileText, type Residual, readProfileFile, residualColumns, withFit } from './fitted-profile.js';
import { phoneProfiles } from './phones.js';

const scratch = mkdtempSync(join(tmpdir(), 'sparoa-fitting-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const data = process.env.SPAROA_GYM_TEST_DATA;
const reason = data ? '' : ' (skipped: SPAROA_GYM_TEST_DATA names no folder with the public measurements)';
const shipped = (name: string) => readProfileFile(join(packageRoot, 'predictor', 'profiles', 'boards', `${name}.json`));

/** A folder with copies of the files, one of them changed. */
function changed(files: readonly string[], file: string, change: (text: string) => string): string {
  for (const name of files) {
    mkdirSync(dirname(join(scratch, name)), { recursive: true });
    cpSync(join(data ?? '', name), join(scratch, name));
  }
  const before = readFileSync(join(data ?? '', file), 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  rmSync(join(scratch, file));
  writeFileSync(join(scratch, file), after);
  return scratch;
}

test.each(Object.keys(boardFits))(
  '%s: a profile is written as it is formatted, so a fit changes numbers alone',
  (name) => {
    const path = join(packageRoot, 'predictor', 'profiles', 'boards', `${name}.json`);
    expect(profileText(readProfileFile(path))).toBe(readFileSync(path, 'utf8'));
  },
);

const timesOneTenthMore = (number: string) => (1.1 * Number(number)).toPrecision(8);

describe.skipIf(!data)(`fits to the public measurements${reason}`, () => {
  const boards = {
    'jetson-agx-orin': {
      files: ['jetson/agx_orin_gpu_subgraphs.csv'],
      // The smallest latency of ResNet-50's first convolution at batch 16.
      change: (text: string) =>
        text.replace(/^(jetson_orin_maxn,maxn,fp32,resnet50,16,0,.*?,)([\d.]+)(,\d+,[^,]*)$/m, (_, head, min, tail) => {
          return `${head}${timesOneTenthMore(min)}${tail}`;
        }),
    },
    'jetson-orin-nano': {
      files: ['jetson/raw/opencv_zoo_benchmark_excerpt.md'],
      change: (text: string) =>
        text.replace(
          /(\d+\.\d+)(\s+)(\d+\.\d+)(\s+\d+\.\d+\s+\[224, 224\]\s+MobileNet with \['image_classification_mobilenetv1)/g,
          (_, mean, gap, ms, tail) => `${mean}${gap}${timesOneTenthMore(ms)}${tail}`,
        ),
    },
    'pixel-4': {
      files: ['phones/tflite_cnn_ops_gpu.csv', 'phones/tflite_cnn_e2e.csv'],
      change: (text: string) => {
        const [header = '', ...lines] = text.split('\n');
        const column = header.split(',').indexOf('pixel4|gpu|float|mean');
        const cells = lines[0]!.split(',');
        cells[column] = timesOneTenthMore(cells[column]!);
        return [header, cells.join(','), ...lines.slice(1)].join('\n');
      },
    },
  } as const;

  test('every shipped profile has a fit', () => {
    expect(Object.keys(boardFits).sort()).toEqual(shippedProfiles());
  });

  test.each(Object.keys(boardFits))(
    '%s: the shipped numbers and residuals are of these measurements',
    { tags: 'gate' },
    async (name) => {
      const file = shipped(name);
      const found = await boardFits[name]!(data!, file);
      expect(withFit(file, found)).toEqual(file);
      const committed = readCsv(join(packageRoot, 'results', 'reference', 'fidelity', 'profiles.csv'), residualColumns);
      const own = committed.filter(({ profile }) => profile === name);
      expect(own.map(({ quantity, model }) => [quantity, model])).toEqual(
        found.residuals.map(({ quantity, model }) => [quantity, model]),
      );
      found.residuals.forEach(({ errorPercent }, at) => {
        expect(Number(own[at]!.errorPercent)).toBeCloseTo(errorPercent, 6);
      });
    },
  );

  test.each(Object.entries(boards))(
    '%s: a measurement changed by 10 %% moves numbers and residuals',
    async (name, { files, change }) => {
      const file = shipped(name);
      const other = await boardFits[name]!(changed(files, files.at(-1)!, change), file);
      expect(withFit(file, other)).not.toEqual(file);
      const before = readCsv(join(packageRoot, 'results', 'reference', 'fidelity', 'profiles.csv'), residualColumns);
      const own = before.filter(({ profile }) => profile === name).map(({ errorPercent }) => Number(errorPercent));
      expect(other.residuals.map(({ errorPercent }) => errorPercent)).not.toEqual(own);
    },
  );

  test.each(Object.keys(phoneProfiles))(
    '%s: trees know networks left out better than rooflines and lines, within 6 %% in the median',
    (name) => {
      const rows = readCsv(join(packageRoot, 'results', 'reference', 'fidelity', 'profiles.csv'), residualColumns);
      const error = (quantity: string) =>
        median(
          rows
            .filter((row) => row.profile === name && row.quantity === quantity)
            .map(({ errorPercent }) => Math.abs(Number(errorPercent))),
        );
      const won = error('network on the GPU, left out');
      expect(won).toBeLessThanOrEqual(6);
      for (const kind of ['roofline', 'linear-flops'])
        expect(won).toBeLessThan(error(`network on the GPU, left out, by ${kind}`));
      expect(shipped(name).predictors![0]!.predictor).toMatchObject({ kind: 'boosted-trees' });
    },
  );

  test('Orin Nano: networks left out are within 20 %% in the median on both devices, the faster device is named rightly', async () => {
    const { residuals } = await boardFits['jetson-orin-nano']!(data!, shipped('jetson-orin-nano'));
    const of = (device: string) =>
      residuals.filter(
        ({ quantity, precision }) => quantity === `network on the ${device}, left out` && precision === 'fp32',
      );
    const [cpu, gpu] = [of('CPU'), of('GPU')];
    expect(cpu.map(({ model }) => model)).toHaveLength(5);
    for (const device of [cpu, gpu])
      expect(median(device.map(({ errorPercent }) => Math.abs(errorPercent)))).toBeLessThanOrEqual(20);
    const faster = (value: (row: Residual) => number) => cpu.map((row, at) => value(row) < value(gpu[at]!));
    expect(faster(({ fittedMs }) => fittedMs)).toEqual(faster(({ measuredMs }) => measuredMs));
    expect(faster(({ measuredMs }) => measuredMs)).toContain(true);
  });
});
