// A scenario: a model on a device pair, ready to be planned for, simulated and learned on.
import type { Conditions } from '../../engine/conditions.js';
import { type DeviceProfile, loadProfile } from '../../engine/device/profile.js';
import { createSimulator, type Simulator } from '../../engine/simulator/simulator.js';
import type { OperatorGraph } from '../../models/graph.js';
import { type LoadedModel, loadModel } from '../../models/load.js';
import type { ModelOptions } from '../../models/uri.js';

export interface Scenario {
  readonly model: LoadedModel;
  readonly profile: DeviceProfile;
  /** At the granularity of the profile's launch mode. */
  readonly graph: OperatorGraph;
  readonly executor: Simulator;
  readonly conditions: Conditions;
}

/** @throws InputError when the model or the profile cannot be loaded. */
export async function openScenario(model: string, profile: string, options: ModelOptions = {}): Promise<Scenario> {
  return scenarioOf(await loadModel(model, options), loadProfile(profile));
}

export function scenarioOf(model: LoadedModel, profile: DeviceProfile): Scenario {
  return {
    model,
    profile,
    graph: model.graph(profile.granularity),
    executor: createSimulator(profile),
    conditions: { seed: 0, regime: 'serial', mode: profile.axes.mode, load: null, memoryBudgetBytes: null },
  };
}
