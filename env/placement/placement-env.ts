// SparOA/Placement-v0: SparOA/Share-v0 for learners of discrete actions. The action is the device of a whole unit, and a
// mask says which devices can run it.
import { InputError } from '../../base/errors/input-error.js';
import type { Scenario } from '../../engine/scenario.js';
import type { OperatorGraph } from '../../models/graph.js';
import type {
  Env,
  EnvState,
  Guarantees,
  Info,
  ResetOptions,
  ResetResult,
  StepOutcome,
  StepResult,
} from '../gym/env.js';
import type { Box } from '../gym/spaces/box.js';
import { Discrete } from '../gym/spaces/discrete.js';
import { describeValue } from '../gym/spaces/space.js';
import type { Situation } from '../randomisation/situation.js';
import type { Goal } from '../rewards/rewards.js';
import type { ShareEnv } from '../share/share-env.js';

/** The MDP of SparOA/Share-v0 with binary shares; `info.actionMask` is present until the episode ends. */
export class PlacementEnv implements Env<Float32Array, number> {
  readonly id: string = 'SparOA/Placement-v0';
  readonly observationSpace: Box;
  readonly actionSpace = new Discrete(2);
  readonly graph: OperatorGraph;
  readonly guarantees: Guarantees;
  readonly renderModes: readonly string[];
  readonly #env: ShareEnv;
  readonly #share = new Float32Array(1);

  /** @param env with binary shares; owned by this environment from now on */
  constructor(env: ShareEnv) {
    this.#env = env;
    this.graph = env.graph;
    this.observationSpace = env.observationSpace;
    this.guarantees = env.guarantees;
    this.renderModes = env.renderModes;
  }

  /** Latency of the better single device, ms. */
  get referenceMs(): number {
    return this.#env.referenceMs;
  }

  get goal(): Goal {
    return this.#env.goal;
  }

  get observationNames(): readonly string[] {
    return this.#env.observationNames;
  }

  get options(): Readonly<Record<string, string | number>> {
    const { shares: _, ...options } = this.#env.options;
    return options;
  }

  /** @throws InputError when it was not made by its id */
  get scenario(): Scenario {
    return this.#env.scenario;
  }

  /** @throws InputError as SparOA/Share-v0 does */
  under(situation: Situation): PlacementEnv {
    return new PlacementEnv(this.#env.under(situation));
  }

  reset(options?: ResetOptions): ResetResult<Float32Array> {
    const observation = new Float32Array(this.observationSpace.flatSize);
    this.resetInto(observation, options);
    return { observation, info: this.info() };
  }

  resetInto(observation: Float32Array, options?: ResetOptions): void {
    this.#env.resetInto(observation, options);
  }

  step(action: number): StepResult<Float32Array> {
    const observation = new Float32Array(this.observationSpace.flatSize);
    const outcome = { ...this.stepInto(action, observation) };
    return { observation, ...outcome, info: this.info() };
  }

  /** @throws InputError when no episode is under way, or the mask forbids the action */
  stepInto(action: number, observation: Float32Array): Readonly<StepOutcome> {
    if (action !== 0 && action !== 1) {
      throw new InputError(
        `SparOA/Placement-v0: the action ${describeValue(action)} is not in ${this.actionSpace}.`,
        'Give 0 for device 0 or 1 for device 1.',
      );
    }
    const unit = this.graph.units[this.#env.unit];
    if (unit && unit.onlyOn !== null && action !== unit.onlyOn) {
      throw new InputError(
        `SparOA/Placement-v0: device ${action} cannot run unit ${unit.id} "${unit.name}".`,
        'Choose among the actions that info.actionMask allows.',
      );
    }
    this.#share[0] = action;
    return this.#env.stepInto(this.#share, observation);
  }

  info(): Info {
    const info = this.#env.info();
    const actionMask = new Uint8Array(2);
    return this.maskInto(actionMask) ? { ...info, actionMask } : info;
  }

  maskInto(mask: Uint8Array): boolean {
    const unit = this.graph.units[this.#env.unit];
    if (!unit) return false;
    mask[0] = Number(unit.onlyOn !== 1);
    mask[1] = Number(unit.onlyOn !== 0);
    return true;
  }

  render(mode: string): string {
    return this.#env.render(mode);
  }

  snapshot(): EnvState {
    return this.#env.snapshot();
  }

  restore(state: EnvState): void {
    this.#env.restore(state);
  }

  fork(): PlacementEnv {
    return this.forks(1)[0]!;
  }

  forks(count: number): PlacementEnv[] {
    return this.#env.forks(count).map((env) => new PlacementEnv(env));
  }

  close(): void {
    this.#env.close();
  }
}
