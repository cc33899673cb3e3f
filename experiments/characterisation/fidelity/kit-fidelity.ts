// Profiles compared with the archive of a board kit, as files: `kit-<devices>.csv`, `.md`, `.json` and a scatter plot.
import { join } from 'node:path';
import { InputError } from '../../../base/errors/input-error.js';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { writeCsv } from '../../../base/files/csv.js';
import { markdownRow, markdownText } from '../../../base/files/markdown.js';
import type { DeviceProfile } from '../../../predictor/profiles/profile.js';
import { isTableUri, loadTable } from '../../../predictor/tables/profile-table.js';
import type { WrittenFigure } from '../../report/figures/drawing.js';
import { writeFigure } from '../../report/figures/figure.js';
import { shortName } from '../../report/figures/labels.js';
import { scheduleTimesFigure } from '../figures/schedule-times.js';
import { fusedVariants } from '../fused-variants.js';
import type { KitReading } from '../kit/reading.js';
import {
  compareWithKit,
  type KitComparison,
  type KitFidelity,
  type Mechanism,
  profileMechanism,
  tableMechanism,
} from './kit-comparison.js';

export interface KitReport {
  readonly version: 1;
  readonly machine: KitReading['machine'];
  readonly rows: readonly KitComparison[];
}

const mechanisms: readonly Mechanism[] = ['units', 'session'];

/** The mode of a calibrated profile that a mechanism runs in; other profiles have modes of their own. */
const modeOf: Readonly<Record<Mechanism, string>> = { units: 'units', session: 'segments' };

/**
 * Compares device profiles and tables with what the kit measured. A table is compared on its own model alone.
 * @throws InputError when a profile cannot be loaded, has no variant of fused units, or a table is of none of the kit's models
 */
export function kitFidelity(reading: KitReading, uris: readonly string[]): KitReport {
  return reportOf(
    reading,
    uris.flatMap((uri) => (isTableUri(uri) ? compareTable(reading, uri) : compareProfile(reading, uri))),
  );
}

export function reportOf({ machine }: KitReading, rows: readonly KitComparison[]): KitReport {
  return { version: 1, machine, rows };
}

/** Rows of one profile; `of` gives the variant for a mechanism. */
export function compareModels(
  reading: KitReading,
  models: KitReading['models'],
  simulatedBy: string | null,
  of: (mechanism: Mechanism) => DeviceProfile | null,
): KitComparison[] {
  return mechanisms.flatMap((mechanism) => {
    const profile = of(mechanism);
    if (!profile) return [];
    return models.flatMap(
      (model) =>
        compareWithKit(reading, model, mechanism, simulatedBy ?? profile.uri, profileMechanism(model.graph, profile)) ??
        [],
    );
  });
}

function compareProfile(reading: KitReading, uri: string): KitComparison[] {
  const fused = fusedVariants(uri, 'fidelity:');
  return compareModels(
    reading,
    reading.models,
    null,
    (mechanism) => fused.find(({ axes }) => axes.mode === modeOf[mechanism]) ?? fused[0],
  );
}

function compareTable(reading: KitReading, uri: string): KitComparison[] {
  const table = loadTable(uri);
  const model = reading.models.find(({ graph }) => graph.hash === table.graphHash);
  if (!model)
    throw new InputError(
      `fidelity: ${uri} is of ${table.model}, and the kit measured ${reading.models.map((one) => one.uri).join(', ')}.`,
      'Give a table of one of these models.',
    );
  return [compareWithKit(reading, model, 'units', uri, tableMechanism(model.graph, table, false)) ?? []].flat();
}

export const kitColumns = [
  ...(['model', 'devices', 'simulatedBy', 'profileHash', 'mechanism', 'unitCount', 'unitMeanPercent'] as const),
  ...(['unitWithin10Percent', 'wholeMeanPercent', 'scheduleCount', 'scheduleMeanPercent'] as const),
  ...(['scheduleWithin10Percent', 'noisePercent', 'tau', 'tauCeiling', 'regretPercent'] as const),
] as const satisfies readonly (keyof KitFidelity)[];

export async function writeKitFidelity(folder: string, report: KitReport): Promise<WrittenFigure> {
  const { machine, rows } = report;
  const name = `kit-${machine.key.devices.replaceAll(':', '').replaceAll('+', '-')}`;
  writeCsv(join(folder, `${name}.csv`), kitColumns, rows);
  writeFileAtomic(join(folder, `${name}.md`), kitMarkdown(report));
  writeFileAtomic(join(folder, `${name}.json`), `${JSON.stringify(report, null, 1)}\n`);
  const figure = scheduleTimesFigure({
    points: rows.flatMap(({ model, simulatedBy, schedules }) =>
      schedules.map(({ simulatedMs, measuredMs }) => ({
        model: `${shortName(model)} by ${shortName(simulatedBy)}`,
        simulatedMs,
        measuredMs,
      })),
    ),
    provenance: [`measured on ${whereOf(machine)}`, 'simulated in serial execution'],
  });
  return writeFigure(folder, name, figure);
}

const whereOf = ({ board, cpu, key, date }: KitReading['machine']): string =>
  `${board ?? cpu}, ${key.devices}, ${date.slice(0, 10)}`;

/** A line for each model and mechanism; errors in percent. */
export function kitMarkdown({ machine, rows }: KitReport): string {
  const number = (value: number | null, digits = 1): string => (value === null ? '' : value.toFixed(digits));
  const lines = rows.map((row) => {
    const cells = [
      number(row.unitMeanPercent),
      number(row.unitWithin10Percent, 0),
      number(row.wholeMeanPercent),
      String(row.scheduleCount),
      number(row.scheduleMeanPercent),
      number(row.scheduleWithin10Percent, 0),
      number(row.noisePercent),
      number(row.tau, 3),
      number(row.tauCeiling, 3),
      number(row.regretPercent),
    ];
    return markdownRow([shortName(row.model), row.simulatedBy, row.mechanism, ...cells]);
  });
  return [
    `Simulated against measured on ${markdownText(whereOf(machine))}, onnxruntime ${markdownText(machine.onnxRuntime)}${machine.key.quick ? ', --quick' : ''}. Mean errors`,
    'in percent of medians: of units by themselves, of the whole model on one device, of all schedules. *Noise*: the mean',
    'difference between every other measurement of a schedule and the rest.',
    '',
    '| model | simulated by | executed by | unit | within 10 % | whole | schedules | error | within 10 % | noise | tau | its ceiling | regret, % |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}
