// `sparoa-gym train`: one learner on a profile, or on this machine's devices, on one model or on several.
import type { Command } from 'commander';
import { learnerNamed, learnerNames } from '../agents/learners.js';
import { UsageError } from '../base/errors/input-error.js';
import type { ExecutorName } from '../engine/platform.js';
import { runJob } from '../experiments/job.js';
import { unitAfter } from '../experiments/objective-unit.js';
import { loadPlugins } from '../experiments/plugins.js';
import { describeTraining, singleTraining } from '../experiments/single-training.js';
import {
  collect,
  inputOptions,
  type ModelFlags,
  modelUris,
  nonNegativeInteger,
  platformOptions,
  pluginOption,
  positiveInteger,
  printJson,
} from './options.js';
import { createReporter } from './progress.js';
import { superviseHere } from './supervise.js';

interface TrainFlags extends ModelFlags {
  readonly model?: readonly string[];
  readonly learner: string;
  readonly executor?: ExecutorName;
  readonly profile?: string;
  readonly devices?: string;
  readonly seed: number;
  readonly steps?: number;
  readonly out: string;
  readonly backend: string;
  readonly set?: readonly string[];
  readonly plugin?: readonly string[];
  readonly json?: boolean;
}

export function trainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('train a learner on one model or several; a killed training continues from its checkpoint')
    .option(
      '--model <uri>',
      'model URI or path of an ONNX file (repeatable: each episode draws one; default: model://mobilenetv3-small)',
      collect,
    )
    .option('--learner <name>', `who learns: ${learnerNames().join(', ')}`, 'sac');
  pluginOption(platformOptions(inputOptions(command), 'simulator on profile://jetson-agx-orin'))
    .option('--seed <n>', 'seed of networks, exploration and replay', nonNegativeInteger, 0)
    .option('--steps <n>', 'environment steps', positiveInteger)
    .option('--out <folder>', 'where the training lives', 'results/train')
    .option('--backend <name>', 'compiled (ONNX Runtime) or tfjs (eager TensorFlow.js)', 'compiled')
    .option('--set <path=value>', 'agent.gamma=0.95, environment.id=SparOA/Stream-v0, ... (repeatable)', collect)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', () =>
      learnerNames()
        .map((name) => `\nFields of --set agent.* of ${name}:\n${fieldHelp(name)}`)
        .join('\n'),
    )
    .action(async (flags: TrainFlags) => {
      if (flags.backend !== 'compiled' && flags.backend !== 'tfjs') {
        throw new UsageError(`train: backend "${flags.backend}" is unknown.`, 'Known: compiled, tfjs.');
      }
      const { executor, devices, seed, plugin = [] } = flags;
      await loadPlugins(plugin);
      const job = await singleTraining({
        learner: flags.learner,
        models: await modelUris(flags.model ?? ['model://mobilenetv3-small'], flags),
        executor,
        profiles: flags.profile === undefined ? undefined : [flags.profile],
        devices,
        seed,
        compute: flags.backend,
        plugins: plugin,
        settings: flags.set ?? [],
        steps: flags.steps,
      });
      const { hardware, where, label } = describeTraining(job);
      if (hardware && (await superviseHere(flags.out))) return;
      const reporter = createReporter();
      reporter.jobs([label]);
      const result = await runJob(flags.out, job, (progress) => reporter.progress(0, progress)).finally(() =>
        reporter.close(),
      );
      if (flags.json) printJson(result);
      else
        for (const [i, { objective }] of result.cells.entries())
          process.stdout.write(
            `${job.evaluate[i]!.models.join(' and ')}: ${objective.toFixed(4)}${unitAfter(result.curve.at(-1)?.metric ?? '')}, ${where}; in ${flags.out}\n`,
          );
    });
}

function fieldHelp(learner: string): string {
  return Object.entries(learnerNamed(learner).config.shape)
    .map(([name, field]) => `  ${name.padEnd(18)} ${field.description ?? ''}`)
    .join('\n');
}
