// `sparoa-gym trace`: what a schedule does, event by event, as a file for ui.perfetto.dev.
import type { Command } from 'commander';
import { goalNamed, type ObjectiveName, objectiveNames } from '../agents/baselines/objective.js';
import { planIn, plannerNames } from '../agents/baselines/registry.js';
import { InputError, UsageError } from '../base/errors/input-error.js';
import { writeFileAtomic } from '../base/files/atomic.js';
import { Rng } from '../base/random/rng.js';
import { type PlatformOptions, platformUri } from '../engine/platform.js';
import { runWithEnergy } from '../engine/runtime/energy.js';
import { provenance } from '../engine/runtime/hardware.js';
import { openScenario } from '../engine/scenario.js';
import { chromeTrace } from '../engine/views/chrome-trace.js';
import { energyOf } from '../env/rewards/rewards.js';
import { requireMeters } from '../experiments/metered.js';
import {
  energyText,
  inputOptions,
  type ModelFlags,
  modelOptions,
  nonNegativeInteger,
  objective,
  plannerNamed,
  platformOptions,
  positiveInteger,
  printJson,
} from './options.js';

interface TraceFlags extends ModelFlags, PlatformOptions {
  readonly scheduler: string;
  readonly objective: ObjectiveName;
  readonly meter?: boolean;
  readonly serial?: boolean;
  readonly budget?: number;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

export function traceCommand(program: Command): void {
  const command = program
    .command('trace <model>')
    .description('execute a schedule and write its trace for ui.perfetto.dev or chrome://tracing')
    .option('--out <file>', 'where to write', 'trace.json')
    .option('--scheduler <name>', `who decides: ${plannerNames().join(', ')}`, 'heft')
    .option('--objective <name>', `what it minimises: ${objectiveNames.join(', ')}`, objective, 'latency')
    .option('--meter', 'on devices: measure the energy, by executing the schedule again for up to 6 s')
    .option('--serial', 'one unit at a time (default: devices overlap)')
    .option('--budget <bytes>', 'memory for what computes at the same time (default: no limit)', positiveInteger)
    .option('--seed <number>', 'seed of a scheduler that draws', nonNegativeInteger, 0);
  platformOptions(inputOptions(command), 'the simulator with profile://jetson-agx-orin')
    .option('--json', 'print as JSON')
    .action(async (uri: string, flags: TraceFlags) => {
      const { scheduler, budget = null } = flags;
      const planner = plannerNamed(scheduler, 'trace');
      const execution = flags.serial ? 'serial' : 'overlap';
      const scenario = await openScenario(uri, platformUri(flags), { ...modelOptions(flags), execution });
      const { graph, executor, platform } = scenario;
      try {
        const conditions = { ...scenario.conditions, memoryBudgetBytes: budget } as const;
        if (flags.meter && executor.kind === 'simulated')
          throw new UsageError(
            'trace: --meter measures devices, and this is a simulation.',
            'Give --executor and --devices.',
          );
        const sources = flags.meter ? requireMeters() : [];
        const planned = { ...scenario, conditions };
        const goal = goalNamed(flags.objective, planned) ?? undefined;
        const schedule = planIn(planner, planned, { random: Rng.of(flags.seed, scheduler), goal });
        const trace = runWithEnergy(executor, graph, schedule, conditions, sources);
        if ('error' in trace)
          throw new InputError(`trace: ${trace.error}.`, 'Choose another scheduler, devices or budget.');
        writeFileAtomic(flags.out, JSON.stringify(chromeTrace(graph, trace)));
        const { kind, makespanMs, profileHash, events } = trace;
        const energyMj = energyOf(trace);
        if (flags.json)
          printJson({
            file: flags.out,
            kind,
            execution,
            profile: platform.uri,
            profileHash,
            latencyMs: makespanMs,
            energyMj,
          });
        else
          process.stdout.write(
            `${flags.out}: ${events.length} events, ${makespanMs.toPrecision(4)} ms${energyText(energyMj)}, ${execution} execution, ${provenance({ kind, profile: platform.uri })}\n`,
          );
      } finally {
        executor.close();
      }
    });
}
