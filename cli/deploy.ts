// `sparoa-gym deploy`: a schedule as a folder that anyone can run with ONNX Runtime alone.
import type { Command } from 'commander';
import { goalNamed, type ObjectiveName, objectiveNames } from '../agents/baselines/objective.js';
import { planIn, plannerNames } from '../agents/baselines/registry.js';
import { Rng } from '../base/random/rng.js';
import { deploy } from '../engine/runtime/deployment/deploy.js';
import { scenarioOf } from '../engine/scenario.js';
import { energyOf } from '../env/rewards/rewards.js';
import { loadModel } from '../models/load.js';
import { loadProfile } from '../predictor/profiles/profile.js';
import {
  energyText,
  inputOptions,
  type ModelFlags,
  modelOptions,
  nonNegativeInteger,
  objective,
  plannerNamed,
  printJson,
} from './options.js';

interface DeployFlags extends ModelFlags {
  readonly profile: string;
  readonly scheduler: string;
  readonly objective: ObjectiveName;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

export function deployCommand(program: Command): void {
  const command = program
    .command('deploy <model>')
    .description('write a schedule as a folder that runs with ONNX Runtime alone: annotated model, option, loaders')
    .requiredOption('--out <folder>', 'where to write')
    .option('--profile <uri>', 'device profile that the schedule is made for', 'profile://jetson-agx-orin')
    .option('--scheduler <name>', `who decides: ${plannerNames().join(', ')}`, 'optimum')
    .option('--objective <name>', `what it minimises: ${objectiveNames.join(', ')}`, objective, 'latency')
    .option('--seed <number>', 'seed of a scheduler that draws', nonNegativeInteger, 0);
  inputOptions(command)
    .option('--json', 'print as JSON')
    .action(async (uri: string, flags: DeployFlags) => {
      const { scheduler } = flags;
      const planner = plannerNamed(scheduler, 'deploy');
      const loaded = await loadModel(uri, modelOptions(flags));
      const scenario = scenarioOf(loaded, loadProfile(flags.profile));
      const { model, platform, graph, executor, costs, conditions } = scenario;
      // A session places each node whole.
      const goal = goalNamed(flags.objective, scenario) ?? undefined;
      const schedule = planIn(planner, scenario, { random: Rng.of(flags.seed, scheduler), whole: true, goal });
      const trace = executor.run(graph, schedule, conditions);
      const files = deploy(flags.out, {
        ...{ model, graph, trace, costs, scheduler },
        profileUri: platform.uri,
        notes: platform.notes ?? [],
      });
      const onGpu = schedule.share.reduce((count, share) => count + share, 0);
      const summary = { folder: flags.out, files, units: graph.units.length, onGpu, latencyMs: trace.makespanMs };
      const energyMj = energyOf(trace);
      if (flags.json) printJson({ ...summary, energyMj, kind: trace.kind, profileHash: platform.hash });
      else
        process.stdout.write(
          `${flags.out}: ${files.join(', ')}\n${onGpu} of ${graph.units.length} units on the GPU, ${trace.makespanMs.toPrecision(4)} ms${energyText(energyMj)} expected (${trace.kind}, profile ${platform.hash})\n`,
        );
    });
}
