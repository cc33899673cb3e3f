// `sparoa-gym optimum`: what no schedule of a model can beat, whether it is an optimum or a lower bound, and the better device.
import type { Command } from 'commander';
import { canExhaust, exhaustPlacements } from '../agents/bounds/exhaustion.js';
import { boundOver, prepareBound, type ScenarioBound } from '../agents/bounds/scenario-bound.js';
import { evenShares } from '../agents/bounds/share-ranges.js';
import { didYouMean, InputError, UsageError } from '../base/errors/input-error.js';
import { provenance } from '../engine/runtime/hardware.js';
import { executions, openScenario, type Scenario } from '../engine/scenario.js';
import { bestSingleDeviceMs } from '../env/rewards/single-device.js';
import { inputOptions, type ModelFlags, modelOptions, printJson, wholeNumber } from './options.js';

interface OptimumFlags extends ModelFlags {
  readonly profile: string;
  readonly execution: string;
  readonly shares: number;
  readonly json?: boolean;
}

const sharesOption = wholeNumber(2, 101);

export function optimumCommand(program: Command): void {
  const command = program
    .command('optimum <model>')
    .description('what no schedule can beat on a simulated board: the provable optimum, or a lower bound, named so')
    .option('--profile <uri>', 'device profile', 'profile://jetson-agx-orin')
    .option('--execution <name>', 'serial or overlap', 'serial')
    .option(
      '--shares <count>',
      'shares that a unit may have, 0 and 1 among them: 11 are 0, 0.1, ..., 1',
      sharesOption,
      2,
    );
  inputOptions(command)
    .option('--json', 'print as JSON')
    .action(async (uri: string, { execution, profile, shares, json, ...flags }: OptimumFlags) => {
      const chosen = executions.find((name) => name === execution);
      if (!chosen)
        throw new UsageError(`optimum: the execution "${execution}" is unknown.`, didYouMean(execution, executions));
      await prepareBound(chosen);
      const scenario = await openScenario(uri, profile, { ...modelOptions(flags), execution: chosen });
      try {
        const found = boundsOf(scenario, shares);
        const { platform, model, graph } = scenario;
        const singleMs = bestSingleDeviceMs(scenario);
        const headroomPercent = 100 * (singleMs / found.objective - 1);
        if (json) {
          const { objective: boundMs, ...rest } = found;
          const { uri: profileUri, hash: profileHash } = platform;
          const shown = {
            model: model.uri,
            profile: profileUri,
            profileHash,
            execution,
            shares,
            units: graph.units.length,
          };
          printJson({ ...shown, ...rest, boundMs, singleMs, headroomPercent });
        } else process.stdout.write(textOf(found, singleMs, headroomPercent, scenario));
      } finally {
        scenario.executor.close();
      }
    });
}

/** The bound, and in overlap execution the best placement where there are few enough to play all. */
function boundsOf(scenario: Scenario, shares: number): ScenarioBound & { readonly exactMs?: number } {
  const { graph, executor, conditions, platform } = scenario;
  const bound = boundOver(scenario, evenShares(shares));
  if (!bound)
    throw new InputError(
      `optimum: nothing is proved of ${platform.uri} in ${conditions.execution} execution.`,
      'Name a device profile: measured models are bounded in serial execution only, and hardware is not at all.',
    );
  if (conditions.execution !== 'overlap' || shares > 2 || !canExhaust(graph)) return bound;
  const exact = exhaustPlacements(graph, executor, conditions);
  return exact ? { ...bound, exactMs: exact.makespanMs } : bound;
}

function textOf(
  { kind, objective, exactMs }: ReturnType<typeof boundsOf>,
  singleMs: number,
  headroomPercent: number,
  { platform, conditions, executor }: Scenario,
): string {
  const ms = (value: number) => `${value.toPrecision(4)} ms`;
  const name = kind === 'optimum' ? 'optimum' : 'lower bound';
  const exact = exactMs === undefined ? '' : `best placement in the model's order ${ms(exactMs)}\n`;
  return `${name} ${ms(objective)}, ${conditions.execution} execution, ${provenance({ kind: executor.kind, profile: platform.uri })}\n${exact}better single device ${ms(singleMs)}, ${headroomPercent.toFixed(1)} % over the ${name}\n`;
}
