// Models whose work is of classes that a profile's predictors were not fitted to: their times rest on its ceilings.
import type { OpClass, OperatorGraph } from '../../models/graph.js';
import type { DeviceProfile } from './profile.js';

/** Above this share of a model's multiply-accumulates, results say so. */
export const mostUnfitted = 0.1;

/** The share of multiply-accumulates in classes other than these. */
export function unfittedShare({ units }: Pick<OperatorGraph, 'units'>, classes: readonly OpClass[]): number {
  let [all, unfitted] = [0, 0];
  for (const { macs, opClass } of units) {
    all += macs;
    if (!classes.includes(opClass)) unfitted += macs;
  }
  return all > 0 ? unfitted / all : 0;
}

/** A caveat for each device with predictors of other classes than most of the model's work. */
export function unfittedNotes(
  graph: Pick<OperatorGraph, 'units'>,
  { predictedClasses, devices }: Pick<DeviceProfile, 'predictedClasses' | 'devices'>,
): string[] {
  return predictedClasses.flatMap((classes, device) => {
    const share = classes ? unfittedShare(graph, classes) : 0;
    if (share <= mostUnfitted) return [];
    return [
      `${(100 * share).toFixed(0)} % of the multiply-accumulates are of classes that nobody fitted on ${devices[device]!.name}: their times come from its ceilings, and may be several times too short.`,
    ];
  });
}
