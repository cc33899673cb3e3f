// `sparoa-gym device profile`: how long each unit of a model takes on each device of this machine.
import { join } from 'node:path';
import type { Command } from 'commander';
import { chosenPair } from '../../engine/runtime/devices/probe.js';
import { measurementText } from '../../experiments/characterisation/measurement-text.js';
import { profileModel, writeModelMeasurement } from '../../experiments/characterisation/profiling.js';
import { loadModel } from '../../models/load.js';
import { count, inputOptions, type ModelFlags, modelOptions, printJson } from '../options.js';

interface ProfileFlags extends ModelFlags {
  readonly devices?: string;
  readonly rounds: number;
  readonly out: string;
  readonly json?: boolean;
}

export function profileCommand(program: Command): void {
  const command = program
    .command('profile <model>')
    .description(
      'measure each unit of a model on both devices of a pair, and what moving tensors costs; close what else runs',
    )
    .option('--devices <pair>', 'such as cpu:1+webgpu (default: a CPU and the best GPU found)')
    .option('--rounds <n>', 'times that each unit is measured on each device', count, 20);
  inputOptions(command)
    .option('--out <folder>', 'where profile.json, the CSVs and the figure go', join('results', 'profile'))
    .option('--json', 'print the profile as JSON')
    .action(async (uri: string, flags: ProfileFlags) => {
      const pair = chosenPair(flags.devices);
      const model = await loadModel(uri, modelOptions(flags));
      const profile = profileModel(model, pair, flags.rounds);
      const graph = model.graph(profile.granularity);
      const figure = await writeModelMeasurement(flags.out, graph, profile);
      if (flags.json) printJson(profile);
      else process.stdout.write(measurementText(graph, profile));
      process.stderr.write(`${[join(flags.out, 'profile.json'), ...figure.paths].join(', ')}\n`);
    });
}
