// What every fit gives: numbers for a profile, and residuals, which say how well the profile reproduces the measurements.
import { readJson } from '../../../base/files/json.js';
import type { OpClass } from '../../../models/graph.js';
import {
  type Axes,
  type Cases,
  type ProfileFile,
  profileFileSchema,
  type Sourced,
} from '../../../predictor/profiles/profile-schema.js';

export interface Residual {
  readonly profile: string;
  readonly mode: string;
  readonly precision: string;
  /** What was compared: `sum of subgraphs, batch 1`, `network on device 0, left out`, ... */
  readonly quantity: string;
  readonly model: string;
  readonly measuredMs: number;
  /** By the constants of the profile. */
  readonly fittedMs: number;
  readonly errorPercent: number;
}

export const residualColumns = [
  'profile',
  'mode',
  'precision',
  'quantity',
  'model',
  'measuredMs',
  'fittedMs',
  'errorPercent',
] as const satisfies readonly (keyof Residual)[];

export interface Fit {
  /** Cases by the number's name, `device1.efficiency.conv`: each replaces all cases that the profile has. */
  readonly numbers: Readonly<Record<string, Cases>>;
  /** In place of all that the profile has; none by default. */
  readonly predictors?: ProfileFile['predictors'];
  /** In place of the profile's. */
  readonly power?: ProfileFile['power'];
  readonly residuals: readonly Residual[];
}

export function residual(
  where: Pick<Residual, 'profile' | 'mode' | 'precision' | 'quantity' | 'model'>,
  measuredMs: number,
  fittedMs: number,
): Residual {
  return { ...where, measuredMs, fittedMs, errorPercent: 100 * (fittedMs / measuredMs - 1) };
}

/** A fitted number, four significant digits. */
export function fitted(value: number, unit: string, when: Partial<Axes>, source: string): Sourced {
  return { when, value: `${round(value)}${unit && ` ${unit}`}`, source, kind: 'fitted' };
}

export const round = (value: number): number => Number(value.toPrecision(4));

/** The profile with numbers and predictors of the fit in place of its own. */
export function withFit(
  file: ProfileFile,
  { numbers, predictors, power }: Pick<Fit, 'numbers' | 'predictors' | 'power'>,
): ProfileFile {
  const changed = structuredClone(file) as ProfileFile;
  for (const [name, cases] of Object.entries(numbers)) {
    const [owner = '', field = '', opClass] = name.split('.');
    const index = Number(owner.at(-1)) as 0 | 1;
    if (owner.startsWith('device') && field === 'efficiency')
      changed.devices[index].efficiency[opClass as OpClass] = [...cases];
    else if (owner.startsWith('device')) changed.devices[index][field as 'launch'] = [...cases];
    else if (owner.startsWith('transfer')) changed.transfer[index][field as 'latency'] = [...cases];
    else throw new RangeError(`a fit gives ${name}, which profiles do not hold by fit.`);
  }
  return { ...changed, ...(predictors && { predictors }), ...(power && { power }) };
}

/** As the linter formats it. */
const lineWidth = 120;

/** The file's text, formatted: a list of plain values stands on one line where it fits. */
export function profileText(file: ProfileFile): string {
  // No string in JSON has a line break, so what ends a line with a bracket begins a list.
  const text = JSON.stringify(file, null, 2).replace(/^.*\[\n[^[\]{}]+\],?$/gm, (list) => {
    const line = list
      .replace(/\[\n\s*/, '[')
      .replace(/\n\s*\]/, ']')
      .replace(/\n\s*/g, ' ');
    if (line.length <= lineWidth) return line;
    return /^[^[]*\[[-\d\s.,e+]+\],?$/.test(list) ? filled(list) : list;
  });
  return `${text}\n`;
}

/** A list of numbers, as many on a line as fit. */
function filled(list: string): string {
  const [head, ...rest] = list.split('\n') as [string, ...string[]];
  const [tail, numbers] = [rest.at(-1)!, rest.slice(0, -1)];
  const indent = ' '.repeat(numbers[0]!.search(/\S/));
  const lines = [''];
  for (const number of numbers.map((each) => each.trim())) {
    const longer = lines.at(-1) === '' ? indent + number : `${lines.at(-1)} ${number}`;
    if (longer.length <= lineWidth) lines[lines.length - 1] = longer;
    else lines.push(indent + number);
  }
  return [head, ...lines, tail].join('\n');
}

/** @throws InputError when the file breaks the schema. */
export function readProfileFile(path: string): ProfileFile {
  return readJson(path, profileFileSchema, 'docs/profiles.md describes the format.');
}
