// `sparoa-gym inspect`: the operators of a model, their work and sparsity and, with a profile, their costs.
import { join } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../base/errors/input-error.js';
import { writeQuadrantFigure } from '../experiments/report/figures/quadrants.js';
import type { Granularity } from '../models/graph.js';
import { inspect } from '../models/inspect.js';
import { loadModel } from '../models/load.js';
import { inspectedCosts, inspectionText } from '../predictor/inspection.js';
import { type DeviceProfile, loadProfile } from '../predictor/profiles/profile.js';
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
      const costs = profile && inspectedCosts(model, inspection, profile);
      if (flags.json) printJson({ ...inspection, ...costs });
      else process.stdout.write(inspectionText(inspection, costs));
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
