// The problem that SparOA/Share-v0 poses, the part of it that recorded rows and snapshots keep, and what its actions mean.
import { InputError } from '../../base/errors/input-error.js';
import type { Conditions } from '../../engine/conditions.js';
import type { Executor } from '../../engine/executor.js';
import type { Scenario } from '../../engine/scenario.js';
import type { OperatorGraph, Unit } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { describeValue } from '../gym/spaces/space.js';
import { defaultObservation, type ObservationName } from '../observations/observation-spaces.js';
import type { RewardOptions } from '../rewards/rewards.js';

export interface ShareProblem extends RewardOptions {
  readonly graph: OperatorGraph;
  readonly executor: Executor;
  /** Estimates for the observation: the simulator's own table, or one measured where hardware executes. */
  readonly costs: CostTable;
  readonly conditions: Conditions;
  /** `binary` (default): a share of 0.5 or more is device 1. `split`: shares as they are where a unit can split. */
  readonly shares?: 'binary' | 'split';
  /** Units after the current one that the observation describes; default 4. */
  readonly lookahead?: number;
  /** Names of the observation's blocks; default `defaultObservation`. */
  readonly observation?: readonly ObservationName[] | undefined;
  /** The scenario it was made from; without it the environment can be neither varied nor recorded. */
  readonly scenario?: Scenario;
}

/** The options that present the scenario, as recorded rows and snapshots keep them; defaults are left out. */
export type ShareEnvIdentity = Readonly<Record<string, string | number>> & {
  readonly shares: 'binary' | 'split';
  readonly lookahead: number;
};

export function identityOf({
  shares,
  lookahead,
  observation,
  reward,
  deadline,
  weights,
}: ShareProblem): ShareEnvIdentity {
  const names = observation?.join(',');
  return {
    shares: shares ?? 'binary',
    lookahead: lookahead ?? 4,
    ...(names !== undefined && names !== defaultObservation.join(',') && { observation: names }),
    ...(reward !== undefined && reward !== 'latency' && { reward }),
    ...(deadline !== undefined && { deadline }),
    ...(weights && {
      weights: Object.entries(weights)
        .map(([term, weight]) => `${term}:${weight}`)
        .join(','),
    }),
  };
}

/** The error that `stepInto` throws for an invalid action. */
export function notAShare(id: string, action: unknown): InputError {
  return new InputError(
    `${id}: the action ${describeValue(action)} is not in Box(0, 1, [1]).`,
    'Give a Float32Array of one share between 0 and 1.',
  );
}

/** The share that an action means: forced if only one device can run the unit, rounded if the unit cannot split. */
export function shareOf({ onlyOn, splitAxis }: Unit, action: number, shares: 'binary' | 'split'): number {
  if (onlyOn !== null) return onlyOn;
  return shares === 'split' && splitAxis !== null ? action : Number(action >= 0.5);
}
