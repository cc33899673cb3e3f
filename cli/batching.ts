// `sparoa-gym batching`: a model behind a request queue on this machine's devices. Its batch-latency curve is measured, then
// the same stream of requests is served for real with dynamic and with static batching.
import { type Command, InvalidArgumentError } from 'commander';
import { InputError } from '../base/errors/input-error.js';
import { Rng } from '../base/random/rng.js';
import { textTable } from '../base/text/table.js';
import { latencyTable } from '../engine/batching/curve.js';
import { type BatchPolicy, dynamicBatching, staticBatching } from '../engine/batching/policies.js';
import { poissonArrivals, type QueueLog, serveQueue } from '../engine/batching/queue.js';
import { type BatchPlan, measureBatchLatency, realServer } from '../engine/batching/serve.js';
import { type BatchingSummary, batchingSummary } from '../engine/batching/summary.js';
import { type DevicePair, formatDevicePair, parseDevicePair } from '../engine/runtime/devices/device-pair.js';
import { defaultDevicePair } from '../engine/runtime/devices/probe.js';
import { createSessionExecutor } from '../engine/runtime/session/executor.js';
import { Schedule } from '../engine/schedule.js';
import { withBatch } from '../experiments/atlas/atlas.js';
import { loadModel } from '../models/load.js';
import { count, nonNegativeInteger, positiveIntegers, printJson } from './options.js';

interface BatchingFlags {
  readonly devices?: string;
  readonly batches: readonly number[];
  readonly rate?: number;
  readonly budget?: number;
  readonly requests: number;
  readonly seed: number;
  readonly json?: boolean;
}

interface PolicyResult extends BatchingSummary {
  readonly policy: string;
  readonly log: QueueLog;
}

interface BatchingResult {
  readonly model: string;
  readonly devices: string;
  readonly kind: 'measured';
  /** Each batch on the device that is faster at it. */
  readonly curve: readonly { readonly batch: number; readonly latencyMs: number; readonly device: string }[];
  readonly ratePerS: number;
  readonly budgetMs: number;
  readonly seed: number;
  readonly overheadDefinition: string;
  readonly policies: readonly PolicyResult[];
}

const overheadDefinition = 'ours: (time queued + forming + padding) / end-to-end time of the answered requests';

export function batchingCommand(program: Command): void {
  program
    .command('batching <model>')
    .description('serve a stream of requests on real devices, with dynamic and with static batching')
    .option('--devices <pair>', 'such as cpu:1+webgpu (default: a CPU and the best GPU found)')
    .option('--batches <list>', 'batch sizes to form', positiveIntegers, [1, 2, 4, 8])
    .option('--rate <n>', 'requests per second (default: 70 % of what the best batch size can serve)', positiveNumber)
    .option('--budget <ms>', 'from arrival to answer (default: six times the latency of one request)', positiveNumber)
    .option('--requests <n>', 'length of the stream', count, 300)
    .option('--seed <n>', 'seed of the arrivals', nonNegativeInteger, 0)
    .option('--json', 'print as JSON, with every request and batch')
    .action(async (model: string, flags: BatchingFlags) => {
      const result = await serveModel(model, flags);
      if (flags.json) printJson(result);
      else process.stdout.write(describe(result));
    });
}

async function serveModel(uri: string, flags: BatchingFlags): Promise<BatchingResult> {
  const pair = flags.devices === undefined ? defaultDevicePair() : parseDevicePair(flags.devices);
  const sizes = [...new Set(flags.batches)].sort((a, b) => a - b);
  const model = await loadModel(uri);
  const fixed = model.batchIsFree ? undefined : sizes.find((size) => size !== model.batch);
  if (fixed !== undefined) {
    throw new InputError(
      `batching: ${uri} has a fixed batch of ${model.batch}, so it cannot be run at ${fixed}.`,
      'Export it with a free batch dimension.',
    );
  }
  const plans: BatchPlan[] = [];
  try {
    for (const size of sizes) plans.push(...(await plansOf(withBatch(model.uri, size), pair)));
    const measured = measureBatchLatency(plans).map((point, i) => {
      const plan = plans[i]!;
      return { ...point, plan, device: pair[plan.schedule.share.includes(1) ? 1 : 0].id };
    });
    const best = sizes.map((size) => {
      const ofSize = measured.filter(({ batch }) => batch === size);
      return ofSize.reduce((least, each) => (each.latencyMs < least.latencyMs ? each : least));
    });
    return {
      model: model.uri,
      devices: formatDevicePair(pair),
      kind: 'measured',
      curve: best.map(({ batch, latencyMs, device }) => ({ batch, latencyMs, device })),
      seed: flags.seed,
      overheadDefinition,
      ...serve(best, flags),
    };
  } finally {
    for (const executor of new Set(plans.map((plan) => plan.executor))) executor.close();
  }
}

