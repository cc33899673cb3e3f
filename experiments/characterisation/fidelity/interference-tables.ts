// Errors of simulated pipelines and of CPU and GPU together as files. results/reference/fidelity/ holds those of the public data.
import { join } from 'node:path';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { writeCsv } from '../../../base/files/csv.js';
import { markdownRow } from '../../../base/files/markdown.js';
import { readPipelines } from '../../../predictor/measurements/better-together.js';
import { readPairThroughputs } from '../../../predictor/measurements/openvino.js';
import { type PairFidelity, pairFidelity } from './pair-fidelity.js';
import {
  type InterferenceFactor,
  type PipelineFidelity,
  type PipelinePrediction,
  type PipelineReport,
  pipelineFidelity,
  steadyError,
} from './pipeline-fidelity.js';

const rowColumns = [
  ...(['device', 'leftOut', 'model', 'schedules', 'steadyMedian', 'steady90', 'makespanMedian'] as const),
] as const satisfies readonly (keyof PipelineFidelity)[];
const predictionColumns = [
  ...(['device', 'application', 'schedule', 'leftOut', 'model', 'steadyMs', 'measuredSteadyMs'] as const),
  ...(['makespanMs', 'measuredMakespanMs'] as const),
] as const satisfies readonly (keyof PipelinePrediction)[];
const factorColumns = [
  ...(['device', 'processor', 'cause', 'by', 'factor', 'kind'] as const),
] as const satisfies readonly (keyof InterferenceFactor)[];
const pairColumns = [
  ...(['leftOut', 'chip', 'predictor', 'pairs', 'errorMedian', 'error90', 'losing', 'outcomeRight'] as const),
] as const satisfies readonly (keyof PairFidelity)[];

export interface Compared<Report> {
  readonly report: Report;
  readonly markdown: string;
  readonly paths: readonly string[];
}

/**
 * Pipelines in `folder` against simulated ones: `pipelines.csv`, `pipeline-schedules.csv`, `pipeline-factors.csv`, `pipelines.md`.
 * @throws InputError when a file cannot be read
 */
export function writePipelineFidelity(folder: string, target: string): Compared<PipelineReport> {
  const report = pipelineFidelity(readPipelines(folder));
  const path = (name: string) => join(target, name);
  const markdown = pipelineMarkdown(report);
  writeCsv(path('pipelines.csv'), rowColumns, report.rows);
  writeCsv(path('pipeline-schedules.csv'), predictionColumns, report.predictions.filter(isMain));
  writeCsv(path('pipeline-factors.csv'), factorColumns, report.factors);
  writeFileAtomic(path('pipelines.md'), markdown);
  return { report, markdown, paths: [path('pipelines.md')] };
}

/**
 * CPU and GPU together against each alone: `pairs.csv` and `pairs.md`.
 * @throws InputError when the file cannot be read
 */
export function writePairFidelity(file: string, target: string): Compared<readonly PairFidelity[]> {
  const report = pairFidelity(readPairThroughputs(file));
  const markdown = pairMarkdown(report);
  writeCsv(join(target, 'pairs.csv'), pairColumns, report);
  writeFileAtomic(join(target, 'pairs.md'), markdown);
  return { report, markdown, paths: [join(target, 'pairs.md')] };
}

/** Of the model whose factors are published. */
const isMain = ({ model }: PipelinePrediction): boolean => model === 'computing';

/** Schedules that are off by more are listed. */
const tail = 0.25;

function pipelineMarkdown({ rows, predictions }: PipelineReport): string {
  const far = predictions
    .filter((each) => isMain(each) && each.leftOut === 'schedule' && Math.abs(steadyError(each)) > tail)
    .sort((a, b) => Math.abs(steadyError(b)) - Math.abs(steadyError(a)));
  return [
    'Errors |ln(simulated / measured)| of pipelines that were left out of the fit: one schedule, or every schedule of an application.',
    'Time of a task in the steady state, median and 90 % over schedules, and makespan of 100 tasks. Each model has the causes of those above',
    'it too: *isolated* tables of stages; *clocks* of each processor and application; threads of others that are *waiting*; others',
    '*computing*; one *power* budget. *interference-table*: sums over times that were measured while all processors ran the same stage.',
    '',
    '| device | left out | model | schedules | steady time, median | 90 % | makespan, median |',
    '|---|---|---|---:|---:|---:|---:|',
    ...rows.map((row) =>
      markdownRow([
        ...[row.device, row.leftOut, row.model, row.schedules],
        ...[row.steadyMedian, row.steady90, row.makespanMedian].map((error) => error.toFixed(3)),
      ]),
    ),
    '',
    `Schedules that *computing* has wrong by more than ${tail}, the rest of their device known:`,
    '',
    '| device | application | schedule | simulated, ms | measured, ms | ln |',
    '|---|---|---|---:|---:|---:|',
    ...far.map((each) =>
      markdownRow([
        ...[each.device, each.application, each.schedule, each.steadyMs.toFixed(2), each.measuredSteadyMs.toFixed(2)],
        steadyError(each).toFixed(2),
      ]),
    ),
    '',
  ].join('\n');
}

function pairMarkdown(rows: readonly PairFidelity[]): string {
  return [
    'Throughput of CPU and integrated GPU together, predicted from each alone: errors |ln(predicted / measured)| of a model or chip that',
    'was left out. *Losing*: pairs slower together than the better device alone; *outcome*: pairs whose gain or loss is predicted.',
    '',
    '| left out | chip | predictor | pairs | error, median | 90 % | losing | outcome right |',
    '|---|---|---|---:|---:|---:|---:|---:|',
    // The rest is in pairs.csv.
    ...rows
      .filter(({ chip, predictor }) => chip === 'all' || predictor === 'chip-rates' || predictor === 'budget')
      .map((row) =>
        markdownRow([
          ...[row.leftOut, row.chip, row.predictor, row.pairs, row.errorMedian.toFixed(3), row.error90.toFixed(3)],
          ...[row.losing, row.outcomeRight].map((share) => share.toFixed(2)),
        ]),
      ),
    '',
  ].join('\n');
}
