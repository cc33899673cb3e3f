// `sparoa-gym evaluate`: a trained policy's deterministic rollout, on its own or another model and platform.
import type { Command } from 'commander';
import { type ExecutorName, platformUri } from '../engine/platform.js';
import { evaluatesOnHardware, evaluateTraining } from '../experiments/evaluation.js';
import { evaluationText } from '../experiments/evaluation-text.js';
import { collect, count, inputOptions, type ModelFlags, modelUris, platformOptions, printJson } from './options.js';
import { superviseHere } from './supervise.js';

interface EvaluateFlags extends ModelFlags {
  readonly model?: readonly string[];
  readonly profile?: string;
  readonly executor?: ExecutorName;
  readonly devices?: string;
  readonly measurements: number;
  readonly ensemble?: number;
  readonly json?: boolean;
}

export function evaluateCommand(program: Command): void {
  const command = program
    .command('evaluate <training>')
    .description('evaluate the policy in a training folder, on its own or other models, another profile or devices')
    .option('--model <uri>', "model URI or path (repeatable; default: the training's)", collect);
  platformOptions(inputOptions(command), "the training's")
    .option('--measurements <n>', 'on devices: executions of each schedule, in turn', count, 20)
    .option(
      '--ensemble <members>',
      "execute the schedules by so many draws of the profile's uncertain numbers too",
      count,
    )
    .option('--json', 'print the result as JSON')
    .action(async (training: string, flags: EvaluateFlags) => {
      const { executor, profile, devices, model, measurements, ensemble } = flags;
      const platform = executor || profile || devices ? platformUri({ executor, profile, devices }) : undefined;
      if (evaluatesOnHardware(training, platform) && (await superviseHere(training))) return;
      const models = model && (await modelUris(model, flags));
      const results = await evaluateTraining({ training, models, platform, measurements, ensemble });
      if (flags.json) printJson(results.length === 1 ? results[0] : results);
      else process.stdout.write(results.map(evaluationText).join('\n'));
    });
}
