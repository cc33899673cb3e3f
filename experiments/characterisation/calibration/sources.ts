// Where unit measurements come from beside this machine's own measurements: files that `device profile` or a calibration wrote, and the
// archives of board kits. A reader of another format gives the same type, and takes its place in `readers`.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../../base/errors/input-error.js';
import { readJson } from '../../../base/files/json.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { loadModel } from '../../../models/load.js';
import { readKit } from '../kit/read.js';
import { type ModelMeasurement, modelMeasurementSchema } from '../profiling.js';

/** A model and how long its units take. */
export interface ProfiledModel {
  readonly graph: OperatorGraph;
  readonly profile: ModelMeasurement;
  /**
   * Where kernels are not all of the model's: time that belongs to no known unit, ms. Units without a kernel are then unknown.
   * Without this they are taken to run inside others' kernels.
   */
  readonly unmappedMs?: number;
}

/** Reads what lies at a path; null when it is not of its format. */
export type UnitMeasurementReader = (path: string) => Promise<ProfiledModel[]> | null;

const readers: readonly UnitMeasurementReader[] = [readUnitMeasurementFile, readKitArchive, readFolder];

/**
 * The unit measurements at a path: a file of `device profile`, or a folder with such files at any depth.
 * @throws InputError when there is none, or one does not belong to its model
 */
export async function readUnitMeasurements(path: string): Promise<ProfiledModel[]> {
  const found = await readAny(path);
  if (found && found.length > 0) return found;
  throw new InputError(
    `calibrate: ${path} holds no unit measurement.`,
    'Give a profile.json that "sparoa-gym device profile" wrote, the archive of a kit, or a folder with some.',
  );
}

function readAny(path: string): Promise<ProfiledModel[]> | null {
  for (const reader of readers) {
    const found = reader(path);
    if (found) return found;
  }
  return null;
}

/** Whatever in the folder a reader knows. */
function readFolder(path: string): Promise<ProfiledModel[]> | null {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return null;
  return (async () => {
    const found: ProfiledModel[] = [];
    for (const name of readdirSync(path).sort()) found.push(...((await readAny(join(path, name))) ?? []));
    return found;
  })();
}

/** What the script of a kit left: all models whose units were measured, each with the graph that lies in the archive. */
function readKitArchive(path: string): Promise<ProfiledModel[]> | null {
  if (!isKitArchive(path)) return null;
  const { models, unitMeasurements } = readKit(path);
  const graphs = new Map(models.map(({ uri, graph }) => [uri, graph]));
  return Promise.resolve(unitMeasurements.map((profile) => ({ graph: graphs.get(profile.model)!, profile })));
}

export function isKitArchive(path: string): boolean {
  return path.endsWith('.tar.gz') && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
}

function readUnitMeasurementFile(path: string): Promise<ProfiledModel[]> | null {
  if (!path.endsWith('.json') || !statSync(path, { throwIfNoEntry: false })?.isFile()) return null;
  const remedy = 'Remove it, or measure it again.';
  const json = readJson(path, z.unknown(), remedy) as Partial<ModelMeasurement> | null;
  // A folder may hold other JSON files beside unit measurements.
  if (!Array.isArray(json?.units) || !Array.isArray(json.kernels) || !json.graphHash) return null;
  return withGraph(path, readJson(path, modelMeasurementSchema, remedy));
}

async function withGraph(path: string, profile: ModelMeasurement): Promise<ProfiledModel[]> {
  const graph = (await loadModel(profile.model)).graph(profile.granularity);
  if (graph.hash !== profile.graphHash)
    throw new InputError(
      `calibrate: ${path} is of another graph of ${profile.model} than this version makes.`,
      'Measure it again.',
    );
  return [{ graph, profile }];
}
