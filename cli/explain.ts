// `sparoa-gym explain`: why a schedule is as fast as it is, and what would have to be true for another one to win.
import { type Command, Option } from 'commander';
import { plannerNames } from '../agents/baselines/registry.js';
import { explain } from '../agents/explain/explain.js';
import { explanationText } from '../agents/explain/explanation-text.js';
import { UsageError } from '../base/errors/input-error.js';
import { writeFileAtomic } from '../base/files/atomic.js';
import type { Conditions } from '../engine/conditions.js';
import { executions } from '../engine/scenario.js';
import { inputOptions, type ModelFlags, modelOptions, plannerNamed, printJson } from './options.js';

interface ExplainFlags extends ModelFlags {
  readonly profile: string;
  readonly execution: Conditions['execution'];
  readonly schedule?: string;
  readonly figure?: string;
  readonly json?: string | true;
}

export function explainCommand(program: Command): void {
  const command = program
    .command('explain <model>')
    .description('why a schedule is as fast as it is: costs, moves, and what would change the winner')
    .option('--profile <uri>', 'device profile, or table:// of a measured model', 'profile://jetson-agx-orin')
    .addOption(new Option('--execution <name>', 'serial or overlap').choices(executions).default('serial'))
    .option('--schedule <name>', `what to explain: ${plannerNames().join(', ')} (default: the winner)`);
  inputOptions(command)
    .option('--figure <file.svg>', 'draw it')
    .option('--json [file]', 'print as JSON, or write it to a file')
    .action(async (uri: string, { profile, execution, schedule, figure, json, ...input }: ExplainFlags) => {
      if (schedule !== undefined) plannerNamed(schedule, 'explain');
      if (figure !== undefined && !figure.endsWith('.svg'))
        throw new UsageError(`explain: --figure is "${figure}".`, 'Give a file that ends in .svg.');
      const explanation = await explain(uri, profile, { ...modelOptions(input), execution, schedule });
      if (figure !== undefined) {
        const { explanationFigure } = await import('../experiments/report/figures/explanation.js');
        const { render } = await import('../experiments/report/figures/render.js');
        writeFileAtomic(figure, (await render(explanationFigure(explanation).spec)).svg);
      }
      if (typeof json === 'string') writeFileAtomic(json, `${JSON.stringify(explanation)}\n`);
      if (json === true) printJson(explanation);
      else process.stdout.write(explanationText(explanation));
    });
}
