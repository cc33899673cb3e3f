// `sparoa-gym compare`: finished runs side by side, each as a variant of the first.
import { join } from 'node:path';
import type { Command } from 'commander';
import { compareRuns } from '../experiments/compare/compare.js';
import { loadPlugins } from '../experiments/plugins.js';
import { pluginOption, printJson } from './options.js';

interface CompareFlags {
  readonly out: string;
  readonly plugin?: readonly string[];
  readonly json?: boolean;
}

export function compareCommand(program: Command): void {
  const command = program
    .command('compare <runs...>')
    .description('join finished runs: paired differences to the first one, as between variants of one run');
  pluginOption(command)
    .option('--out <folder>', 'where the results go', join('results', 'compare'))
    .option('--json', 'print variants, what they do not have in common, and the rows of summary.csv as JSON')
    .action(async (runs: readonly string[], { out, plugin = [], json }: CompareFlags) => {
      await loadPlugins(plugin);
      const { text, ...comparison } = await compareRuns(runs, out);
      if (json) printJson(comparison);
      else process.stdout.write(`${text}\nResults: ${out}\n`);
    });
}
