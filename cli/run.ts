// `sparoa-gym run`: an experiment config becomes a directory of results.
import { join } from 'node:path';
import type { Command } from 'commander';
import { readFields, runsOnHardware } from '../experiments/config.js';
import { loadPlugins } from '../experiments/plugins.js';
import { writePresentation } from '../experiments/report/presentation.js';
import { shellCommand } from '../experiments/report/shell.js';
import { noteSignals } from '../experiments/results/run-status.js';
import { run } from '../experiments/run.js';
import { variantsOf } from '../experiments/variants.js';
import { collect, count, pluginOption, positiveInteger, printJson } from './options.js';
import { createReporter } from './progress.js';
import { isSupervised, superviseHere } from './supervise.js';

interface RunFlags {
  readonly set?: readonly string[];
  readonly model?: readonly string[];
  readonly profile?: string;
  readonly out?: string;
  readonly parallel?: number;
  readonly ensemble?: number;
  readonly plugin?: readonly string[];
  readonly json?: boolean;
}

export function runCommand(program: Command): void {
  const command = program
    .command('run <config>')
    .description('run an experiment config: tables, figures and a report; run again to continue what was interrupted')
    .option('--set <path=value>', 'override a field: agent.gamma=0.95 (repeatable)', collect)
    .option('--model <uri>', "in place of the config's models (repeatable)", collect)
    .option('--profile <uri>', "in place of the config's profiles");
  pluginOption(command)
    .option('--out <folder>', 'where the results go (default: results/<name>)')
    .option('--parallel <n>', 'training processes side by side (default: one per core)', positiveInteger)
    .option(
      '--ensemble <members>',
      "execute final schedules by so many draws of the profile's uncertain numbers too",
      count,
    )
    .option('--json', 'print the rows of summary.csv as JSON')
    .action(async (configPath: string, flags: RunFlags) => {
      const fields = readFields(configPath, {
        ...(flags.set && { set: flags.set }),
        ...(flags.model && { models: flags.model }),
        ...(flags.profile && { profile: flags.profile }),
        ...(flags.plugin && { plugins: flags.plugin }),
      });
      if (flags.ensemble) fields.ensemble = flags.ensemble;
      if (Array.isArray(fields.plugins)) await loadPlugins(fields.plugins.map(String));
      const variants = variantsOf(fields, `config ${configPath}`);
      const directory = flags.out ?? join('results', variants[0]!.config.name);
      if (variants.some(({ config }) => runsOnHardware(config)) && (await superviseHere(directory))) return;
      const release = isSupervised() ? () => {} : noteSignals(directory);
      const reporter = createReporter();
      const results = await run({
        variants,
        directory,
        program: { executable: process.execPath, script: process.argv[1]! },
        command: shellCommand(['sparoa-gym', ...process.argv.slice(2)]),
        ...(flags.parallel && { parallel: flags.parallel }),
        reporter,
      }).finally(() => {
        reporter.close();
        release();
      });
      reporter.stage('drawing');
      const { reportPath, text } = await writePresentation(results);
      if (flags.json) printJson(results.summary);
      else process.stdout.write(`\n${text}\nReport: ${reportPath}\n`);
    });
}
