// A scenario: a model on a device pair, ready to be planned for, simulated and learned on.
import { InputError } from '../../base/errors/input-error.js';
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

/** @throws InputError when the model or the profile cannot be loaded, or the model has nothing to schedule. */
export async function openScenario(model: string, profile: string, options: ModelOptions = {}): Promise<Scenario> {
  return scenarioOf(await loadModel(model, options), loadProfile(profile));
}

/** @throws InputError when the model has nothing to schedule. */
export function scenarioOf(model: LoadedModel, profile: DeviceProfile): Scenario {
  const graph = model.graph(profile.granularity);
  if (graph.units.length === 0) {
    throw new InputError(
      `models: ${model.uri}: nothing is left to schedule once constants are folded.`,
      'Give a model that computes something from its inputs.',
    );
  }
  return {
    model,
    profile,
    graph,
    executor: createSimulator(profile),
    conditions: { seed: 0, regime: 'serial', mode: profile.axes.mode, load: null, memoryBudgetBytes: null },
  };
}
