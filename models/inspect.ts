// The output of `inspect`: the object of `--json`, and the table for people.

import { quantisers } from './analysis/quantisation.js';
import type { Granularity, OperatorGraph, TensorInfo, Unit } from './graph.js';
import type { LoadedModel } from './load.js';

export interface Inspection {
  /** The model's full URI. */
  readonly model: string;
  readonly modelHash: string;
  readonly granularity: Granularity;
  readonly randomWeights: boolean;
  readonly totals: LoadedModel['totals'];
  readonly warnings: LoadedModel['warnings'];
  readonly units: readonly Unit[];
  readonly tensors: readonly TensorInfo[];
}

export function inspect(model: LoadedModel, granularity: Granularity): Inspection {
  const { units, tensors } = model.graph(granularity);
  const { uri, modelHash, randomWeights, totals, warnings } = model;
  return { model: uri, modelHash, granularity, randomWeights, totals, warnings, units, tensors };
}

export interface InspectionTable {
  readonly columns: readonly string[];
  /** A row of cells per unit. */
  readonly rows: readonly (readonly string[])[];
}

/** Numbers carry their unit in the column's name; an empty cell: does not apply. */
export function inspectionTable({ units, tensors }: Pick<OperatorGraph, 'units' | 'tensors'>): InspectionTable {
  const columns = [
    'id',
    'name',
    'operators',
    'class',
    'MFLOP',
    'read KB',
    'written KB',
    'FLOP/byte',
    'zeros in',
    'zeros w',
    'output',
    'split',
    'only',
  ];
  const rows = units.map((unit) => [
    String(unit.id),
    unit.name,
    operatorsOf(unit),
    unit.opClass,
    (unit.flops / 1e6).toFixed(3),
    (unit.bytesRead / 1e3).toFixed(1),
    (unit.bytesWritten / 1e3).toFixed(1),
    unit.intensity.toFixed(2),
    unit.activationSparsity?.toFixed(3) ?? '',
    unit.weightBytes > 0 ? unit.weightSparsity.toFixed(3) : '',
    unit.outputs.map((id) => tensors[id]!.shape.join('x')).join(' '),
    unit.splitAxis === null ? '' : String(unit.splitAxis),
    unit.onlyOn === null ? '' : `device ${unit.onlyOn}`,
  ]);
  return { columns, rows };
}

/** The quantisers around an operator are not worth a line of their own. */
function operatorsOf({ opTypes }: Unit): string {
  const main = opTypes.filter((opType) => !quantisers.has(opType));
  return main.length === 0 || main.length === opTypes.length ? opTypes.join('+') : `${main.join('+')} (quantised)`;
}
