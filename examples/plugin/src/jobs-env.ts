// Example/Jobs-v0: jobs on one machine, one after the other. Each has a length and a weight; the next one is chosen, and the
// sum of weighted completion times is to be small. The best order is known: the largest weight per length first (Smith 1956).
import { Rng } from 'sparoa-gym';
import {
  Box,
  Discrete,
  type Env,
  type Info,
  type ResetOptions,
  type ResetResult,
  type StepResult,
} from 'sparoa-gym/env';

export interface Job {
  readonly lengthMs: number;
  readonly weight: number;
}

export const jobsEnvId = 'Example/Jobs-v0';

export class JobsEnv implements Env<Float32Array, number> {
  readonly observationSpace: Box;
  readonly actionSpace: Discrete;
  readonly guarantees = { deterministic: true, restorable: false, rewardSign: 'nonpositive' } as const;
  readonly jobs: readonly Job[];
  #left = new Set<number>();
  #clockMs = 0;
  #objectiveMs = 0;

  /**
   * @param count jobs, the same in every episode
   * @param instance which jobs
   */
  constructor(
    readonly count: number,
    instance: number,
  ) {
    const rng = Rng.of(instance, 'jobs');
    this.jobs = Array.from({ length: count }, () => ({ lengthMs: 1 + rng.integer(9), weight: 1 + rng.integer(4) }));
    this.observationSpace = new Box(0, 1, [count]);
    this.actionSpace = new Discrete(count);
  }

  reset(_: ResetOptions = {}): ResetResult<Float32Array> {
    this.#left = new Set(this.jobs.keys());
    this.#clockMs = 0;
    this.#objectiveMs = 0;
    return { observation: this.#observe(), info: this.info() };
  }

  step(action: number): StepResult<Float32Array> {
    const job = this.jobs[action];
    if (!job || !this.#left.delete(action)) throw new Error(`job ${action} is done already, or is none`);
    this.#clockMs += job.lengthMs;
    this.#objectiveMs += job.weight * this.#clockMs;
    const terminated = this.#left.size === 0;
    const reward = (-job.weight * this.#clockMs) / 100;
    return { observation: this.#observe(), reward, terminated, truncated: false, info: this.info() };
  }

  info(): Info {
    const mask = new Uint8Array(this.count);
    return this.maskInto(mask)
      ? { objectiveMs: this.#objectiveMs, actionMask: mask }
      : { objectiveMs: this.#objectiveMs };
  }

  /** Jobs that are not done yet; false when all are. */
  maskInto(mask: Uint8Array): boolean {
    for (let job = 0; job < this.count; job++) mask[job] = Number(this.#left.has(job));
    return this.#left.size > 0;
  }

  close(): void {}

  #observe(): Float32Array {
    return Float32Array.from({ length: this.count }, (_, job) => Number(this.#left.has(job)));
  }
}

/** Sum of weighted completion times of an order. */
export function objectiveOf(jobs: readonly Job[], order: readonly number[]): number {
  let clockMs = 0;
  let objectiveMs = 0;
  for (const job of order) {
    clockMs += jobs[job]!.lengthMs;
    objectiveMs += jobs[job]!.weight * clockMs;
  }
  return objectiveMs;
}

export function smithOrder(jobs: readonly Job[]): number[] {
  const value = (job: number) => jobs[job]!.weight / jobs[job]!.lengthMs;
  return [...jobs.keys()].sort((a, b) => value(b) - value(a) || a - b);
}
