// `sparoa-gym device calibrate`: a profile of this machine's devices, fitted to measured units, for models that were not measured.
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { chosenPair } from '../../engine/runtime/devices/probe.js';
import { calibrate } from '../../experiments/characterisation/calibration/calibrate.js';
import { calibrationText } from '../../experiments/characterisation/calibration/calibration-text.js';
import { collect, count, oldName, printJson } from '../options.js';

interface CalibrateFlags {
  readonly devices?: string;
  readonly minutes: number;
  readonly rounds: number;
  readonly models?: string[];
  readonly holdOut?: string[];
  readonly judge?: string[];
  readonly from?: string[];
  readonly fromTrtexec?: string[];
  readonly fromOrtProfile?: string[];
  readonly refine?: string;
  readonly out: string;
  readonly json?: boolean;
}

export function calibrateCommand(program: Command): void {
  program
    .command('calibrate')
    .description(
      'fit a device profile to measured units: of built-in and random networks on this machine, or of files; close what else runs',
    )
    .option('--devices <pair>', 'such as cpu:1+webgpu (default: a CPU and the best GPU found)')
    .option('--minutes <n>', 'no model is begun when these are over', minutes, 3.3)
    .option('--rounds <n>', 'times that each unit and model is measured on each device', count, 8)
    .option(
      '--models <model>',
      'measure and fit to this model first; of files of other tools: what they are of (repeatable)',
      collect,
    )
    .option(
      '--hold-out <model>',
      'measure this model too, and compare it with what a fit without it predicts (repeatable)',
      collect,
    )
    .addOption(oldName('--judge <model>', 'holdOut').argParser(collect))
    .option(
      '--from <path>',
      'fit to the unit measurements in this file, kit archive or folder, and measure nothing (repeatable)',
      collect,
    )
    .option(
      '--from-trtexec <file...>',
      'fit to what trtexec exported of --models: its profile, and layers and times where they are there',
    )
    .option('--from-ort-profile <file...>', "fit to ONNX Runtime's own profiles of --models")
    .option('--refine <profile>', 'take what was not measured from this device profile, with its sources')
    .option('--out <folder>', 'where the profile, the report and the measured units go', join('results', 'calibration'))
    .option('--json', 'print the errors as JSON')
    .addHelpText('after', '\nMeasured models are kept: the same command goes on where one was stopped.')
    .action(async (flags: CalibrateFlags) => {
      const result = await calibrate({
        pair: chosenPair(flags.devices),
        minutes: flags.minutes,
        rounds: flags.rounds,
        models: flags.models ?? [],
        holdOut: flags.holdOut ?? flags.judge ?? [],
        from: flags.from ?? [],
        fromTrtexec: flags.fromTrtexec ?? [],
        fromOrtProfile: flags.fromOrtProfile ?? [],
        refine: flags.refine ?? null,
        out: flags.out,
        report: (text) => process.stderr.write(`${text}\n`),
      });
      if (flags.json) printJson({ ...result.profile.calibration, heldOut: result.heldOut, fidelity: result.fidelity });
      else process.stdout.write(calibrationText(result));
      const written = [join(flags.out, 'profile.json'), ...result.figures.flatMap(({ paths }) => paths)];
      process.stderr.write(`${written.join(', ')}\n`);
    });
}

function minutes(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('Give minutes, 0 or more; 0 is one model.');
  return value;
}
