// Cells of an experiment: which models run on which variants of which profiles, chosen before anything is trained.
import { InputError } from '../base/errors/input-error.js';
import { platformUri } from '../engine/platform.js';
import { hardwareHash, parseHardwareUri } from '../engine/runtime/hardware.js';
import { loadModel } from '../models/load.js';
import { loadProfile, profileVariants } from '../predictor/profiles/profile.js';
import { isTableUri, loadTable } from '../predictor/tables/profile-table.js';
import { atlas, chosenBy } from './atlas/atlas.js';
import type { CellGrid, ExperimentConfig } from './config.js';
import type { AtlasRow } from './results/rows.js';
import { type Cell, taskNamed } from './tasks/registry.js';

/** A cell with the hashes of its contents: an edited file, or another machine, makes another cell. */
export interface IdentifiedCell extends Cell {
  readonly modelHash: string;
  readonly profileHash: string;
}

/**
 * The cells of a grid, by the config's cell rule.
 * @param rows gets the rows of the atlas that cells were chosen from
 * @throws InputError when a model or profile cannot be loaded, two models are one, or no cell is sourced
 */
export async function chooseCells(
  config: ExperimentConfig,
  { models, platforms }: CellGrid,
  rows: AtlasRow[],
): Promise<IdentifiedCell[]> {
  const { id } = config.environment;
  const { cells: shape } = taskNamed(id);
  if (shape === 'none') return [{ models: [], platform: '', modelHash: '', profileHash: '' }];
  const uris = platforms.map((platform) => platform ?? platformUri({ executor: config.executor }));
  const cells: Cell[] = [];
  for (const platform of uris) {
    if (shape === 'all-models') {
      if (config.cell !== 'as-given')
        throw new InputError(`config: cell is ${config.cell}, but ${id} mixes all models.`, 'Set cell to as-given.');
      cells.push({ models, platform });
    } else for (const model of models) cells.push(await chooseCell(model, platform, config, rows));
  }
  const identified: IdentifiedCell[] = [];
  const given = uris.flatMap((platform) => (shape === 'all-models' ? [platform] : models));
  for (const [index, cell] of cells.entries()) {
    const own = await identify(cell);
    const twin = identified.findIndex((other) => cellKey(other) === cellKey(own));
    if (twin >= 0)
      throw new InputError(`config: ${given[index]} and ${given[twin]} are the same model.`, 'Name each model once.');
    identified.push(own);
  }
  return identified;
}

async function chooseCell(model: string, platform: string, config: ExperimentConfig, rows: AtlasRow[]): Promise<Cell> {
  if (parseHardwareUri(platform) || isTableUri(platform)) return { models: [model], platform };
  if (config.cell === 'as-given') return { models: [model], platform: profileVariants(platform)[0]! };
  const own = await atlas({ model, profile: platform, batches: config.batches, sweep: true });
  rows.push(...own);
  const chosen = chosenBy(config.cell, own);
  if (chosen) return { models: [chosen.model], platform: chosen.profile };
  throw new InputError(
    `config: no cell of ${model} on ${platform} is sourced: every variant rests on an assumed number.`,
    'Set cell to as-given, or choose another profile.',
  );
}

/** The cell with full URIs and the hashes of their contents. @throws InputError when something cannot be loaded */
export async function identify({ models, platform }: Cell): Promise<IdentifiedCell> {
  const loaded = [];
  for (const model of models) loaded.push(await loadModel(model));
  const hardware = parseHardwareUri(platform);
  const profileHash = hardware
    ? hardwareHash(hardware)
    : isTableUri(platform)
      ? loadTable(platform).hash
      : loadProfile(platform).hash;
  return {
    models: loaded.map(({ uri }) => uri),
    platform,
    modelHash: loaded.map(({ modelHash }) => modelHash).join(';'),
    profileHash,
  };
}

export const cellKey = ({ models, platform }: Cell): string => JSON.stringify([models, platform]);
