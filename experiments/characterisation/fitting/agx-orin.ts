// Jetson AGX Orin, GPU, from the subgraphs of whole networks that PyTorch ran one by one. What a kernel costs is the slope of
// latency over batch sizes (first campaign), where launches and harness cancel; what a launch costs is what remains of the
// latency at batch 1 (second campaign, the steadier one). The harness is in that remainder, so it is for `eager` alone.
import { join } from 'node:path';
import { median } from '../../../base/statistics/quantile.js';
import { type OrinSubgraph, readOrinSubgraphTable } from '../../../predictor/measurements/orin-subgraphs.js';
import type { Cases, ProfileFile, Sourced } from '../../../predictor/profiles/profile-schema.js';
import { variantOf } from './board-variant.js';
import { type Fit, fitted, type Residual, residual } from './fitted-profile.js';

const profile = 'jetson-agx-orin';
const modes = ['maxn', '50w', '30w', '15w'] as const;
const precisions = ['fp32', 'fp16'] as const;
const campaignData = 'github branes-ai/graphs, calibration_data, PyTorch 2.1';

/** Modules that each launch a kernel, and pass over their tensors. */
const pattern = /^(Conv2d|add)(_BatchNorm2d)?(_(ReLU|ReLU6|Hardswish|SiLU))?$/;

/** Rounds of assignment after which it is taken as it is; on the published data it settles within ten. */
const mostRounds = 50;

/** FLOP a byte of depthwise 3 x 3 and 5 x 5 convolutions at strides 1 and 2: no dense one of these networks has the same. */
const depthwiseIntensities = [2.25, 0.9, 6.25, 2.5];

interface Subgraph {
  readonly model: string;
  readonly kernels: number;
  readonly class: 'conv' | 'depthwise-conv' | 'elementwise';
  /** For each image. */
  readonly flops: number;
  readonly activationBytes: number;
  /** Smallest latency by batch size. */
  readonly minMs: ReadonlyMap<number, number>;
}

interface Rates {
  readonly bytesPerMs: number;
  readonly msPerFlop: Readonly<Record<Subgraph['class'], number>>;
}

/** @throws InputError when the published table cannot be read */
export function fitAgxOrin(folder: string, file: ProfileFile): Fit {
  const rows = readOrinSubgraphTable(join(folder, 'jetson', 'agx_orin_gpu_subgraphs.csv'));
  const residuals: Residual[] = [];
  const efficiencies: Record<'conv' | 'depthwise-conv', Sourced[]> = { conv: [], 'depthwise-conv': [] };
  const launches: Sourced[] = [];
  for (const mode of modes) {
    const launchMs: number[] = [];
    for (const precision of precisions) {
      const { ceiling, bytesPerMs } = variantOf(file, { mode, precision });
      const own = rows.filter((row) => row.powerMode === mode && row.precision === precision);
      const first = subgraphs(own.filter(({ campaign }) => !campaign.startsWith('jetson_orin_agx_')));
      const sized = first.filter(({ minMs }) => minMs.size >= 3);
      const rates = { bytesPerMs, msPerFlop: { ...kernelRates(sized, bytesPerMs), elementwise: 0 } };
      for (const opClass of ['conv', 'depthwise-conv'] as const)
        efficiencies[opClass].push(
          fitted(
            1 / rates.msPerFlop[opClass] / ceiling,
            '',
            { mode, precision },
            `${campaignData}, campaign of 7 February 2026, ${sized.filter((s) => s.class === opClass).length} ${opClass} subgraphs: FLOPs over slopes of latency by batch size (sums over those that arithmetic bounds), passes of normalisation and activation at the bandwidth of this profile taken off; over the ceiling`,
          ),
        );
      residuals.push(
        ...byModel(sized, 'marginal cost of an image', slopeMs, (s) => marginalMs(s, rates), { mode, precision }),
      );
      const steady = subgraphs(own.filter(({ campaign }) => campaign.startsWith('jetson_orin_agx_')));
      const each = steady.map((s) => (s.minMs.get(1)! - marginalMs(s, rates)) / s.kernels);
      launchMs.push(...each);
      const fixedMs = median(each);
      residuals.push(
        ...byModel(
          steady,
          'sum of subgraphs at batch 1',
          (s) => s.minMs.get(1)!,
          (s) => s.kernels * fixedMs + marginalMs(s, rates),
          { mode, precision },
        ),
      );
    }
    launches.push(
      fitted(
        1000 * median(launchMs),
        'us',
        { mode, launch: 'eager' },
        `${campaignData}, steadier campaign, batch 1, both precisions, ${launchMs.length} subgraphs of convolutions and additions: median of (latency - kernels) / operators; one synchronisation and the harness of each subgraph are in it`,
      ),
    );
  }
  const kept: Cases = file.devices[1].launch.filter(({ when }) => when?.launch !== 'eager');
  return {
    numbers: {
      'device1.efficiency.conv': efficiencies.conv,
      'device1.efficiency.depthwise-conv': efficiencies['depthwise-conv'],
      'device1.launch': [...launches, ...kept],
    },
    residuals,
  };
}

