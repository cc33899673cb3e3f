// What the numbers of a cell rest on: the constants of its profile that its simulation reads, each with its source, and
// the room that is left where one that nobody measured on the board lies at either end of its prior.
import { type Scenario, scenarioOf } from '../../engine/scenario.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { Constant } from '../../predictor/profiles/number-reader.js';
import { type DeviceProfile, loadProfile } from '../../predictor/profiles/profile.js';
import { atlasRow } from './atlas.js';

/** Room from which a learner has something to win, percent. */
export const worthwhileRoomPercent = 3;

export interface CellConstant extends Constant {
  /** With the number divided by its prior's factor and multiplied with it; null where it is held, or room is not known. */
  readonly roomPercent: readonly [atLow: number, atHigh: number] | null;
}

export interface CellConstants {
  /** As stated; null where no planner proves the optimum: two devices at once, or no single inference. */
  readonly roomPercent: number | null;
  readonly constants: readonly CellConstant[];
}

/**
 * @param profile of the cell, as a URI
 * @param scenario of a cell of one inference; null for others, whose constants are all listed and not varied
 */
export function cellConstants(profile: string, scenario: Scenario | null): CellConstants {
  const stated = loadProfile(profile);
  const constants = scenario
    ? stated.constants.filter(({ name }) => isRead(name, stated, scenario))
    : stated.constants.filter(({ name }) => !name.startsWith('shared.'));
  if (scenario?.conditions.execution !== 'serial')
    return { roomPercent: null, constants: constants.map((constant) => ({ ...constant, roomPercent: null })) };
  const roomOf = (uri: string) => atlasRow(scenario.model, scenarioOf(scenario.model, loadProfile(uri))).roomPercent;
  // Numbers replaced in the URI and draws are what somebody wants to see: they are held.
  const priors = /[?&]member=/.test(profile) ? {} : stated.priors;
  return {
    roomPercent: roomOf(profile),
    constants: constants.map((constant) => {
      const held = constant.kind === 'assumed' || constant.name.startsWith('power.');
      const factor = held ? undefined : priors[constant.name]?.factor;
      if (factor === undefined) return { ...constant, roomPercent: null };
      const at = (scale: number) => roomOf(`${profile}&${constant.name}=x${scale}`);
      return { ...constant, roomPercent: [at(1 / factor), at(factor)] };
    }),
  };
}

/** Whether the simulation of a graph reads a number: not the efficiency of a class that the graph does not have. */
function isRead(
  name: string,
  { predictors, predictedClasses }: DeviceProfile,
  { graph, conditions }: { readonly graph: OperatorGraph } & Pick<Scenario, 'conditions'>,
): boolean {
  const [owner, what, opClass] = name.split('.') as [string, string, string?];
  if (owner === 'shared') return conditions.execution === 'overlap';
  if (owner !== 'device0' && owner !== 'device1') return true;
  const device = owner === 'device0' ? 0 : 1;
  const byPredictor = (of: string) =>
    predictors[device] !== null && (predictedClasses[device]?.some((known) => known === of) ?? true);
  const classes = [...new Set(graph.units.map((unit) => unit.opClass))];
  if (what === 'efficiency') return classes.some((own) => own === opClass && !byPredictor(own));
  if (what === 'compute' || what === 'bandwidth') return classes.some((own) => !byPredictor(own));
  return what !== 'predictor' || classes.some(byPredictor);
}

/** Whether a number decides that a cell has room: at one end of its prior it has, at another or as stated it has not. */
export function decidesRoom({ roomPercent: ends }: CellConstant, statedPercent: number): boolean {
  const has = (percent: number) => percent >= worthwhileRoomPercent;
  return ends?.some((end) => has(end) !== has(statedPercent)) ?? false;
}
