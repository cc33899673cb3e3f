// An atlas under uncertainty, as files: `ensemble.csv` for every sourced cell, `tornado.csv` and its figure for the one of largest
// headroom.
import { join } from 'node:path';
import { writeCsv } from '../../base/files/csv.js';
import { loadModel } from '../../models/load.js';
import type { ModelOptions } from '../../models/uri.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import type { WrittenFigure } from '../report/figures/drawing.js';
import { writeFigure } from '../report/figures/figure.js';
import { shortName } from '../report/figures/labels.js';
import { tornadoFigure } from '../report/figures/tornado.js';
import type { AtlasRow } from '../results/rows.js';
import { type Ensemble, ensemble, ensembleColumns } from './ensemble.js';

const tornadoColumns = ['number', 'factor', 'lowPercent', 'highPercent', 'lowVerdict', 'highVerdict', 'swingPercent'];

/** Ensembles of the sourced cells of an atlas; the figure is of `best`, where there is one. */
export async function writeEnsembles(
  directory: string,
  rows: readonly AtlasRow[],
  best: AtlasRow | null,
  members: number,
  options: ModelOptions,
): Promise<Ensemble[]> {
  const found: Ensemble[] = [];
  for (const row of rows.filter(({ sourced }) => sourced)) {
    const one = ensemble(await loadModel(row.model, options), row.profile, members);
    found.push(one);
    if (row === best) await writeTornado(directory, one);
  }
  writeCsv(
    join(directory, 'ensemble.csv'),
    ensembleColumns,
    found.map(({ row }) => row),
  );
  return found;
}

/** `<name>.csv`, `.svg` and `.png`; the figure is null where no number has a prior that moves the headroom. */
export async function writeTornado(
  directory: string,
  { row, tornado }: Ensemble,
  name = 'tornado',
): Promise<WrittenFigure | null> {
  const bars = tornado.map(({ number, factor, atLow, atHigh, swingPercent, decides }) => ({
    number,
    factor,
    lowPercent: atLow.headroomPercent,
    highPercent: atHigh.headroomPercent,
    lowVerdict: atLow.verdict,
    highVerdict: atHigh.verdict,
    swingPercent,
    decides,
  }));
  writeCsv(join(directory, `${name}.csv`), tornadoColumns, bars);
  if (bars.length === 0) return null;
  const cell = `${shortName(row.model)} on ${shortName(row.profile)}`;
  const provenance = [`simulated, profile ${loadProfile(row.profile).fileHash}`];
  return writeFigure(directory, name, tornadoFigure({ cell, statedPercent: row.headroomPercent, bars, provenance }));
}