/** Those that are understood well enough to be fitted; each with its latencies by batch size. */
function subgraphs(rows: readonly OrinSubgraph[]): Subgraph[] {
  const bySubgraph = new Map<string, OrinSubgraph[]>();
  for (const row of rows) {
    const key = `${row.model} ${row.subgraph}`;
    if (pattern.test(row.fusionPattern)) bySubgraph.set(key, [...(bySubgraph.get(key) ?? []), row]);
  }
  return [...bySubgraph.values()].flatMap((own) => {
    const ordered = own.sort((a, b) => a.batch - b.batch);
    const [one] = ordered;
    if (one!.batch !== 1) return [];
    const isConv = one!.fusionPattern.startsWith('Conv2d');
    const last = ordered.at(-1)!;
    // Weights do not grow with the batch; at batch 1 alone they cannot be separated from the rest.
    const activationBytes = last.batch > 1 ? (last.bytes - one!.bytes) / (last.batch - 1) : one!.bytes;
    const intensity = one!.flops / activationBytes;
    const depthwise = depthwiseIntensities.some((known) => Math.abs(intensity / known - 1) < 0.02);
    return [
      {
        model: one!.model,
        kernels: one!.fusionPattern.split('_').length,
        class: isConv ? (depthwise ? 'depthwise-conv' : 'conv') : 'elementwise',
        flops: one!.flops,
        // The publication counts four bytes an element in half precision too.
        activationBytes: one!.precision === 'fp16' ? activationBytes / 2 : activationBytes,
        minMs: new Map(ordered.map(({ batch, minMs }) => [batch, minMs])),
      } satisfies Subgraph,
    ];
  });
}

/** Slope of latency over batch sizes, ms an image: least squares on relative errors; not less than 0. */
function slopeMs({ minMs }: Subgraph): number {
  const points = [...minMs];
  const weights = points.map(([, ms]) => 1 / ms ** 2);
  const total = weights.reduce((a, b) => a + b, 0);
  const mean = (value: (at: number) => number) =>
    weights.reduce((sum, weight, at) => sum + weight * value(at), 0) / total;
  const [x, y] = [mean((at) => points[at]![0]), mean((at) => points[at]![1])];
  const covariance = mean((at) => (points[at]![0] - x) * (points[at]![1] - y));
  return Math.max(0, covariance / mean((at) => (points[at]![0] - x) ** 2));
}

/** Normalisation and activation read and write a tensor of about half of the subgraph's bytes each; an addition's is a third. */
function passesMs({ class: opClass, kernels, activationBytes }: Subgraph, bytesPerMs: number): number {
  const bytes =
    opClass === 'elementwise' ? activationBytes * (1 + (kernels - 1) * (2 / 3)) : activationBytes * (kernels - 1);
  return bytes / bytesPerMs;
}

/** The roofline of the convolution, then the passes. */
function marginalMs(subgraph: Subgraph, { bytesPerMs, msPerFlop }: Rates): number {
  const passes = passesMs(subgraph, bytesPerMs);
  if (subgraph.class === 'elementwise') return passes;
  return passes + Math.max(subgraph.flops * msPerFlop[subgraph.class], subgraph.activationBytes / bytesPerMs);
}

/** ms a FLOP by class. */
const kernelRates = (sized: readonly Subgraph[], bytesPerMs: number): Record<'conv' | 'depthwise-conv', number> => ({
  conv: rateOf(sized, 'conv', bytesPerMs),
  'depthwise-conv': rateOf(sized, 'depthwise-conv', bytesPerMs),
});

/**
 * ms a FLOP of a class, beyond passes: of sums, so that what takes longest counts most, over the subgraphs that arithmetic bounds.
 * Which these are depends on the rate: begin with all, then assign and sum in turns.
 */
function rateOf(sized: readonly Subgraph[], opClass: Subgraph['class'], bytesPerMs: number): number {
  let own = sized.filter((s) => s.class === opClass);
  let rate = 0;
  for (let round = 0; round < mostRounds; round++) {
    const ms = own.reduce((sum, s) => sum + slopeMs(s) - passesMs(s, bytesPerMs), 0);
    rate = ms / own.reduce((sum, { flops }) => sum + flops, 0);
    const bound = own.filter(({ flops, activationBytes }) => flops * rate > activationBytes / bytesPerMs);
    if (bound.length === own.length || bound.length === 0) break;
    own = bound;
  }
  return rate;
}

function byModel(
  all: readonly Subgraph[],
  quantity: string,
  measured: (subgraph: Subgraph) => number,
  simulated: (subgraph: Subgraph) => number,
  where: { readonly mode: string; readonly precision: string },
): Residual[] {
  return [...new Set(all.map(({ model }) => model))].sort().map((model) => {
    const own = all.filter((s) => s.model === model);
    const sum = (value: (subgraph: Subgraph) => number) => own.reduce((total, s) => total + value(s), 0);
    return residual({ profile, ...where, quantity, model }, sum(measured), sum(simulated));
  });
}
