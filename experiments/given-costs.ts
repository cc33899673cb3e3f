// Planners that are given other costs than the true ones: they plan in a scenario of predicted costs, or of another profile,
// and their schedules are executed in the true one.
import { didYouMean, InputError } from '../base/errors/input-error.js';
import { type Scenario, scenarioOf } from '../engine/scenario.js';
import { createSimulator, type Simulator } from '../engine/simulator/simulator.js';
import { loadModel } from '../models/load.js';
import { fittedToCosts } from '../predictor/latency/fitted-costs.js';
import { predictedCosts } from '../predictor/latency/predicted-costs.js';
import { type PredictorKind, predictorKinds } from '../predictor/latency/predictor.js';
import { loadProfile } from '../predictor/profiles/profile.js';
import { profileCosts } from '../predictor/profiles/profile-costs.js';

/** The scenario that a planner believes to be in. */
export interface Believed {
  readonly scenario: Scenario;
  /** Everything that its costs depend on, as JSON. */
  readonly identity: unknown;
}

const isKind = (costs: string): costs is PredictorKind => (predictorKinds as readonly string[]).includes(costs);

/**
 * Checks what a config says of costs.
 * @param models of the config
 * @throws InputError when it names neither a predictor nor a profile, or a predictor has no other model to learn from
 */
export function checkCosts(costs: string, models: readonly string[], where: string): void {
  if (!isKind(costs)) {
    if (!/[:/.]/.test(costs))
      throw new InputError(
        `${where}: costs "${costs}" are neither a kind of predictor nor a profile.`,
        didYouMean(costs, predictorKinds),
      );
    loadProfile(costs);
  } else if (models.length < 2)
    throw new InputError(
      `${where}: costs are predicted by ${costs}, fitted to the other models, but there is one model.`,
      'Name more models, or give the URI of a profile as costs.',
    );
}

/**
 * The true scenario with the costs of a profile, or of predictors that are fitted to the costs of other models on the same
 * profile. Predictors replace the times of units; launches and moves stay the true ones.
 * @param models of the config; the scenario's own is left out
 * @throws InputError when costs are to be predicted and the scenario is not one of a profile
 */
export async function believedScenario(costs: string, truth: Scenario, models: readonly string[]): Promise<Believed> {
  if (!isKind(costs)) {
    const profile = loadProfile(costs);
    const executor = createSimulator(profile);
    return {
      scenario: { ...truth, executor, costs: executor.costs(truth.graph) },
      identity: { profile: profile.hash },
    };
  }
  if (!('profile' in truth.executor))
    throw new InputError(
      `${truth.platform.uri}: costs are to be predicted by ${costs}, which is fitted to the costs of a profile.`,
      'Evaluate on a profile, or give the URI of a profile as costs.',
    );
  const { profile } = truth.executor as Simulator;
  const others = [];
  for (const uri of models) {
    const model = await loadModel(uri);
    if (model.modelHash !== truth.model.modelHash) others.push(model);
  }
  const predictors = fittedToCosts(
    costs,
    others.map((model) => scenarioOf(model, profile)),
  );
  const executor = createSimulator(profile, (graph) => predictedCosts(graph, predictors, profileCosts(graph, profile)));
  return {
    scenario: { ...truth, executor, costs: executor.costs(truth.graph) },
    identity: { predictor: costs, profile: profile.hash, models: others.map(({ modelHash }) => modelHash) },
  };
}
