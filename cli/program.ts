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
  optimum: async () => (await import('./optimum.js')).optimumCommand,
  trace: async () => (await import('./trace.js')).traceCommand,
  explain: async () => (await import('./explain.js')).explainCommand,
  deploy: async () => (await import('./deploy.js')).deployCommand,
  batching: async () => (await import('./batching.js')).batchingCommand,
  validate: async () => (await import('./validate.js')).validateCommand,
  list: async () => (await import('./list.js')).listCommand,
  serve: async () => (await import('./serve.js')).serveCommand,
  job: async () => (await import('./job.js')).jobCommand,
};

/** The commands of the group `device`. Each also runs without the group's name, as it did before there was a group. */
export const deviceCommands: Readonly<Record<string, () => Promise<Register>>> = {
  profile: async () => (await import('./device/profile.js')).profileCommand,
  calibrate: async () => (await import('./device/calibrate.js')).calibrateCommand,
  fidelity: async () => (await import('./device/fidelity.js')).fidelityCommand,
  kit: async () => (await import('./device/kit.js')).kitCommand,
  'fit-profiles': async () => (await import('./device/fit-profiles.js')).fitProfilesCommand,
  telemetry: async () => (await import('./device/telemetry.js')).telemetryCommand,
};

/** Runs the command that the arguments name, and says of a failure why. Returns the exit code. */
export async function runCommandLine(given: readonly string[]): Promise<number> {
  const args = withGroup(given);
  const program = new Command('sparoa-gym')
    .description('A reinforcement-learning gym for CPU-GPU hybrid scheduling of DNN operators')
    .version(describeSystem().version)
    .exitOverride();
  const [name = '', nameInGroup = ''] = args;
  if (name === group) await register(deviceGroup(program), deviceCommands, nameInGroup);
  else {
    await register(program, commands, name);
    if (!own(commands, name)) deviceGroup(program);
    // So that "did you mean" knows the names without the group too; the help does not show them.
    if (isUnknown(name)) await register(program, deviceCommands, '');
  }
  refuseTwice(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error);
  }
}

const group = 'device';

function deviceGroup(program: Command): Command {
  return program
    .command(group)
    .description(`measure devices and make profiles of them: ${Object.keys(deviceCommands).join(', ')}`);
}

const isCommand = (name: string): boolean => name === group || own(commands, name) !== undefined;
const isUnknown = (name: string): boolean =>
  name !== '' && name !== 'help' && !name.startsWith('-') && !isCommand(name);

/** `device kit` for `kit`, and `device kit --help` for `help kit`. */
function withGroup(args: readonly string[]): readonly string[] {
  const [name = '', next = ''] = args;
  if (own(deviceCommands, name)) return [group, ...args];
  return name === 'help' && own(deviceCommands, next) ? [group, ...args] : args;
}

/** Adds the command of that name to `parent`; without a known name all of them, for the help and for "did you mean". */
async function register(parent: Command, table: typeof commands, name: string): Promise<void> {
  const named = own(table, name);
  for (const load of named ? [named] : Object.values(table)) (await load())(parent);
}

/** A value given twice is a contradiction: neither the first nor the last is what was meant. */
function refuseTwice(command: Command): void {
  for (const each of command.commands) refuseTwice(each);
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
