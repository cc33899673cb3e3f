// `sparoa-gym validate`: replays recorded episodes.
import type { Command } from 'commander';
import { InputError } from '../base/errors/input-error.js';
import { loadPlugins } from '../experiments/plugins.js';
import { validateTrajectories } from '../experiments/validate.js';
import { pluginOption, printJson } from './options.js';

export function validateCommand(program: Command): void {
  const command = program
    .command('validate <trajectories>')
    .description('replay every simulated row of a trajectories.csv; of measured rows check schedule and return');
  pluginOption(command)
    .option('--json', 'print the result as JSON')
    .action(async (path: string, { json, plugin = [] }: { json?: boolean; plugin?: readonly string[] }) => {
      await loadPlugins(plugin);
      const result = await validateTrajectories(path);
      if (json) printJson(result);
      if (result.failures.length > 0) {
        throw new InputError(
          `${result.failures.length} of ${result.rows} rows do not hold: ${result.failures[0]}`,
          'Replay with the version, model and profile that made the file.',
        );
      }
      if (json) return;
      const { rows, measured } = result;
      const replayed = measured < rows ? [`${rows - measured} rows replayed, all equal`] : [];
      const checked =
        measured > 0 ? [`${measured} measured rows: schedules and returns hold, latencies cannot be replayed`] : [];
      process.stdout.write(`${[...replayed, ...checked].join('\n')}\n`);
    });
}
