// `sparoa-gym evaluate`: a trained policy's deterministic rollout, on its own or another model and profile.
import type { Command } from 'commander';
import { rollout } from '../agents/train-loop.js';
import { openScenario } from '../env/scheduling/scenario.js';
import { shareEnvOf } from '../env/scheduling/share-options.js';
import { capturedHeadroom, planOutcome } from '../experiments/aggregate.js';
import { loadTrainedAgent } from '../experiments/job.js';
import { traceOf } from '../experiments/trajectories.js';
import { inputOption, type ModelFlags, modelOptions, printJson, shapeOption } from './options.js';

interface EvaluateFlags extends ModelFlags {
  readonly model?: string;
  readonly profile?: string;
  readonly json?: boolean;
}

export function evaluateCommand(program: Command): void {
  program
    .command('evaluate <training>')
    .description('evaluate the policy in a training folder, on its own or another model or profile')
    .option('--model <uri>', "model URI or path (default: the training's)")
    .option('--shape <name=dims>', 'shape of an input: x=1,3,48,320 (repeatable)', shapeOption)
    .option('--input <[name=]file>', 'input values, .npy or .png (repeatable)', inputOption)
    .option('--profile <uri>', "device profile (default: the training's)")
    .option('--json', 'print the result as JSON')
    .action(async (training: string, flags: EvaluateFlags) => {
      const { job, agent: load } = await loadTrainedAgent(training);
      const scenario = await openScenario(flags.model ?? job.model, flags.profile ?? job.profile, modelOptions(flags));
      const env = shareEnvOf(scenario, job.environment);
      const agent = await load(env);
      const episode = rollout(env, agent, job.seed);
      await agent.close();
      const latencyOf = (name: 'cpu-only' | 'gpu-only' | 'greedy' | 'optimum') =>
        planOutcome(name, scenario, env, job.environment, 1).traces[0]!.makespanMs;
      const [cpuMs, gpuMs, greedyMs, optimumMs] = [
        latencyOf('cpu-only'),
        latencyOf('gpu-only'),
        latencyOf('greedy'),
        latencyOf('optimum'),
      ];
      const latencyMs = traceOf(episode.info).makespanMs;
      const result = {
        model: scenario.model.uri,
        profile: scenario.profile.uri,
        profileHash: scenario.profile.hash,
        kind: 'simulated',
        latencyMs,
        return: episode.return,
        gapPercent: 100 * (latencyMs / optimumMs - 1),
        capturedHeadroom: capturedHeadroom(latencyMs, { bestSingleMs: Math.min(cpuMs, gpuMs), optimumMs }),
        yardsticks: { cpuOnlyMs: cpuMs, gpuOnlyMs: gpuMs, greedyMs, optimumMs },
      };
      if (flags.json) printJson(result);
      else process.stdout.write(summary(result));
    });
}

function summary(result: {
  model: string;
  profile: string;
  profileHash: string;
  latencyMs: number;
  gapPercent: number;
  capturedHeadroom: number | null;
  yardsticks: Record<string, number>;
}): string {
  const { yardsticks } = result;
  const captured =
    result.capturedHeadroom === null ? 'undefined (headroom < 2 %)' : `${(100 * result.capturedHeadroom).toFixed(1)} %`;
  return [
    `model     ${result.model}`,
    `profile   ${result.profile} (${result.profileHash})`,
    `latency   ${result.latencyMs.toFixed(4)} ms, simulated; gap to the optimum ${result.gapPercent.toFixed(2)} %; captured headroom ${captured}`,
    ...Object.entries(yardsticks).map(([name, ms]) => `${name.replace(/Ms$/, '').padEnd(9)} ${ms.toFixed(4)} ms`),
    '',
  ].join('\n');
}
