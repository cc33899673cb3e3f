// A model as `inspect` shows it: its units and, with a profile, what each costs on each device.
import { textTable } from '../base/text/table.js';
import { type Inspection, inspectionTable } from '../models/inspect.js';
import type { LoadedModel } from '../models/load.js';
import { precisionNotes } from './profiles/precision.js';
import type { DeviceProfile } from './profiles/profile.js';
import { profileCosts } from './profiles/profile-costs.js';
import { unfittedNotes } from './profiles/unfitted.js';
import { type WholeCosts, wholeCosts } from './whole-costs.js';

export interface InspectedCosts {
  readonly profile: string;
  readonly profileHash: string;
  readonly kind: 'simulated';
  readonly weakestSource: DeviceProfile['weakestSource'];
  readonly notes: readonly string[];
  readonly costs: WholeCosts;
}

/** Costs of whole units and tensors in `serial` execution by a device profile. */
export function inspectedCosts(
  model: LoadedModel,
  { granularity }: Pick<Inspection, 'granularity'>,
  profile: DeviceProfile,
): InspectedCosts {
  const graph = model.graph(granularity);
  return {
    profile: profile.uri,
    profileHash: profile.hash,
    kind: 'simulated',
    weakestSource: profile.weakestSource,
    notes: [...precisionNotes(graph, profile), ...unfittedNotes(graph, profile)],
    costs: wholeCosts(graph, profileCosts(graph, profile)),
  };
}

/** A line for each unit, totals, and where the costs are from. */
export function inspectionText(inspection: Inspection, costs: InspectedCosts | null): string {
  const { columns, rows } = inspectionTable(inspection);
  const costColumns = costs ? ['ms on 0', 'ms on 1'] : [];
  const cells = rows.map((row, unit) => [
    ...row,
    ...(costs ? costs.costs.unitMs[unit]!.map((ms) => ms?.toFixed(5) ?? '') : []),
  ]);
  const { totals } = inspection;
  const lines = [
    textTable([...columns, ...costColumns], cells),
    `${inspection.model} (${inspection.modelHash}), ${inspection.units.length} ${inspection.units.length === 1 ? 'unit' : 'units'} (${inspection.granularity})`,
    `${(totals.macs / 1e9).toFixed(4)} GMAC, ${(totals.flops / 1e9).toFixed(4)} GFLOP, ${totals.parameters} parameters, ${(totals.weightBytes / 1e6).toFixed(1)} MB of weights`,
    ...(inspection.randomWeights ? ['Weights are random: activation sparsity is a property of the initialiser.'] : []),
    ...(costs
      ? [
          `Costs: simulated, ${costs.profile} (${costs.profileHash}), weakest source: ${costs.weakestSource}`,
          ...costs.notes,
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
