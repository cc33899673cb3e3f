// Unit profiles from files that were made on a board without this package: by trtexec, or by ONNX Runtime itself. Which model a
// file is of no file says, so the position decides: the first is of the first model named.
import { InputError } from '../../../base/errors/input-error.js';
import { hardwareGranularity } from '../../../engine/scenario.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import { readTrtexec, trtexecFileKind } from '../../../predictor/measurements/trtexec.js';
import type { ImportSummary } from '../../../predictor/profiles/profile-schema.js';
import { type ImportedProfile, importOrtProfile, importTrtexec } from '../imported-profiles.js';
import type { ProfiledModel } from './sources.js';

export interface ImportFiles {
  /** Files of --exportProfile, and as many, or none, of --exportLayerInfo and of --exportTimes, in any order. */
  readonly trtexec: readonly string[];
  readonly ortProfiles: readonly string[];
  /** URIs or paths: one, which all files are of, or one for each profile in turn. */
  readonly models: readonly string[];
}

export interface Imports {
  readonly models: readonly ProfiledModel[];
  readonly summaries: readonly ImportSummary[];
  /** Null where no file says. */
  readonly precision: 'fp32' | 'fp16' | null;
}

/** @throws InputError when a file is none of these, is of another model, or it is not clear which belong together */
export async function readImports({ trtexec, ortProfiles, models: uris }: ImportFiles): Promise<Imports> {
  const named = [];
  for (const uri of uris) named.push(await loadModel(uri));
  const runs = trtexecRuns(trtexec);
  const imported = [
    ...paired(runs, named, '--from-trtexec').map(([{ profile, layers, times }, model]) => ({
      ...importTrtexec(model, readTrtexec(profile, layers, times)),
      model,
      tool: 'trtexec' as const,
      file: profile,
    })),
    ...paired(ortProfiles, named, '--from-ort-profile').map(([file, model]) => ({
      ...importOrtProfile(model, file),
      model,
      tool: 'onnxruntime' as const,
      file,
    })),
  ];
  // A profile of the CPU alone does not say which GPU stands beside it; one of the others may.
  const pairs = [...new Set(imported.map(({ profile }) => profile.devices))];
  const withGpu = pairs.filter((pair) => pair !== 'cpu:1+cpu:1');
  if (withGpu.length > 1)
    throw new InputError(
      `calibrate: the files are of ${withGpu.length} device pairs: ${withGpu.join(', ')}.`,
      'Calibrate each by itself.',
    );
  const precisions = new Set(imported.flatMap(({ precision }) => precision ?? []));
  if (precisions.size > 1)
    throw new InputError('calibrate: some files are of fp32, others of fp16.', 'Calibrate each by itself.');
  const devices = withGpu[0] ?? pairs[0] ?? '';
  return {
    models: imported.map((one) => profiled(one, one.model, devices)),
    summaries: imported.map(({ tool, file, profile, totalMs, mappedMs, reformatMs }) => ({
      tool,
      file,
      model: profile.model,
      runs: profile.rounds > 0 ? profile.rounds : null,
      mappedPercent: (100 * mappedMs) / totalMs,
      reformatPercent: (100 * reformatMs) / totalMs,
    })),
    precision: [...precisions][0] ?? null,
  };
}

function profiled(
  { profile, totalMs, mappedMs, reformatMs, unmapped }: ImportedProfile,
  model: LoadedModel,
  devices: string,
): ProfiledModel {
  const used = ([0, 1] as const).filter((device) => profile.kernels.some((kernel) => kernel.device === device));
  const sumMs = (device: 0 | 1): number =>
    profile.kernels.reduce((sum, kernel) => sum + (kernel.device === device ? kernel.ms : 0), 0);
  // Nobody timed the whole on one device: its kernels are then all that is known of it.
  const whole = (device: 0 | 1): number | null =>
    profile.wholeMs[device] ??
    (used.length > 1 ? sumMs(device) : used.includes(device) ? mappedMs + reformatMs + unmappedMs : null);
  const unmappedMs = totalMs - mappedMs - reformatMs;
  const partial = used.length > 1 || unmapped.length > 0;
  return {
    graph: model.graph(hardwareGranularity),
    profile: { ...profile, devices, wholeMs: [whole(0), whole(1)] },
    ...(partial && { unmappedMs: used.length > 1 ? 0 : unmappedMs }),
  };
}

/** Each profile with its model. */
function paired<T>(profiles: readonly T[], models: readonly LoadedModel[], flag: string): [T, LoadedModel][] {
  if (profiles.length === 0) return [];
  if (models.length !== 1 && models.length !== profiles.length)
    throw new InputError(
      `calibrate: ${flag} has ${profiles.length} profiles, and --models names ${models.length} models.`,
      'Name the ONNX file that was measured by --models: one for all profiles, or one for each, in the same order.',
    );
  return profiles.map((profile, at) => [profile, models[models.length === 1 ? 0 : at]!]);
}

/** Files of the same run: the first of each kind belong together, then the second, and so on. */
function trtexecRuns(paths: readonly string[]) {
  const files: Record<'profile' | 'layers' | 'times', string[]> = { profile: [], layers: [], times: [] };
  for (const path of paths) {
    const kind = trtexecFileKind(path);
    if (!kind)
      throw new InputError(
        `calibrate: ${path} is no file that trtexec exports.`,
        "Give those of --exportProfile, --exportLayerInfo and --exportTimes; ONNX Runtime's go to --from-ort-profile.",
      );
    files[kind].push(path);
  }
  const { profile, layers, times } = files;
  for (const [kind, list] of Object.entries({ '--exportLayerInfo': layers, '--exportTimes': times }))
    if (list.length > 0 && list.length !== profile.length)
      throw new InputError(
        `calibrate: --from-trtexec has ${profile.length} files of --exportProfile and ${list.length} of ${kind}.`,
        'Give one for each profile, in the same order, or none.',
      );
  return profile.map((path, at) => ({ profile: path, layers: layers[at], times: times[at] }));
}
