// `sparoa-gym device fidelity`: how well simulated latencies agree with measured ones.
import { join } from 'node:path';
import type { Command } from 'commander';
import { compareFidelity, type FidelityOptions } from '../../experiments/characterisation/fidelity/fidelity.js';
import { collect, count, nonNegativeInteger, oldName, printJson } from '../options.js';

interface FidelityFlags extends Omit<FidelityOptions, 'uris'> {
  readonly judge?: string;
  readonly json?: boolean;
}

export function fidelityCommand(program: Command): void {
  program
    .command('fidelity [profiles...]')
    .description(
      'compare simulated latencies with measured ones: of tables (table:///path/profile.json), and of device profiles on --models, with those of this machine or of a board kit; of predictors with those of --data',
    )
    .option('--kit <archive>', 'compare with what a kit measured on its board, in place of this machine')
    .addOption(oldName('--judge <archive>', 'kit'))
    .option(
      '--data <folder>',
      'compare predictors, pipelines and energy with the public measurements that the folder holds (docs/predictors.md)',
    )
    .option(
      '--models <model>',
      'compare device profiles, which `device calibrate` has written here, with this machine on this model (repeatable)',
      collect,
    )
    .option('--anew', 'measure the tables anew, between the two passes: for machines whose speed drifts')
    .option('--rounds <n>', 'times that each schedule is executed in each of two passes', count, 10)
    .option('--seed <number>', 'seed of the schedules', nonNegativeInteger, 0)
    .option('--out <folder>', 'where tables and figures go', join('results', 'fidelity'))
    .option('--json', 'print as JSON')
    .action(async (uris: readonly string[], { json, judge, ...flags }: FidelityFlags) => {
      const { report, markdown, paths } = await compareFidelity({ ...flags, uris, kit: flags.kit ?? judge });
      if (json) printJson(report);
      else process.stdout.write(markdown);
      process.stderr.write(`${paths.join(', ')}\n`);
    });
}
