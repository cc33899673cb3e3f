// Fits the profiles of boards that others measured, writes them back with what was fitted, and says what remains.
import { join } from 'node:path';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { writeCsv } from '../../../base/files/csv.js';
import { median } from '../../../base/statistics/quantile.js';
import { readPowerRuns } from '../../../predictor/measurements/mlperf-power.js';
import type { ProfileFile } from '../../../predictor/profiles/profile-schema.js';
import { powerRunsFile } from '../fidelity/energy-tables.js';
import { fitAgxOrin } from './agx-orin.js';
import { type Fit, profileText, type Residual, readProfileFile, residualColumns, withFit } from './fitted-profile.js';
import { fitOrinNano } from './orin-nano.js';
import { fitPhone, phoneProfiles } from './phones.js';
import { fitPower } from './power.js';

export const boardFits: Readonly<Record<string, (folder: string, file: ProfileFile) => Fit | Promise<Fit>>> = {
  'jetson-agx-orin': fitAgxOrin,
  'jetson-orin-nano': fitOrinNano,
  ...Object.fromEntries(
    (Object.keys(phoneProfiles) as (keyof typeof phoneProfiles)[]).map((name) => [
      name,
      (folder: string, file: ProfileFile) => fitPhone(name, folder, file),
    ]),
  ),
};

/**
 * Fits each profile in the folder `profiles` to the measurements in `data` (laid out as docs/predictors.md says) and writes to
 * `out` the profiles, `profiles.csv` with every residual and `profiles.md` with their summary.
 * @throws InputError when a published file cannot be read
 */
export async function fitProfiles(data: string, profiles: string, out: string): Promise<Residual[]> {
  const residuals: Residual[] = [];
  const runs = readPowerRuns(join(data, powerRunsFile));
  for (const [name, fitBoard] of Object.entries(boardFits)) {
    const file = readProfileFile(join(profiles, `${name}.json`));
    const found = await fitBoard(data, file);
    writeFileAtomic(join(out, `${name}.json`), profileText(withFit(file, { ...found, power: fitPower(file, runs) })));
    residuals.push(...found.residuals);
  }
  writeCsv(join(out, 'profiles.csv'), residualColumns, residuals);
  writeFileAtomic(join(out, 'profiles.md'), residualMarkdown(residuals));
  return residuals;
}

/** A line for each quantity of each variant: errors over models, in percent. */
export function residualMarkdown(residuals: readonly Residual[]): string {
  const groups = new Map<string, number[]>();
  for (const { profile, mode, precision, quantity, errorPercent } of residuals) {
    const key = [profile, mode, precision, quantity].join(' | ');
    groups.set(key, [...(groups.get(key) ?? []), errorPercent]);
  }
  return [
    'How well profiles with fitted constants reproduce the measurements, in percent: simulated / measured - 1 over models. Those *left',
    'out* were not among the models fitted to.',
    '',
    '| profile | mode | precision | quantity | models | median error, either way | from | to |',
    '|---|---|---|---|---:|---:|---:|---:|',
    ...[...groups].map(([key, errors]) => {
      const cells = [median(errors.map(Math.abs)), Math.min(...errors), Math.max(...errors)];
      return `| ${key} | ${errors.length} | ${cells.map((value) => value.toFixed(1)).join(' | ')} |`;
    }),
    '',
  ].join('\n');
}
