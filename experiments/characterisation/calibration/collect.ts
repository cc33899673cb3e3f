// Measures models until the time is over. Each measured model is a unit measurement in a file of its own, written as soon as it
// is finished: a calibration that is killed loses the model it was at, and goes on from the others.
import { join } from 'node:path';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { contentHash } from '../../../base/files/hash.js';
import { readJsonIfWhole } from '../../../base/files/json.js';
import { type DevicePair, formatDevicePair } from '../../../engine/runtime/devices/device-pair.js';
import { hardwareGranularity } from '../../../engine/scenario.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import { describeSystem } from '../../results/system.js';
import { modelMeasurementSchema, profileModel } from '../profiling.js';
import { configurationKeys, nextCandidate, windowSize } from './selection.js';
import type { ProfiledModel } from './sources.js';

export interface CollectOptions {
  readonly pair: DevicePair;
  /** Times that each unit and each model is measured on each device. */
  readonly rounds: number;
  /** No model is begun when these are over. */
  readonly minutes: number;
  /** Where the unit measurements go. */
  readonly folder: string;
  /** Models to measure first, whatever they hold. */
  readonly first: readonly string[];
  /** Those that may follow, an endless list. */
  readonly others: Iterable<string>;
  readonly report: (text: string) => void;
}

/** Sizes of images, by turns: where kernels are short, calls count; and where rows are long, their ends count less. */
const sizes = ['', '&size=96', '', '&size=192&height=32', '', '&size=64'] as const;

/** Built-in networks, then random ones without end. */
export function* calibrationModels(): Generator<string> {
  yield* ['mobilenetv3-small', 'mobilenetv2', 'resnet18', 'swin-t', 'vit-b16'].map((name) => `model://${name}`);
  for (let seed = 0; ; seed++) yield `model://random-cnn?seed=${seed}${sizes[seed % sizes.length]}`;
}

/**
 * Unit profiles of the first models and of as many others as the time allows, in the order of measurement; at least one.
 * @throws InputError when a model cannot be loaded or measured
 */
export async function collect(options: CollectOptions): Promise<ProfiledModel[]> {
  const { pair, rounds, minutes, folder, first, others, report } = options;
  const endMs = performance.now() + 60_000 * minutes;
  const found: ProfiledModel[] = [];
  const keys = new Set<string>();
  const measure = (model: LoadedModel): void => {
    const path = profilePath(folder, model, pair, rounds);
    const known = readJsonIfWhole(path, modelMeasurementSchema);
    const profile = known ?? profileModel(model, pair, rounds, false);
    if (!known) writeFileAtomic(path, `${JSON.stringify(profile)}\n`);
    const graph = model.graph(hardwareGranularity);
    found.push({ graph, profile });
    for (const key of configurationKeys(graph)) keys.add(key);
    report(`[${found.length}] ${model.uri}: ${graph.units.length} units${known ? ', measured before' : ''}`);
  };
  for (const uri of first) measure(await loadModel(uri));
  const waiting: LoadedModel[] = [];
  const source = others[Symbol.iterator]();
  while (found.length === 0 || performance.now() < endMs) {
    while (waiting.length < windowSize) {
      const next = source.next();
      if (next.done) break;
      waiting.push(await loadModel(next.value));
    }
    if (waiting.length === 0) break;
    const candidates = waiting.map((model) => ({ uri: model.uri, graph: model.graph(hardwareGranularity) }));
    const [chosen] = waiting.splice(nextCandidate(candidates, keys), 1);
    measure(chosen!);
  }
  return found;
}

/** By all that a measurement depends on: a file of another machine, other devices or other rounds is not taken. */
function profilePath(folder: string, model: LoadedModel, pair: DevicePair, rounds: number): string {
  const { cpu, onnxRuntime, vectorExtension } = describeSystem();
  const key = contentHash(
    [model.uri, model.modelHash, formatDevicePair(pair), rounds, cpu, onnxRuntime, vectorExtension].join('\n'),
  );
  return join(folder, `${key}.json`);
}
