// Jetson Orin Nano, CPU and GPU, from whole networks that OpenCV measured on both. The networks are rebuilt from their published
// architectures, and whole networks determine few constants: the rates of dense and of depthwise convolutions on each device, and what
// a launch costs on the GPU. Everything else stays as the profile has it.
import { join } from 'node:path';
import type { OperatorGraph } from '../../../models/graph.js';
import { loadModel } from '../../../models/load.js';
import { wholeUnitMs } from '../../../predictor/cost-table.js';
import { nonNegativeLeastSquares } from '../../../predictor/latency/least-squares.js';
import { readOpenCvZoo } from '../../../predictor/measurements/opencv-zoo.js';
import { resolveProfile } from '../../../predictor/profiles/profile.js';
import type { Axes, Cases, Prior, ProfileFile } from '../../../predictor/profiles/profile-schema.js';
import { rooflineCosts } from '../../../predictor/profiles/roofline.js';
import { type Fit, fitted, type Residual, residual, withFit } from './fitted-profile.js';

const profile = 'jetson-orin-nano';
const board = 'Jetson Nano Orin';
const axes: Axes = { mode: '15w', precision: 'fp32', launch: 'runtime', transfer: 'direct' };

const scaledPrior: Prior = {
  distribution: 'log-normal',
  factor: 1.3,
  source: 'largest residual of whole fp32 networks left out of the fit at 15 W',
};

/** Files of the zoo and the same architecture here. */
const rebuilt: Readonly<Record<string, string>> = {
  'image_classification_mobilenetv1_2022apr.onnx': 'model://mobilenetv1',
  'image_classification_mobilenetv2_2022apr.onnx': 'model://mobilenetv2',
  'image_classification_ppresnet50_2022jan.onnx': 'model://resnet50-vd',
  'object_detection_yolox_2022nov.onnx': 'model://yolox-s',
  // 160 x 120 pixels, which its wrapper pads to multiples of 32.
  'face_detection_yunet_2023mar.onnx': 'model://yunet?size=160&height=128',
};

export interface ZooNetwork {
  readonly model: string;
  readonly graph: OperatorGraph;
  /** Median of the whole network, ms: on the CPU, and on the GPU by precision. */
  readonly cpuMs: number;
  readonly gpuMs: Readonly<Record<'fp32' | 'fp16', number>>;
}

/** @throws InputError when the benchmark page cannot be read; a network that it lacks is left out */
export async function zooNetworks(page: string): Promise<ZooNetwork[]> {
  const rows = readOpenCvZoo(page).filter(({ device }) => device === board);
  const networks: ZooNetwork[] = [];
  for (const [file, model] of Object.entries(rebuilt)) {
    const ms = (target: string) => rows.find((row) => row.file === file && row.target === target)?.medianMs;
    const [cpuMs, fp32, fp16] = [ms('cpu'), ms('cuda-fp32'), ms('cuda-fp16')];
    if (cpuMs === undefined || fp32 === undefined || fp16 === undefined) continue;
    networks.push({ model, graph: (await loadModel(model)).graph('fused'), cpuMs, gpuMs: { fp32, fp16 } });
  }
  return networks;
}

/** @throws InputError when the benchmark page cannot be read */
export async function fitOrinNano(folder: string, file: ProfileFile): Promise<Fit> {
  const networks = await zooNetworks(join(folder, 'jetson', 'raw', 'opencv_zoo_benchmark_excerpt.md'));
  const numbers = fitNetworks(networks, file);
  const residuals: Residual[] = [];
  const compare = (all: readonly ZooNetwork[], candidate: ProfileFile, suffix: string) => {
    for (const network of all)
      for (const [device, precision, measuredMs] of [
        [0, 'fp32', network.cpuMs],
        [1, 'fp32', network.gpuMs.fp32],
        [1, 'fp16', network.gpuMs.fp16],
      ] as const) {
        const quantity = `network on the ${device === 0 ? 'CPU' : 'GPU'}${suffix}`;
        const where = { profile, mode: axes.mode, precision, quantity, model: network.model };
        residuals.push(residual(where, measuredMs, networkMs(network.graph, candidate, precision, device)));
      }
  };
  compare(networks, withFit(file, { numbers }), '');
  for (const left of networks) {
    const others = networks.filter((network) => network !== left);
    compare([left], withFit(file, { numbers: fitNetworks(others, file) }), ', left out');
  }
  return { numbers, residuals };
}

/** Every unit on one device, launched as the profile says. */
function networkMs(graph: OperatorGraph, file: ProfileFile, precision: 'fp32' | 'fp16', device: 0 | 1): number {
  const costs = rooflineCosts(graph, resolved(file, precision));
  return graph.units.reduce((sum, { id }) => sum + wholeUnitMs(costs, id, device), 0);
}

