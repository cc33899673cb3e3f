// Generalised advantage estimation (Schulman et al. 2016, arXiv 1506.02438, eq. 16) over a rollout of several environments
// whose steps lie one after the other in the order in which they were taken.

/** Steps of a rollout; element i of each array belongs to step i. */
export interface RolloutValues {
  /** Which environment took the step. */
  readonly env: Int32Array;
  readonly reward: Float32Array;
  /** V(s_t). */
  readonly value: Float32Array;
  /** The episode ended with the step: nothing follows. */
  readonly terminated: Uint8Array;
  /** The episode was cut off after the step: `lastValue` follows. */
  readonly truncated: Uint8Array;
  /** V(s_t+1) where a truncation, or the end of the rollout, cuts its environment off; unused elsewhere. */
  readonly lastValue: Float32Array;
}

/**
 * Writes A_t = delta_t + gamma lambda A_t+1 with delta_t = r_t + gamma V(s_t+1) - V(s_t), for the first `count` steps. An
 * environment's steps are linked wherever they lie; A is 0 behind an end or a cut.
 */
export function advantagesInto(
  target: Float32Array,
  steps: RolloutValues,
  count: number,
  envs: number,
  { gamma, lambda }: { readonly gamma: number; readonly lambda: number },
): void {
  const nextAdvantage = new Float64Array(envs);
  const nextValue = new Float64Array(envs);
  const linked = new Uint8Array(envs);
  for (let t = count - 1; t >= 0; t--) {
    const env = steps.env[t]!;
    const terminated = steps.terminated[t] === 1;
    const cut = steps.truncated[t] === 1 || linked[env] === 0;
    const following = terminated ? 0 : cut ? steps.lastValue[t]! : nextValue[env]!;
    const delta = steps.reward[t]! + gamma * following - steps.value[t]!;
    const advantage = delta + (terminated || cut ? 0 : gamma * lambda * nextAdvantage[env]!);
    target[t] = advantage;
    nextAdvantage[env] = advantage;
    nextValue[env] = steps.value[t]!;
    linked[env] = 1;
  }
}
