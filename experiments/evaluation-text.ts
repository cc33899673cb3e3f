// An evaluated policy as text for a terminal.
import { textTable } from '../base/text/table.js';
import { provenance } from '../engine/runtime/hardware.js';
import {
  type CellEnsemble,
  ensembleCaution,
  ensembleCells,
  ensembleHeader,
  headroomSentence,
} from './atlas/ensemble-schedules.js';
import type { Evaluation } from './evaluation.js';
import { unitAfter } from './objective-unit.js';

/** The objective with its provenance and gap, beside the baselines; and the ensemble where one was drawn. */
export function evaluationText(result: Evaluation): string {
  const { kind, objective, value, low, high, measurements, baselines } = result;
  const captured =
    result.capturedHeadroom === null ? 'undefined (headroom < 2 %)' : `${(100 * result.capturedHeadroom).toFixed(1)} %`;
  const measured = kind === 'measured';
  const interval =
    low === null ? '' : ` [${low.toFixed(4)}, ${high!.toFixed(4)}]${measured ? `, median of ${measurements}` : ''}`;
  const name = objective.replace(/(Mj|Ms)+$/, '');
  const unit = unitAfter(objective);
  return [
    `model     ${result.model}`,
    `profile   ${result.profile} (${result.profileHash})`,
    `${name.padEnd(9)} ${value.toFixed(4)}${unit}${interval}, ${provenance(result)}; ${result.gapPercent.toFixed(2)} % over the ${result.gapTo}; captured headroom ${captured}`,
    ...Object.entries(baselines).map(
      ([each, its]) => `${each.padEnd(9)} ${its.toFixed(4)}${unit}${measured ? ', measured' : ''}`,
    ),
    ...(result.ensemble ? ensembleLines(result.ensemble) : []),
    ...(measured && 'optimum' in baselines
      ? ['optimum: of the measured costs of units and moves, not proven on the machine']
      : []),
    '',
  ].join('\n');
}

function ensembleLines({ rows, headroom }: CellEnsemble): string[] {
  return [
    '',
    textTable(ensembleHeader, rows.map(ensembleCells)),
    `${headroomSentence(headroom)}. ${ensembleCaution(headroom.row.members)}`,
  ];
}
