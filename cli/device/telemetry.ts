// `sparoa-gym device telemetry`: what this machine reports about itself now, and what it does not, with the reason.
import { type Command, InvalidArgumentError } from 'commander';
import { observeMachine, telemetryText } from '../../engine/telemetry/observation.js';
import { printJson } from '../options.js';

export function telemetryCommand(program: Command): void {
  program
    .command('telemetry')
    .description('what can be read of load, memory, clocks, temperatures, power and energy on this machine')
    .option('--seconds <n>', 'time over which load and energy are taken', positiveSeconds, 1)
    .option('--json', 'print as JSON')
    .action(async ({ seconds, json }: { seconds: number; json?: boolean }) => {
      const telemetry = await observeMachine(seconds);
      if (json) printJson(telemetry);
      else process.stdout.write(telemetryText(telemetry));
    });
}

function positiveSeconds(text: string): number {
  const value = Number(text);
  // Node's timers hold 31 bits of milliseconds.
  if (!(value > 0 && value <= 86_400)) throw new InvalidArgumentError('Give seconds above 0 and at most 86400.');
  return value;
}
