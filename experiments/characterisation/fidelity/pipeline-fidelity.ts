// Measured pipelines against simulated ones: a schedule, or a whole application, is left out of the fit that predicts it.
import { median, quantile } from '../../../base/statistics/quantile.js';
import { simulatePipeline, steadyMsPerTask } from '../../../engine/simulator/pipeline/pipeline.js';
import { type MeasuredPipeline, measuredTasks } from '../../../predictor/measurements/better-together.js';
import { fitInterference, type Interference, interferenceModels, interferenceRate } from '../fitting/interference.js';

/** What predicts: sums over the authors' tables, alone, or with causes of interference added one after the other. */
export const pipelineModels = ['interference-table', ...interferenceModels] as const;
export type PipelineModel = (typeof pipelineModels)[number];

/** One schedule under one model; errors are ln(simulated / measured). */
export interface PipelinePrediction {
  readonly device: string;
  readonly application: string;
  readonly schedule: string;
  readonly leftOut: 'schedule' | 'application';
  readonly model: PipelineModel;
  readonly steadyMs: number;
  readonly measuredSteadyMs: number;
  readonly makespanMs: number;
  readonly measuredMakespanMs: number;
}

/** A row of `pipelines.csv`: absolute errors |ln(simulated / measured)| over schedules. */
export interface PipelineFidelity {
  /** `all`: of all devices together. */
  readonly device: string;
  readonly leftOut: PipelinePrediction['leftOut'];
  readonly model: PipelineModel;
  readonly schedules: number;
  readonly steadyMedian: number;
  readonly steady90: number;
  readonly makespanMedian: number;
}

/** A factor on time, fitted to every schedule of a device. */
export interface InterferenceFactor {
  readonly device: string;
  readonly processor: string;
  readonly cause: string;
  /** Processor or application that causes it; empty for the processor itself. */
  readonly by: string;
  readonly factor: number;
  readonly kind: 'fitted';
}

export interface PipelineReport {
  readonly rows: readonly PipelineFidelity[];
  readonly predictions: readonly PipelinePrediction[];
  readonly factors: readonly InterferenceFactor[];
}

/** Schedules that executed nothing have no error and are passed over; so is the left-out application of devices that ran only one. */
export function pipelineFidelity(measured: readonly MeasuredPipeline[]): PipelineReport {
  const pipelines = measured.filter(({ chunks }) => chunks.some(({ isolatedMs }) => isolatedMs > 0));
  const devices = [...new Set(pipelines.map(({ device }) => device))];
  const predictions: PipelinePrediction[] = [];
  const factors: InterferenceFactor[] = [];
  for (const device of devices) {
    const own = pipelines.filter((pipeline) => pipeline.device === device);
    for (const model of pipelineModels)
      predictions.push(...leftOutSchedules(model, own), ...leftOutApplications(model, own));
    factors.push(...factorsOf(device, fitInterference('computing', own)));
  }
  const rows = [...devices, 'all'].flatMap((device) =>
    (['schedule', 'application'] as const).flatMap((leftOut) =>
      pipelineModels.flatMap((model) => summary(device, leftOut, model, predictions)),
    ),
  );
  return { rows, predictions, factors };
}

/** Each predicted by the other schedules of its device, of both applications. */
function leftOutSchedules(model: PipelineModel, own: readonly MeasuredPipeline[]): PipelinePrediction[] {
  return own.map((pipeline) => {
    const fitted = fittedOn(model, () => own.filter((other) => other !== pipeline));
    return prediction(pipeline, model, 'schedule', fitted);
  });
}

function leftOutApplications(model: PipelineModel, own: readonly MeasuredPipeline[]): PipelinePrediction[] {
  const applications = [...new Set(own.map(({ application }) => application))];
  if (applications.length < 2) return [];
  return applications.flatMap((application) => {
    const fitted = fittedOn(model, () => own.filter((other) => other.application !== application));
    return own
      .filter((pipeline) => pipeline.application === application)
      .map((pipeline) => prediction(pipeline, model, 'application', fitted));
  });
}

function fittedOn(model: PipelineModel, training: () => readonly MeasuredPipeline[]): Interference {
  return model === 'interference-table' ? new Map() : fitInterference(model, training());
}

function prediction(
  pipeline: MeasuredPipeline,
  model: PipelineModel,
  leftOut: PipelinePrediction['leftOut'],
  interference: Interference,
): PipelinePrediction {
  const table = model === 'interference-table';
  const times = simulatePipeline({
    workMs: pipeline.chunks.map(({ isolatedMs, interferenceMs }) => (table ? interferenceMs : isolatedMs)),
    buffers: pipeline.buffers,
    tasks: measuredTasks,
    rate: interferenceRate(interference, table ? 'isolated' : model, pipeline),
  });
  return {
    device: pipeline.device,
    application: pipeline.application,
    schedule: pipeline.schedule,
    ...{ leftOut, model },
    steadyMs: steadyMsPerTask(times, measuredTasks),
    measuredSteadyMs: pipeline.steadyMs,
    makespanMs: times.makespanMs,
    measuredMakespanMs: pipeline.makespanMs,
  };
}

function summary(
  device: string,
  leftOut: PipelinePrediction['leftOut'],
  model: PipelineModel,
  predictions: readonly PipelinePrediction[],
): PipelineFidelity[] {
  const own = predictions.filter(
    (each) => (device === 'all' || each.device === device) && each.leftOut === leftOut && each.model === model,
  );
  if (own.length === 0) return [];
  const steady = own.map(steadyError).map(Math.abs);
  const makespan = own.map((each) => Math.abs(Math.log(each.makespanMs / each.measuredMakespanMs)));
  const [steadyMedian, steady90, makespanMedian] = [median(steady), quantile(steady, 0.9), median(makespan)];
  return [{ device, leftOut, model, schedules: own.length, steadyMedian, steady90, makespanMedian }];
}

/** ln(simulated / measured). */
export function steadyError({ steadyMs, measuredSteadyMs }: PipelinePrediction): number {
  return Math.log(steadyMs / measuredSteadyMs);
}

function factorsOf(device: string, interference: Interference): InterferenceFactor[] {
  return [...interference].map(([name, log]) => {
    const [processor, cause, by] = name.split('|') as [string, string, string];
    return { device, processor, cause, by, factor: Math.exp(log), kind: 'fitted' };
  });
}