const resolved = (file: ProfileFile, precision: 'fp32' | 'fp16') =>
  resolveProfile(
    { file, uri: () => '', axes: {}, overrides: new Map(), unsupported: [], member: null },
    { ...axes, precision },
  );

const fittedClasses = ['conv', 'depthwise-conv'] as const;

/**
 * time = launches + FLOPs / rate of each class + what the profile says of all other units, by least squares on relative errors. The
 * CPU's launch stays as it was measured: whole networks hardly depend on it.
 */
function fitNetworks(networks: readonly ZooNetwork[], file: ProfileFile): Record<string, Cases> {
  const numbers: Record<string, Cases> = {};
  const launches: number[] = [];
  const rates = (device: 0 | 1, precision: 'fp32' | 'fp16') => {
    const measured = (network: ZooNetwork) => (device === 0 ? network.cpuMs : network.gpuMs[precision]);
    const relative = (value: (network: ZooNetwork) => number) =>
      Float64Array.from(networks, (network) => value(network) / measured(network));
    const variant = resolved(file, precision);
    const columns = fittedClasses.map((opClass) =>
      relative(({ graph }) => graph.units.reduce((sum, unit) => sum + (unit.opClass === opClass ? unit.flops : 0), 0)),
    );
    const known = relative(({ graph }) => {
      const costs = rooflineCosts(graph, variant);
      return graph.units.reduce((sum, { id, opClass }) => {
        const kernelMs = fittedClasses.some((own) => own === opClass) ? 0 : costs.unitMs(id, device, 1);
        return sum + kernelMs + (device === 0 ? variant.devices[0].launchMs : 0);
      }, 0);
    });
    if (device === 1) columns.push(relative(({ graph }) => graph.units.length));
    const [conv, depthwise, launchMs] = nonNegativeLeastSquares(
      columns,
      known.map((value) => 1 - value),
    );
    if (launchMs !== undefined) launches.push(launchMs);
    const ceiling = ceilingOf(file, precision, device);
    return { conv: 1 / conv! / ceiling, 'depthwise-conv': 1 / depthwise! / ceiling };
  };
  const source = `github opencv/opencv_zoo, benchmark/README.md, ${board}, OpenCV DNN: least squares on the medians of ${networks.length} whole networks, rebuilt from their architectures`;
  const scaled = `as at 15 W, where whole networks were measured: ${source}; over the ceiling of this mode`;
  const [cpu, gpu32, gpu16] = [rates(0, 'fp32'), rates(1, 'fp32'), rates(1, 'fp16')];
  for (const opClass of fittedClasses) {
    numbers[`device0.efficiency.${opClass}`] = [
      fitted(cpu[opClass], '', { mode: '15w' }, `${source}; over the ceiling`),
      { ...fitted(cpu[opClass], '', { mode: '7w' }, scaled), kind: 'derived', prior: scaledPrior },
    ];
    numbers[`device1.efficiency.${opClass}`] = (
      [
        ['fp32', gpu32],
        ['fp16', gpu16],
      ] as const
    ).flatMap(([precision, values]) => [
      fitted(values[opClass], '', { mode: '15w', precision }, `${source}; over the ceiling`),
      {
        ...fitted(values[opClass], '', { mode: '7w', precision }, scaled),
        kind: 'derived' as const,
        prior: scaledPrior,
      },
    ]);
  }
  const launchUs = (1000 * launches.reduce((a, b) => a + b, 0)) / launches.length;
  const eager = (mode: string) => resolveEager(file, mode);
  numbers['device1.launch'] = [
    ...file.devices[1].launch.filter(({ when }) => when?.launch !== 'runtime'),
    fitted(launchUs, 'us', { mode: '15w', launch: 'runtime' }, `${source}; mean of fp32 and fp16`),
    {
      ...fitted(
        (launchUs * eager('7w')) / eager('15w'),
        'us',
        { mode: '7w', launch: 'runtime' },
        `at 15 W, times the ratio of launches by PyTorch, 7 W / 15 W: ${source}`,
      ),
      kind: 'derived',
      prior: {
        distribution: 'log-normal',
        factor: 1.5,
        source: 'AGX Orin: launches per operator differ by up to 1.5 times between kinds of subgraphs of one mode',
      },
    },
  ];
  return numbers;
}

function resolveEager(file: ProfileFile, mode: string): number {
  return resolveProfile(
    { file, uri: () => '', axes: {}, overrides: new Map(), unsupported: [], member: null },
    { ...axes, mode, launch: 'eager' },
  ).devices[1].launchMs;
}

/** FLOP/ms without any efficiency. */
function ceilingOf(file: ProfileFile, precision: 'fp32' | 'fp16', device: 0 | 1): number {
  const bare = structuredClone(file);
  bare.devices[device].efficiency = {};
  return resolved(bare, precision).devices[device].flopPerMs.conv;
}
