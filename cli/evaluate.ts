// `sparoa-gym evaluate`: a trained policy's deterministic rollout, on its own or another model and platform.
import type { Command } from 'commander';
import type { PlannerName } from '../agents/baselines/registry.js';
import { rollout } from '../agents/train-loop.js';
import { Stream } from '../base/random/stream.js';
import { type ExecutorName, platformUri } from '../engine/platform.js';
import { parseHardwareUri } from '../engine/runtime/hardware.js';
import { openScenario } from '../engine/scenario.js';
import { shareEnvOf } from '../env/share/share-options.js';
import {
  type CellEnsemble,
  cellEnsemble,
  checkDrawable,
  ensembleCaution,
  ensembleCells,
  ensembleHeader,
  headroomSentence,
} from '../experiments/atlas/ensemble-schedules.js';
import { journalOf } from '../experiments/backends/crashes.js';
import { loadTrainedAgent } from '../experiments/job.js';
import {
  capturedHeadroom,
  judge,
  outcomesOf,
  plannedContenders,
  summarise,
  tracesOf,
  yardstickSchedulers,
  yardsticksOf,
} from '../experiments/statistics/aggregate.js';
import {
  count,
  inputOptions,
  type ModelFlags,
  modelOptions,
  platformOptions,
  printJson,
  provenance,
} from './options.js';
import { superviseHere } from './supervise.js';
import { textTable } from './table.js';

interface EvaluateFlags extends ModelFlags {
  readonly model?: string;
  readonly profile?: string;
  readonly executor?: ExecutorName;
  readonly devices?: string;
  readonly measurements: number;
  readonly ensemble?: number;
  readonly json?: boolean;
}

const yardsticks: readonly PlannerName[] = ['greedy', ...yardstickSchedulers];

export function evaluateCommand(program: Command): void {
  const command = program
    .command('evaluate <training>')
    .description('evaluate the policy in a training folder, on its own or another model, profile or devices')
    .option('--model <uri>', "model URI or path (default: the training's)");
  platformOptions(inputOptions(command), "the training's")
    .option('--measurements <n>', 'on devices: executions of each schedule, in turn', count, 20)
    .option(
      '--ensemble <members>',
      "execute the schedules by so many draws of the profile's uncertain numbers too",
      count,
    )
    .option('--json', 'print the result as JSON')
    .action(async (training: string, flags: EvaluateFlags) => {
      const { job, agent: load } = await loadTrainedAgent(training);
      const { executor, profile, devices } = flags;
      const platform = executor || profile || devices ? platformUri({ executor, profile, devices }) : job.profile;
      if (flags.ensemble) checkDrawable(platform);
      if (parseHardwareUri(platform) && (await superviseHere(training))) return;
      const options = { ...modelOptions(flags), journal: journalOf(training) };
      const scenario = await openScenario(flags.model ?? job.model, platform, options);
      try {
        const env = shareEnvOf(scenario, job.environment);
        const agent = await load(env);
        const policy = rollout(env, agent, job.seed);
        await agent.close();
        const { actions, decisionWallMs } = policy;
        const planned = yardsticks.flatMap((scheduler) => plannedContenders(scheduler, scenario, 1));
        const contenders = [
          { scheduler: job.learner, seed: job.seed, actions, decisionWallMs, training: null },
          ...planned,
        ];
        const measured = scenario.executor.kind === 'measured';
        const outcomes = outcomesOf(judge(env, contenders, measured ? flags.measurements : 1));
        const summaries = outcomes.map((outcome) => summarise(outcome, Stream.of(0, 'evaluate', outcome.scheduler)));
        const latencyOf = (scheduler: PlannerName) =>
          summaries[outcomes.findIndex((outcome) => outcome.scheduler === scheduler)]!.latencyMs;
        const { latencyMs, interval } = summaries[0]!;
        const best = yardsticksOf(scenario, outcomes);
        const result: Evaluation = {
          model: scenario.model.uri,
          profile: scenario.platform.uri,
          profileHash: scenario.platform.hash,
          kind: scenario.executor.kind,
          measurements: measured ? flags.measurements : 1,
          latencyMs,
          latencyMsLow: interval?.low ?? null,
          latencyMsHigh: interval?.high ?? null,
          return: policy.return,
          gapPercent: 100 * (latencyMs / best.bestMs - 1),
          capturedHeadroom: capturedHeadroom(latencyMs, best),
          yardsticks: {
            cpuOnlyMs: latencyOf('cpu-only'),
            gpuOnlyMs: latencyOf('gpu-only'),
            greedyMs: latencyOf('greedy'),
            optimumMs: latencyOf('optimum'),
          },
          ...(flags.ensemble && {
            ensemble: cellEnsemble(
              scenario,
              new Map(outcomes.map((outcome) => [outcome.scheduler, tracesOf(outcome)[0]!.schedule])),
              flags.ensemble,
            ),
          }),
        };
        if (flags.json) printJson(result);
        else process.stdout.write(summary(result));
      } finally {
        scenario.executor.close();
      }
    });
}

interface Evaluation {
  readonly model: string;
  readonly profile: string;
  readonly profileHash: string;
  readonly kind: 'simulated' | 'measured';
  /** Executions of each schedule. */
  readonly measurements: number;
  readonly latencyMs: number;
  readonly latencyMsLow: number | null;
  readonly latencyMsHigh: number | null;
  /** Of the rollout that made the schedule. */
  readonly return: number;
  /** To the provable optimum; of measured schedules, to the best of these. */
  readonly gapPercent: number;
  readonly capturedHeadroom: number | null;
  readonly ensemble?: CellEnsemble;
  readonly yardsticks: Readonly<Record<'cpuOnlyMs' | 'gpuOnlyMs' | 'greedyMs' | 'optimumMs', number>>;
}

function summary(result: Evaluation): string {
  const { kind, latencyMs, latencyMsLow, latencyMsHigh, measurements, yardsticks: others } = result;
  const captured =
    result.capturedHeadroom === null ? 'undefined (headroom < 2 %)' : `${(100 * result.capturedHeadroom).toFixed(1)} %`;
  const measured = kind === 'measured';
  const interval =
    latencyMsLow === null
      ? ''
      : ` [${latencyMsLow.toFixed(4)}, ${latencyMsHigh!.toFixed(4)}], median of ${measurements}`;
  const against = measured ? 'the best of these' : 'the optimum';
  return [
    `model     ${result.model}`,
    `profile   ${result.profile} (${result.profileHash})`,
    `latency   ${latencyMs.toFixed(4)} ms${interval}, ${provenance(result)}; gap to ${against} ${result.gapPercent.toFixed(2)} %; captured headroom ${captured}`,
    ...Object.entries(others).map(
      ([name, ms]) => `${name.replace(/Ms$/, '').padEnd(9)} ${ms.toFixed(4)} ms${measured ? ', measured' : ''}`,
    ),
    ...(result.ensemble ? ensembleLines(result.ensemble) : []),
    ...(measured ? ['optimum: of the measured costs of units and moves, not proven on the machine'] : []),
    '',
  ].join('\n');
}

function ensembleLines({ rows, headroom }: CellEnsemble): string[] {
  return [
    '',
    textTable(ensembleHeader, rows.map(ensembleCells)),
    `${headroomSentence(headroom)}. ${ensembleCaution(headroom.row.members)}`,
  ];
}
