// The command line but for its process. Each command is a file; this one puts them together and turns errors into exit
// codes: 0 done, 1 failed, 2 bad usage.
import { Command, CommanderError } from 'commander';
import { InputError, UsageError } from '../base/errors/input-error.js';
import { systemError } from '../base/errors/system-error.js';
import { own } from '../base/functions/own.js';
import { describeSystem } from '../experiments/results/system.js';
import { repeatable } from './options.js';

type Register = (program: Command) => void;

/** Each command's module is loaded only when it is called: learning and drawing libraries take seconds together. */
export const commands: Readonly<Record<string, () => Promise<Register>>> = {
  run: async () => (await import('./run.js')).runCommand,
  train: async () => (await import('./train.js')).trainCommand,
  evaluate: async () => (await import('./evaluate.js')).evaluateCommand,
  compare: async () => (await import('./compare.js')).compareCommand,
  atlas: async () => (await import('./atlas.js')).atlasCommand,
  inspect: async () => (await import('./inspect.js')).inspectCommand,
  profile: async () => (await import('./profile.js')).profileCommand,
  fidelity: async () => (await import('./fidelity.js')).fidelityCommand,
  calibrate: async () => (await import('./calibrate.js')).calibrateCommand,
  trace: async () => (await import('./trace.js')).traceCommand,
  kit: async () => (await import('./kit.js')).kitCommand,
  deploy: async () => (await import('./deploy.js')).deployCommand,
  batching: async () => (await import('./batching.js')).batchingCommand,
  'fit-profiles': async () => (await import('./fit-profiles.js')).fitProfilesCommand,
  validate: async () => (await import('./validate.js')).validateCommand,
  list: async () => (await import('./list.js')).listCommand,
  serve: async () => (await import('./serve.js')).serveCommand,
  telemetry: async () => (await import('./telemetry.js')).telemetryCommand,
  job: async () => (await import('./job.js')).jobCommand,
};

/** Runs the command that `args` name, and says of a failure why. Returns the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const program = new Command('sparoa-gym')
    .description('A reinforcement-learning gym for CPU-GPU hybrid scheduling of DNN operators')
    .version(describeSystem().version)
    .exitOverride();
  // Without a known command, all of them: for the help, and for "did you mean".
  const named = own(commands, args[0] ?? '');
  for (const load of named ? [named] : Object.values(commands)) (await load())(program);
  for (const command of program.commands) refuseTwice(command);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error);
  }
}

/** A value given twice is a contradiction: neither the first nor the last is what was meant. */
function refuseTwice(command: Command): void {
  const seen = new Set<string>();
  for (const option of command.options) {
    if (option.variadic || repeatable.has(option.parseArg)) continue;
    const name = option.name();
    command.on(`option:${name}`, () => {
      if (seen.has(name))
        throw new UsageError(`${command.name()}: --${name} is given twice, and is taken once.`, 'Give it once.');
      seen.add(name);
    });
  }
}

/** Says on standard error what failed; returns the exit code. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const input = error instanceof InputError ? error : systemError(error);
  if (input) {
    process.stderr.write(`${oneLine(input.problem)}\n${oneLine(input.remedy)}\n`);
    return input instanceof UsageError ? 2 : 1;
  }
  process.stderr.write(`${(error as Error).stack ?? error}\n`);
  return 1;
}

/** What the user can take in of a message; values in it may be of any length, and hold line breaks or a terminal's codes. */
const longestLine = 1000;

function oneLine(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  return plain.length <= longestLine
    ? plain
    : `${plain.slice(0, longestLine / 2)} ... ${plain.slice(-longestLine / 2)}`;
}
