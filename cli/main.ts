#!/usr/bin/env node
// The command line. Each command is a file; this one puts them together and turns errors into exit codes: 0 done,
// 1 failed, 2 bad usage.
import { Command, CommanderError } from 'commander';
import { InputError, UsageError } from '../base/errors/input-error.js';
import { describeSystem } from '../experiments/system.js';
import { atlasCommand } from './atlas.js';
import { evaluateCommand } from './evaluate.js';
import { inspectCommand } from './inspect.js';
import { jobCommand } from './job.js';
import { listCommand } from './list.js';
import { runCommand } from './run.js';
import { trainCommand } from './train.js';
import { validateCommand } from './validate.js';

const program = new Command('sparoa-gym')
  .description('A reinforcement-learning gym for CPU-GPU hybrid scheduling of DNN operators')
  .version(describeSystem().version)
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });
for (const command of [
  runCommand,
  trainCommand,
  evaluateCommand,
  atlasCommand,
  inspectCommand,
  validateCommand,
  listCommand,
  jobCommand,
]) {
  command(program);
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof InputError) {
    process.stderr.write(`${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
  process.stderr.write(`${(error as Error).stack ?? error}\n`);
  return 1;
}
