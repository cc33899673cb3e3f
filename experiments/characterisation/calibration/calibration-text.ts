// A calibration as text for a terminal.
import { textTable } from '../../../base/text/table.js';
import { kitMarkdown } from '../fidelity/kit-fidelity.js';
import type { Calibration } from './calibrate.js';
import { mape, modelRows, runToRun } from './report.js';

/** Errors of each mode and device, what the profile notes, and how far each kit's schedules are off. */
export function calibrationText({ profile, fit, heldOut, fidelity }: Calibration): string {
  const { devices, models } = profile.calibration!;
  const percent = (value: number | null): string => (value === null ? '' : value.toFixed(1));
  const left = modelRows(fit);
  const rows = profile.calibration!.errors.map(({ mode, device, predictor, ...errors }) => {
    const same = (row: { mode: string; device: number }): boolean => row.mode === mode && row.device === device;
    return [
      mode,
      `${devices.split('+')[device]} #${device}`,
      predictor,
      percent(errors.residualMedianPercent),
      percent(errors.unitMedianPercent),
      percent(mape(left.filter(same))),
      percent(mape(heldOut.filter(same))),
      percent(runToRun(heldOut.filter(same))),
    ];
  });
  const heads = [
    'mode',
    'device',
    'predictor',
    'residual',
    'unit, left out',
    'model, left out',
    'held out',
    'run to run',
  ];
  return [
    textTable(heads, rows),
    `${models} models on ${devices}, measured; errors in percent: medians of units, means of models`,
    ...(profile.notes ?? []),
    ...fidelity.map((report) => `\n${kitMarkdown(report)}`),
    '',
  ].join('\n');
}
