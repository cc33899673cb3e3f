// `sparoa-gym run`: an experiment config becomes a directory of results.
import { join } from 'node:path';
import type { Command } from 'commander';
import { parseConfig, readFields } from '../experiments/config.js';
import { writePresentation } from '../experiments/report/presentation.js';
import { shellCommand } from '../experiments/report/shell.js';
import { latencyTerminal } from '../experiments/report/tables.js';
import { noteSignals } from '../experiments/results/run-status.js';
import { run } from '../experiments/run.js';
import { parseStreamConfig } from '../experiments/stream/config.js';
import { writeStreamReport } from '../experiments/stream/report.js';
import { runStreams } from '../experiments/stream/run.js';
import { streamTable } from '../experiments/stream/summary.js';
import { collect, count, printJson } from './options.js';
import { createReporter } from './progress.js';
import { isSupervised, superviseHere } from './supervise.js';

interface RunFlags {
  readonly set?: readonly string[];
  readonly model?: readonly string[];
  readonly profile?: string;
  readonly out?: string;
  readonly parallel?: number;
  readonly ensemble?: number;
  readonly json?: boolean;
}

export function runCommand(program: Command): void {
  program
    .command('run <config>')
    .description('run an experiment config: tables, figures and a report; run again to continue what was interrupted')
    .option('--set <path=value>', 'override a field: agent.gamma=0.95 (repeatable)', collect)
    .option('--model <uri>', "in place of the config's models (repeatable)", collect)
    .option('--profile <uri>', "in place of the config's profile")
    .option('--out <folder>', 'where the results go (default: results/<name>)')
    .option('--parallel <n>', 'training processes side by side (default: one per core)', count)
    .option(
      '--ensemble <members>',
      "execute final schedules by so many draws of the profile's uncertain numbers too",
      count,
    )
    .option('--json', 'print the rows of latency.csv as JSON')
    .action(async (configPath: string, flags: RunFlags) => {
      const fields = readFields(configPath, {
        ...(flags.set && { set: flags.set }),
        ...(flags.model && { models: flags.model }),
        ...(flags.profile && { profile: flags.profile }),
      });
      if (flags.ensemble) fields.ensemble = flags.ensemble;
      const where = `config ${configPath}`;
      const told = {
        program: { executable: process.execPath, script: process.argv[1]! },
        command: shellCommand(['sparoa-gym', ...process.argv.slice(2)]),
        ...(flags.parallel && { parallel: flags.parallel }),
      };
      if ('stream' in fields) {
        const config = parseStreamConfig(fields, where);
        const directory = flags.out ?? join('results', config.name);
        const release = noteSignals(directory);
        const reporter = createReporter();
        const results = await runStreams({ config, directory, ...told, reporter }).finally(() => {
          release();
          reporter.close();
        });
        const reportPath = await writeStreamReport(results);
        if (flags.json) printJson(results.rows);
        else process.stdout.write(`\n${streamTable(results.rows)}\nReport: ${reportPath}\n`);
        return;
      }
      const config = parseConfig(fields, where);
      const directory = flags.out ?? join('results', config.name);
      if (config.executor !== 'simulator' && (await superviseHere(directory))) return;
      const release = isSupervised() ? () => {} : noteSignals(directory);
      const reporter = createReporter();
      const results = await run({ config, directory, ...told, reporter }).finally(() => {
        release();
        reporter.close();
      });
      reporter.stage('drawing');
      const reportPath = await writePresentation(results);
      if (flags.json) printJson(results.rows);
      else process.stdout.write(`\n${latencyTerminal(results.rows)}\nReport: ${reportPath}\n`);
    });
}
