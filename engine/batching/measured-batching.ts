// A model behind a request queue on this machine's devices. Its batch-latency curve is measured, then the same stream of requests
// is served for real with dynamic and with static batching.
import { InputError } from '../../base/errors/input-error.js';
import { Rng } from '../../base/random/rng.js';
import { textTable } from '../../base/text/table.js';
import { loadModel } from '../../models/load.js';
import { withBatch } from '../../models/uri.js';
import { type DevicePair, formatDevicePair } from '../runtime/devices/device-pair.js';
import { createSessionExecutor } from '../runtime/session/executor.js';
import { Schedule } from '../schedule.js';
import { latencyTable } from './curve.js';
import { type BatchPolicy, dynamicBatching, staticBatching } from './policies.js';
import { poissonArrivals, type QueueLog, serveQueue } from './queue.js';
import { type BatchPlan, measureBatchLatency, realServer } from './serve.js';
import { type BatchingSummary, batchingSummary } from './summary.js';

export interface BatchingOptions {
  readonly pair: DevicePair;
  /** Batch sizes that may be formed. */
  readonly batches: readonly number[];
  /** Requests per second; default 70 % of what the best batch size can serve. */
  readonly rate?: number | undefined;
  /** From arrival to answer, ms; default six times the latency of one request. */
  readonly budget?: number | undefined;
  /** Length of the stream. */
  readonly requests: number;
  readonly seed: number;
}

export interface PolicyResult extends BatchingSummary {
  readonly policy: string;
  readonly log: QueueLog;
}

export interface BatchingResult {
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

/**
 * Measures the model at each batch size and serves the stream with each policy in turn.
 * @throws InputError when the model cannot be loaded or run at one of the batch sizes
 */
export async function measureBatching(uri: string, options: BatchingOptions): Promise<BatchingResult> {
  const { pair } = options;
  const sizes = [...new Set(options.batches)].sort((a, b) => a - b);
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
      seed: options.seed,
      overheadDefinition,
      ...serve(best, options),
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
function serve(measured: readonly MeasuredPlan[], options: BatchingOptions) {
  const latencyMs = latencyTable(measured);
  const sizes = measured.map(({ batch }) => batch);
  const ratePerS = options.rate ?? 0.7 * Math.max(...measured.map((each) => (1000 * each.batch) / each.latencyMs));
  const budgetMs = options.budget ?? 6 * latencyMs(1);
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
    const arrivals = poissonArrivals(Rng.of(options.seed, 'arrivals'), ratePerS, options.requests);
    const log = serveQueue(arrivals, decide, latencyMs, realServer(measured.map(({ plan }) => plan)));
    return { policy, ...batchingSummary(log, budgetMs), log };
  });
  return { ratePerS, budgetMs, policies: results };
}

/** The curve, and a line for each policy. */
export function batchingText({ model, devices, curve, ratePerS, budgetMs, policies }: BatchingResult): string {
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
