// Profiles made on a board without this package, by trtexec or by ONNX Runtime itself: their layers and kernels are found
// among a model's units by name. What cannot be found is reported by name and share of time, and never guessed.
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { readJson } from '../../base/files/json.js';
import { median } from '../../base/statistics/quantile.js';
import { fitMove } from '../../engine/runtime/measuring/measured-costs.js';
import { attest, unitNames, unitOfKernel } from '../../engine/runtime/session/attest.js';
import { lastRun, type ProfileEvent, type RunProfile } from '../../engine/runtime/session/profile.js';
import { hardwareGranularity } from '../../engine/scenario.js';
import { readOnnxFile } from '../../models/files/onnx-file.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { LoadedModel } from '../../models/load.js';
import { isReformat, layerParts, type TrtexecFiles, trtNetwork } from '../../predictor/measurements/trtexec.js';
import type { KernelTime } from '../../predictor/tables/unit-times.js';
import { describeSystem } from '../results/system.js';
import type { ModelMeasurement } from './profiling.js';

export interface ImportedProfile {
  /**
   * Kernels, and the whole model's latency. Units have no times of their own and no tensor moved: `lane` is null everywhere,
   * `moves` is empty and `fittedMoves` says nothing. Date and machine are `unknown`, `rounds` is 0 where the file does not say.
   */
  readonly profile: ModelMeasurement;
  /** Time of layers and kernels by what became of them, in ms. */
  readonly totalMs: number;
  readonly mappedMs: number;
  /** Copies and changes of layout between layers, which belong to no unit. */
  readonly reformatMs: number;
  /** Null where the file does not say. */
  readonly precision: 'fp32' | 'fp16' | null;
  readonly unmapped: readonly {
    readonly name: string;
    readonly ms: number;
    readonly share: number;
    readonly reason: string;
  }[];
}

type Made = Pick<ModelMeasurement, 'devices' | 'kernels' | 'wholeMs' | 'rounds' | 'warmUpRounds'> &
  Pick<ImportedProfile, 'reformatMs' | 'precision'> & {
    readonly unmapped: readonly { readonly name: string; readonly ms: number; readonly reason: string }[];
  };

/**
 * A profile of device 1 under TensorRT. A layer that runs nodes of several units is a kernel of all of them.
 * @param model the file that trtexec was given, or the model whose kit it was
 * @throws InputError when the profile has no layers, or none of them is the model's
 */
export function importTrtexec(model: LoadedModel, files: TrtexecFiles): ImportedProfile {
  const graph = model.graph(hardwareGranularity);
  const { layers, wholeMs, runs, precision } = trtNetwork(files);
  const unitsOf = unitsByName(model, graph);
  const kernels: KernelTime[] = [];
  const unmapped: { name: string; ms: number; reason: string }[] = [];
  let reformatMs = 0;
  for (const { name, ms, nodes } of layers) {
    if (isReformat(name)) {
      reformatMs += ms;
      continue;
    }
    const parts = nodes ?? layerParts(name, (part) => unitsOf.has(part));
    const unknown = parts.find((part) => !unitsOf.has(part));
    const units = [...new Set(parts.flatMap((part) => unitsOf.get(part) ?? []))].sort((a, b) => a - b);
    if (unknown !== undefined) unmapped.push({ name, ms, reason: `the model has no node "${unknown}"` });
    else if (units.length === 0) unmapped.push({ name, ms, reason: 'its nodes are folded away in the graph' });
    else kernels.push({ device: 1, units, ms });
  }
  return imported(model, graph, {
    devices: 'cpu:1+tensorrt:0',
    kernels,
    wholeMs: [null, wholeMs],
    rounds: runs ?? 0,
    warmUpRounds: 0,
    reformatMs,
    precision,
    unmapped,
  });
}

/** Units by the names of their nodes, as in the graph and as TensorRT calls nodes without a name; nodes of the file that the graph no longer has belong to none. */
function unitsByName(model: LoadedModel, graph: OperatorGraph): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const { name, output } of readOnnxFile(model.path).model.graph!.node) {
    found.set(name, []);
    if (output[0]) found.set(`node_of_${output[0]}`, []);
  }
  for (const { id, nodes, outputs } of graph.units) {
    for (const node of nodes) found.set(node, [id]);
    for (const tensor of outputs) found.set(`node_of_${graph.tensors[tensor]!.name}`, [id]);
  }
  return found;
}

const events = z.array(
  z.looseObject({
    cat: z.string(),
    name: z.string(),
    ts: z.number(),
    dur: z.number(),
    args: z.looseObject({ op_name: z.string().optional(), provider: z.string().optional() }).optional(),
  }),
);

/**
 * A profile from ONNX Runtime's own (`enable_profiling`): medians over its runs but the first, which warms up, where there are
 * several. Kernels on the CPU are device 0's, others device 1's.
 * @throws InputError when the file is no such profile, holds no run, none of its kernels is the model's, or it has kernels of a
 * GPU without their times there: the host's are those of launching.
 */
