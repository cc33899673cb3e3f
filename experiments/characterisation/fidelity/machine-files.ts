// The comparison with this machine as files: `machine-<devices>.csv`, `.md`, `.json`, and a scatter plot.
import { join } from 'node:path';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { writeCsv } from '../../../base/files/csv.js';
import { markdownRow } from '../../../base/files/markdown.js';
import type { WrittenFigure } from '../../report/figures/drawing.js';
import { writeFigure } from '../../report/figures/figure.js';
import { shortName } from '../../report/figures/labels.js';
import type { SystemDescription } from '../../results/system.js';
import { scheduleTimesFigure } from '../figures/schedule-times.js';
import type { Comparison } from './machine-comparison.js';
import type { MachineFidelity } from './machine-fidelity.js';
import type { SimulatedModel } from './simulated-model.js';

export interface MachineReport {
  readonly version: 1;
  /** ISO 8601 */
  readonly date: string;
  readonly system: SystemDescription;
  readonly devices: string;
  /** Of each of two passes. */
  readonly rounds: number;
  readonly models: readonly (MachineFidelity & Comparison & Pick<SimulatedModel, 'simulatedBy'>)[];
}

export const machineColumns = [
  ...([
    'model',
    'devices',
    'simulatedBy',
    'profileHash',
    'unitCount',
    'scheduleCount',
    'unitMeanPercent',
    'unitWithin10Percent',
  ] as const),
  ...(['wholeMeanPercent', 'scheduleMeanPercent', 'scheduleWithin10Percent', 'noisePercent'] as const),
  ...(['tau', 'tauCeiling', 'regretPercent'] as const),
] as const satisfies readonly (keyof MachineReport['models'][number])[];

export async function writeMachineFidelity(folder: string, report: MachineReport): Promise<WrittenFigure> {
  const name = `machine-${report.devices.replaceAll(':', '').replaceAll('+', '-')}`;
  writeCsv(join(folder, `${name}.csv`), machineColumns, report.models);
  writeFileAtomic(join(folder, `${name}.md`), machineMarkdown(report));
  writeFileAtomic(join(folder, `${name}.json`), `${JSON.stringify(report, null, 1)}\n`);
  const figure = scheduleTimesFigure({
    points: report.models.flatMap(({ model, schedules }) =>
      schedules.map(({ simulatedMs, measuredMs }) => ({ model: shortName(model), simulatedMs, measuredMs })),
    ),
    provenance: [
      `measured on ${report.system.cpu}, ${report.devices}, ${report.date.slice(0, 10)}`,
      `simulated by ${[...new Set(report.models.map(({ simulatedBy }) => simulatedBy))].join(', ')}`,
    ],
  });
  return writeFigure(folder, name, figure);
}

/** A line for each model; errors in percent. */
export function machineMarkdown({ models, system, devices, date, rounds }: MachineReport): string {
  const lines = models.map((row) => {
    const cells = [
      row.unitMeanPercent.toFixed(1),
      row.unitNoisePercent.toFixed(1),
      row.wholeMeanPercent.toFixed(1),
      row.scheduleMeanPercent.toFixed(1),
      row.scheduleWithin10Percent.toFixed(0),
      row.noisePercent.toFixed(1),
      // Schedules that differ by less than the noise have no ranks.
      ...[row.tau, row.tauCeiling].map((tau) => (Number.isNaN(tau) ? '-' : tau.toFixed(3))),
      row.regretPercent.toFixed(1),
    ];
    return markdownRow([shortName(row.model), row.simulatedBy, row.scheduleCount, ...cells]);
  });
  return [
    `Simulated against measured on ${devices} of ${system.cpu} with ${system.cores} cores, ONNX Runtime ${system.onnxRuntime},`,
    `${date.slice(0, 10)}, two passes of ${rounds} rounds. Mean errors in percent: of units by themselves, of the whole model on one`,
    'device, of all schedules. *Noise*: the mean difference between the two passes, of units and of schedules. *Within 10 %*: the',
    'share of schedules.',
    '',
    '| model | simulated by | schedules | unit | noise | whole | schedules | within 10 % | noise | tau | its ceiling | regret, % |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}
