// Describes the device pair by ratios, which do not change when both devices become faster or slower alike. An agent needs
// them to distinguish boards and to generalise to unseen ones. They are computed from the cost table of the model's own
// units, so hardware has them too.

import { type OperatorGraph, opClasses } from '../../models/graph.js';
import { type CostTable, wholeUnitMs } from '../../predictor/cost-table.js';
import { bounded, type ObservationBlock } from './observation-block.js';

/** Logarithms of ratios; 0 where the model has none: no unit of the class that both devices can run, or no tensor. */
export function deviceRatios({ units, tensors }: OperatorGraph, costs: CostTable): ObservationBlock {
  const both = units.filter(({ id }) => [0, 1].every((device) => Number.isFinite(wholeUnitMs(costs, id, device))));
  const totalMs = (of: typeof both, device: number) =>
    of.reduce((sum, { id }) => sum + wholeUnitMs(costs, id, device), 0);
  const typicalMs = both.length > 0 ? (totalMs(both, 0) + totalMs(both, 1)) / 2 / both.length : 0;
  const meanMoveMs = (to: number) =>
    tensors.reduce((sum, { id }) => sum + costs.transferMs(id, to), 0) / Math.max(1, tensors.length);
  const values: [name: string, value: number][] = [
    ['device.0to1', logRatio(totalMs(both, 0), totalMs(both, 1))],
    ...opClasses.map((opClass): [string, number] => {
      const own = both.filter((unit) => unit.opClass === opClass);
      return [`device.0to1.${opClass}`, logRatio(totalMs(own, 0), totalMs(own, 1))];
    }),
    // Launches and waits can be 0, so they are fractions of a typical unit's time instead of logarithms.
    ['device.launch0', share(costs.launchMs(0), typicalMs)],
    ['device.launch1', share(costs.launchMs(1), typicalMs)],
    ['device.sync', share(costs.syncMs, typicalMs)],
    ['device.moveTo0', share(meanMoveMs(0), typicalMs)],
    ['device.moveTo1', share(meanMoveMs(1), typicalMs)],
  ];
  return {
    names: values.map(([name]) => name),
    fixed(_next, out, at) {
      for (const [i, [, value]] of values.entries()) out[at + i] = bounded(value);
    },
  };
}

function logRatio(ms: number, otherMs: number): number {
  return ms > 0 && otherMs > 0 ? Math.log(ms / otherMs) : 0;
}

/** asinh: linear for small values, logarithmic for large ones. */
function share(ms: number, ofMs: number): number {
  return ofMs > 0 ? Math.asinh(ms / ofMs) : 0;
}