export function importOrtProfile(model: LoadedModel, path: string): ImportedProfile {
  const graph = model.graph(hardwareGranularity);
  const recorded = readJson(path, events, 'Give a profile as ONNX Runtime writes it.');
  const runs = runsOf(recorded, path);
  const { kernels: all } = runs[0]!;
  const other = all.filter(({ device }) => device === 1);
  if (other.length > 0 && other.every(({ deviceMs }) => deviceMs === null)) {
    throw new InputError(
      `${path}: says when ${other.length} kernels were launched on the GPU, not how long they took there.`,
      'Profile with trtexec, or measure units with a kit: ONNX Runtime times CUDA kernels only where it is built so.',
    );
  }
  // Runs of one session have the same kernels in the same order.
  const same = runs.filter(({ kernels }) => kernels.length === all.length);
  const kernels = all.map((kernel, i) => ({
    ...kernel,
    ms: median(same.map((run) => run.kernels[i]!).map(({ deviceMs, startMs, endMs }) => deviceMs ?? endMs - startMs)),
  }));
  const names = unitNames(graph, graph);
  const deviceOf = new Map(kernels.map((kernel) => [unitOfKernel(names, kernel), kernel.device]));
  const booked = attest(names, kernels, (unit) => deviceOf.get(unit) ?? (other.length > 0 ? 1 : 0));
  const unitsOf = kernels.map((kernel, i) =>
    'error' in booked ? [unitOfKernel(names, kernel) ?? []].flat() : booked.unitsOf[i]!,
  );
  const lost = kernels.filter((_, i) => unitsOf[i]!.length === 0);
  const isCopy = ({ opType }: { readonly opType: string }): boolean => /^Memcpy|^Reorder(Input|Output)$/.test(opType);
  const wholeMs = median(same.map(({ endMs }) => endMs));
  const used = new Set(kernels.map(({ device }) => device));
  return imported(model, graph, {
    devices: `cpu:1+${used.has(1) ? gpuOf(recorded, path) : 'cpu:1'}`,
    kernels: kernels.flatMap(({ device, ms }, i) =>
      unitsOf[i]!.length > 0 ? [{ device, units: unitsOf[i]!, ms }] : [],
    ),
    wholeMs: used.size > 1 ? [null, null] : used.has(1) ? [null, wholeMs] : [wholeMs, null],
    rounds: same.length,
    warmUpRounds: recorded.filter(({ name }) => name === 'model_run').length - runs.length,
    reformatMs: sumMs(lost.filter(isCopy)),
    precision: null,
    unmapped: lost
      .filter((kernel) => !isCopy(kernel))
      .map(({ node, opType, ms }) => ({ name: node, ms, reason: `no unit is called so (${opType})` })),
  });
}

const gpuProviders: Readonly<Record<string, string>> = {
  CUDAExecutionProvider: 'cuda:0',
  TensorrtExecutionProvider: 'tensorrt:0',
  WebGpuExecutionProvider: 'webgpu',
};

/** The device whose kernels are no CPU's; its number, where there are several, is in no profile. */
function gpuOf(recorded: readonly ProfileEvent[], path: string): string {
  const providers = new Set(recorded.flatMap(({ args }) => args?.provider ?? []));
  providers.delete('CPUExecutionProvider');
  const [first, ...rest] = providers;
  const id = rest.length === 0 && first !== undefined ? gpuProviders[first] : undefined;
  if (id !== undefined) return id;
  throw new InputError(
    `${path}: holds kernels of ${[...providers].join(' and ')} beside those of the CPU.`,
    `Profile with one GPU provider, of ${Object.keys(gpuProviders).join(', ')}.`,
  );
}

/** Each run by itself. Times on a device are reported after all runs, so only the last run has them. */
function runsOf(all: readonly ProfileEvent[], path: string): RunProfile[] {
  const marks = all.filter(({ name }) => name === 'model_run');
  if (marks.length === 0)
    throw new InputError(`${path}: the profile holds no run.`, 'Run the session at least once before end_profiling.');
  if (all.some(({ cat, name }) => cat === 'Api' && name.includes('&'))) return [lastRun(all)];
  return marks
    .slice(marks.length > 1 ? 1 : 0)
    .map(({ ts, dur }) => lastRun(all.filter((event) => event.ts >= ts && event.ts + event.dur <= ts + dur)));
}

const sumMs = (list: readonly { readonly ms: number }[]): number => list.reduce((sum, { ms }) => sum + ms, 0);

function imported(model: LoadedModel, graph: OperatorGraph, made: Made): ImportedProfile {
  const { devices, kernels, wholeMs, rounds, warmUpRounds, reformatMs, precision, unmapped } = made;
  const mappedMs = sumMs(kernels);
  const totalMs = mappedMs + reformatMs + sumMs(unmapped);
  if (kernels.length === 0) {
    throw new InputError(
      `profile: none of its ${unmapped.length} layers is of ${model.uri}; the first is "${unmapped[0]?.name ?? ''}".`,
      'Give the ONNX file that was profiled, with its node names.',
    );
  }
  const nothing = fitMove([]);
  return {
    profile: {
      version: 1,
      kind: 'measured',
      date: 'unknown',
      system: {
        ...describeSystem(),
        platform: 'unknown',
        node: 'unknown',
        onnxRuntime: 'unknown',
        cpu: 'unknown',
        cores: 0,
        vectorExtension: null,
      },
      model: model.uri,
      modelHash: model.modelHash,
      graphHash: graph.hash,
      granularity: graph.granularity,
      devices,
      rounds,
      warmUpRounds,
      units: graph.units.flatMap(({ id }) => ([0, 1] as const).map((device) => ({ unit: id, device, lane: null }))),
      kernels,
      moves: [],
      fittedMoves: [nothing, nothing],
      wholeMs,
      segments: [],
      handover: null,
    },
    totalMs,
    mappedMs,
    reformatMs,
    precision,
    unmapped: unmapped
      .map((one) => ({ ...one, share: totalMs > 0 ? one.ms / totalMs : 0 }))
      .sort((a, b) => b.ms - a.ms),
  };
}
