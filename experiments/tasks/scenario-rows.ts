// Checks recorded episodes of environments of scheduling: simulated ones are replayed; measured ones are checked except for
// their latency.
import { InputError } from '../../base/errors/input-error.js';
import type { LoadProcess } from '../../engine/load-process.js';
import { parseHardwareUri } from '../../engine/runtime/hardware.js';
import { openScenario, type Scenario } from '../../engine/scenario.js';
import { Discrete } from '../../env/gym/spaces/discrete.js';
import { scenarioUnder } from '../../env/randomisation/situation.js';
import { environmentOf, optionsSchemaOf } from '../../env/register.js';
import { loadModel } from '../../models/load.js';
import { parseWith } from '../parse-with.js';
import { checkMeasured } from '../results/measured-rows.js';
import { decodeActions, decodeChoices, replay } from '../results/trajectories.js';
import { differenceOf, keptBy, type RowCheck, type TaskEnv, type TextRow } from './task.js';

/** A check of rows of one environment; scenarios that it opens are kept for further rows. */
export function scenarioRowCheck(id: string): RowCheck {
  const models = keptBy(loadModel);
  const simulations = keptBy(async (row: TextRow, where: string) => {
    const scenario = underConditions(await openScenario(row.model, row.profile), row.conditions);
    return { scenario, env: environmentOf(id, scenario, optionsOf(id, row, where)) };
  });
  return async (row, where) => {
    const options = optionsOf(id, row, where);
    if (parseHardwareUri(row.profile)) return checkMeasured(row, await models(row.model, row.model), options);
    const key = JSON.stringify([row.model, row.profile, row.conditions, row.envOptions]);
    const { scenario, env } = await simulations(key, row, where);
    return replaySimulated(row, scenario, env);
  };
}

function optionsOf(id: string, { envOptions }: TextRow, where: string): Record<string, unknown> {
  const fields = [...new URLSearchParams(envOptions)].map(([key, value]) => [key, optionValue(value)]);
  return parseWith(optionsSchemaOf(id), Object.fromEntries(fields), `${where}: envOptions`);
}

/** Text that looks like a number becomes one. */
function optionValue(text: string): unknown {
  if (text === 'null') return null;
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** The scenario in overlap execution with the row's load, if the row has them. */
function underConditions(scenario: Scenario, conditions: string): Scenario {
  const given = new URLSearchParams(conditions);
  // Rows of version 0.1.0 and before call it `regime`.
  if ((given.get('execution') ?? given.get('regime')) !== 'overlap') return scenario;
  const load = given.get('load');
  return scenarioUnder(scenario, { load: load === null ? null : (JSON.parse(load) as LoadProcess) });
}

function replaySimulated(row: TextRow, { model, platform }: Scenario, env: TaskEnv): string | null {
  if (row.kind !== 'simulated') return `kind is ${row.kind}, but ${row.profile} is simulated`;
  if (row.modelHash !== model.modelHash) return `model changed: recorded ${row.modelHash}, now ${model.modelHash}`;
  if (row.profileHash !== platform.hash) return `profile changed: recorded ${row.profileHash}, now ${platform.hash}`;
  try {
    const actions = env.actionSpace instanceof Discrete ? decodeChoices(row.actions) : decodeActions(row.actions);
    const episode = replay(env, actions, Number(row.seed));
    return differenceOf(row, episode.return, episode.trace.makespanMs);
  } catch (error) {
    if (error instanceof InputError) return `result differs: ${error.problem}`;
    throw error;
  }
}
