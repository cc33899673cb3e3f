// `sparoa-gym inspect`: the operators of a model, their work and sparsity and, with a profile, their costs.
import { join } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../base/errors/input-error.js';
import { textTable } from '../base/text/table.js';
import { writeQuadrantFigure } from '../experiments/report/figures/quadrants.js';
import type { Granularity } from '../models/graph.js';
import { type Inspection, inspect, inspectionTable } from '../models/inspect.js';
import { type LoadedModel, loadModel } from '../models/load.js';
import { precisionNotes } from '../predictor/profiles/precision.js';
import { type DeviceProfile, loadProfile } from '../predictor/profiles/profile.js';
import { profileCosts } from '../predictor/profiles/profile-costs.js';
import { wholeCosts } from '../predictor/whole-costs.js';
import { inputOptions, type ModelFlags, modelOptions, printJson } from './options.js';

interface InspectFlags extends ModelFlags {
  readonly granularity?: string;
  readonly profile?: string;
  readonly plot?: string | true;
  readonly json?: boolean;
}

export function inspectCommand(program: Command): void {
  const command = program
    .command('inspect <model>')
    .description('the operators of a model: work, bytes, intensity, sparsity; with a profile, costs on each device');
  inputOptions(command)
    .option('--granularity <name>', "operator or fused (default: the profile's, else operator)")
    .option('--profile <uri>', 'add the cost of each unit and transfer on this profile')
    .option(
      '--plot [folder]',
      'write the sparsity x intensity scatter as SVG and PNG (default folder: results/inspect)',
    )
    .option('--json', 'print as JSON')
    .action(async (uri: string, flags: InspectFlags) => {
      const model = await loadModel(uri, modelOptions(flags));
      const profile = flags.profile === undefined ? null : loadProfile(flags.profile);
      for (const warning of model.warnings) process.stderr.write(`${warning}\n`);
      const inspection = inspect(model, granularityOf(flags, profile));
      const costs = profile && costsOf(model, inspection, profile);
      if (flags.json) printJson({ ...inspection, ...costs });
      else printTable(inspection, costs);
      if (flags.plot !== undefined) {
        const folder = flags.plot === true ? join('results', 'inspect') : flags.plot;
        const written = await writeQuadrantFigure(folder, inspection);
        process.stderr.write(`${written.join(', ')}\n`);
      }
    });
}

function granularityOf({ granularity }: InspectFlags, profile: DeviceProfile | null): Granularity {
  if (granularity === undefined) return profile?.granularity ?? 'operator';
  if (granularity === 'operator' || granularity === 'fused') return granularity;
  throw new UsageError(`inspect: granularity "${granularity}" is unknown.`, 'Known: operator, fused.');
}

function costsOf(model: LoadedModel, { granularity }: Inspection, profile: DeviceProfile) {
  const graph = model.graph(granularity);
  return {
    profile: profile.uri,
    profileHash: profile.hash,
    kind: 'simulated',
    weakestSource: profile.weakestSource,
    notes: precisionNotes(graph, profile),
    costs: wholeCosts(graph, profileCosts(graph, profile)),
  };
}

function printTable(inspection: Inspection, costs: ReturnType<typeof costsOf> | null): void {
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
  process.stdout.write(`${lines.join('\n')}\n`);
}
