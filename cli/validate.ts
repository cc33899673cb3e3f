// `sparoa-gym validate`: replays recorded episodes.
import type { Command } from 'commander';
import { InputError } from '../base/errors/input-error.js';
import { validateTrajectories } from '../experiments/trajectories.js';
import { printJson } from './options.js';

export function validateCommand(program: Command): void {
  program
    .command('validate <trajectories>')
    .description('replay every row of a trajectories.csv and compare its return and latency')
    .option('--json', 'print the result as JSON')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const result = await validateTrajectories(path);
      if (json) printJson(result);
      if (result.failures.length > 0) {
        throw new InputError(
          `${result.failures.length} of ${result.rows} rows do not hold: ${result.failures[0]}`,
          'Replay with the version, model and profile that made the file.',
        );
      }
      if (!json) process.stdout.write(`${result.rows} rows replayed, all equal\n`);
    });
}
