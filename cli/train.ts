// `sparoa-gym train`: one learner on one model and profile, or on one model and this machine's devices.
import type { Command } from 'commander';
import { learners } from '../agents/learners.js';
import { InputError, UsageError } from '../base/errors/input-error.js';
import { type ExecutorName, platformUri } from '../engine/platform.js';
import { hardwareHash, parseHardwareUri } from '../engine/runtime/hardware.js';
import { shareEnvOptionsSchema } from '../env/share/share-options.js';
import { applySettings, parseWith, trainingSchema } from '../experiments/config.js';
import { runJob } from '../experiments/job.js';
import { loadModel } from '../models/load.js';
import { loadProfile } from '../predictor/profiles/profile.js';
import {
  collect,
  inputOptions,
  type ModelFlags,
  modelOptions,
  nonNegativeInteger,
  platformOptions,
  positiveInteger,
  printJson,
  provenance,
} from './options.js';
import { createReporter } from './progress.js';
import { superviseHere } from './supervise.js';

interface TrainFlags extends ModelFlags {
  readonly model: string;
  readonly executor?: ExecutorName;
  readonly profile?: string;
  readonly devices?: string;
  readonly seed: number;
  readonly steps?: number;
  readonly out: string;
  readonly backend: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** The parts of a job that --set reaches. */
const settable = ['agent', 'environment', 'training'];

export function trainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('train SAC on one model; a killed training continues from its checkpoint')
    .option('--model <uri>', 'model URI or path of an ONNX file', 'model://mobilenetv3-small');
  platformOptions(inputOptions(command), 'simulator on profile://jetson-agx-orin')
    .option('--seed <n>', 'seed of networks, exploration and replay', nonNegativeInteger, 0)
    .option('--steps <n>', 'environment steps', positiveInteger)
    .option('--out <folder>', 'where the training lives', 'results/train')
    .option('--backend <name>', 'compiled (ONNX Runtime) or tfjs (eager TensorFlow.js)', 'compiled')
    .option('--set <path=value>', 'agent.gamma=0.95, training.evaluateEverySteps=1000, ... (repeatable)', collect)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', () => `\nFields of --set agent.*:\n${fieldHelp()}`)
    .action(async (flags: TrainFlags) => {
      if (flags.backend !== 'compiled' && flags.backend !== 'tfjs') {
        throw new UsageError(`train: backend "${flags.backend}" is unknown.`, 'Known: compiled, tfjs.');
      }
      const fields: Record<string, unknown> = { agent: {}, environment: {}, training: {} };
      applySettings(fields, flags.set ?? []);
      const stray = Object.keys(fields).find((key) => !settable.includes(key));
      if (stray) throw new InputError(`--set ${stray}: is no part of a training.`, `Known: ${settable.join(', ')}.`);
      const training = { ...(fields.training as object), ...(flags.steps && { steps: flags.steps }) };
      const uri = platformUri(flags);
      if (parseHardwareUri(uri) && (await superviseHere(flags.out))) return;
      const model = await loadModel(flags.model, modelOptions(flags));
      const platform = identify(uri);
      const job = {
        learner: 'sac' as const,
        model: model.uri,
        profile: platform.uri,
        modelHash: model.modelHash,
        profileHash: platform.hash,
        seed: flags.seed,
        environment: parseWith(shareEnvOptionsSchema, fields.environment, '--set environment'),
        training: parseWith(trainingSchema, training, '--set training'),
        backend: flags.backend as 'compiled' | 'tfjs',
        agent: parseWith(learners.sac.config, fields.agent, '--set agent'),
      };
      const reporter = createReporter();
      const told = provenance({ kind: parseHardwareUri(job.profile) ? 'measured' : 'simulated', profile: job.profile });
      reporter.jobs([`sac ${job.model}, ${told}`]);
      const result = await runJob(flags.out, job, (progress) => reporter.progress(0, progress)).finally(() =>
        reporter.close(),
      );
      if (flags.json) printJson(result);
      else process.stdout.write(`${job.model}: ${result.final.latencyMs.toFixed(4)} ms, ${told}; in ${flags.out}\n`);
    });
}

/** The full URI and the hash of a profile or of hardware. */
function identify(uri: string): { readonly uri: string; readonly hash: string } {
  const hardware = parseHardwareUri(uri);
  return hardware ? { uri, hash: hardwareHash(hardware) } : loadProfile(uri);
}

function fieldHelp(): string {
  return Object.entries(learners.sac.config.shape)
    .map(([name, field]) => `  ${name.padEnd(16)} ${field.description ?? ''}`)
    .join('\n');
}
