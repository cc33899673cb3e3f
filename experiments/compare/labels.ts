// What a comparison calls its variants: a run by its folder, with its own variant where it has several.
import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import { printable } from '../../base/text/printable.js';
import type { RecordedRun } from './recorded-run.js';

/**
 * For each run the labels of its variants, in their order. A folder is called by its last part, or by as many as make all
 * labels distinct.
 * @throws InputError when a run is given twice, or no label sets two variants apart
 */
export function labelsOf(runs: readonly RecordedRun[]): ReadonlyMap<string, string>[] {
  const paths = runs.map(({ folder }) => realpathSync(folder));
  const twice = paths.findIndex((path, i) => paths.indexOf(path) < i);
  if (twice >= 0)
    throw new InputError(`compare: the run ${runs[twice]!.folder} is given twice.`, 'Name each run once.');
  const parts = paths.map((path) => path.split(sep).filter((part) => part !== ''));
  const most = Math.max(...parts.map(({ length }) => length));
  for (let depth = 1; depth <= most; depth++) {
    const labels = runs.map(({ rows }, i) => {
      const name = printable(parts[i]!.slice(-depth).join('/')) || '/';
      const variants = [...new Set(rows.map(({ variant }) => variant))];
      return new Map(variants.map((variant) => [variant, variants.length === 1 ? name : `${name}/${variant}`]));
    });
    const all = labels.flatMap((own) => [...own.values()]);
    if (new Set(all).size === all.length) return labels;
  }
  throw new InputError(
    `compare: variants of ${runs.map(({ folder }) => folder).join(', ')} have the same label.`,
    'Rename a folder.',
  );
}