/** The model wholly on the one device and, where it is another, wholly on the other, but for what that cannot run. */
async function plansOf(uri: string, pair: DevicePair): Promise<BatchPlan[]> {
  const model = await loadModel(uri);
  const graph = model.graph('fused');
  const executor = createSessionExecutor(model, formatDevicePair(pair), { plans: 2 });
  const conditions = { seed: 0, execution: 'serial', mode: 'measured', load: null, memoryBudgetBytes: null } as const;
  const first = { executor, graph, conditions, schedule: Schedule.onDevice(graph, 0) };
  if (pair[0].id === pair[1].id) return [first];
  const supported = executor.supported(graph);
  const shares = graph.units.map(({ id }) => supported[2 * id + 1]!);
  return [first, { ...first, schedule: Schedule.of(graph, shares) }];
}

interface MeasuredPlan {
  readonly plan: BatchPlan;
  readonly batch: number;
  readonly latencyMs: number;
  readonly device: string;
}

/** Serves one stream of arrivals with each policy in turn. */
function serve(measured: readonly MeasuredPlan[], flags: BatchingFlags) {
  const latencyMs = latencyTable(measured);
  const sizes = measured.map(({ batch }) => batch);
  const ratePerS = flags.rate ?? 0.7 * Math.max(...measured.map((each) => (1000 * each.batch) / each.latencyMs));
  const budgetMs = flags.budget ?? 6 * latencyMs(1);
  const largest = Math.max(...sizes);
  const policies: Record<string, BatchPolicy> = {
    dynamic: dynamicBatching({ budgetMs, latencyMs, sizes }),
    ...Object.fromEntries(
      [...new Set([sizes[0]!, largest])].map((size) => [
        `static ${size}`,
        staticBatching({ size, timeoutMs: size === 1 ? 0 : budgetMs / 2 }),
      ]),
    ),
  };
  const results = Object.entries(policies).map(([policy, decide]): PolicyResult => {
    const arrivals = poissonArrivals(Rng.of(flags.seed, 'arrivals'), ratePerS, flags.requests);
    const log = serveQueue(arrivals, decide, latencyMs, realServer(measured.map(({ plan }) => plan)));
    return { policy, ...batchingSummary(log, budgetMs), log };
  });
  return { ratePerS, budgetMs, policies: results };
}

function describe({ model, devices, curve, ratePerS, budgetMs, policies }: BatchingResult): string {
  const percent = (fraction: number) => (100 * fraction).toFixed(1);
  return [
    `${model} on ${devices}, measured`,
    textTable(
      ['batch', 'ms', 'device'],
      curve.map(({ batch, latencyMs, device }) => [String(batch), latencyMs.toFixed(3), device]),
    ),
    `${ratePerS.toFixed(1)} requests/s, budget ${budgetMs.toFixed(2)} ms`,
    textTable(
      ['policy', 'served', 'late or dropped', 'served/s', 'mean batch', 'p50 ms', 'p99 ms', 'overhead %'],
      policies.map(({ policy, served, deadlineMisses, throughputPerS, meanTake, latencyMs, overhead }) => [
        policy,
        String(served),
        String(deadlineMisses),
        throughputPerS.toFixed(1),
        meanTake.toFixed(2),
        latencyMs.p50.toFixed(3),
        latencyMs.p99.toFixed(3),
        percent(overhead),
      ]),
    ),
    `overhead, ${overheadDefinition}`,
    '',
  ].join('\n');
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('Give a number above 0.');
  return value;
}
