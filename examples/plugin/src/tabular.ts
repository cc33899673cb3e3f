// Q-learning with a table (Watkins 1989): a value for each observation and action, under the mask. It learns on any Discrete
// space whose observations repeat.
import { Rng } from 'sparoa-gym';
import type { ActOptions, Agent, Checkpoint, LearnerEntry, Metrics, Transition } from 'sparoa-gym/agents';
import { z } from 'zod';

const config = z.strictObject({
  stepSize: z.number().gt(0).max(1).default(0.2).describe('how far a value moves to its target'),
  gamma: z.number().min(0).max(1).default(1).describe('discount factor'),
  epsilon: z.number().min(0).max(1).default(0.2).describe('probability of a random action while it trains'),
});

class TabularAgent implements Agent {
  readonly #values = new Map<string, Float32Array>();
  readonly #action = new Int32Array(1);
  readonly #rng: Rng;
  #error = 0;
  #steps = 0;

  constructor(
    readonly actions: number,
    readonly settings: z.infer<typeof config>,
    seed: number,
  ) {
    this.#rng = Rng.of(seed, 'tabular');
  }

  act(observation: Float32Array, { deterministic, masks }: ActOptions): Int32Array {
    const allowed = Array.from({ length: this.actions }, (_, action) => action).filter(
      (action) => masks?.[action] !== 0,
    );
    const explores = !deterministic && this.#rng.uniform() < this.settings.epsilon;
    const values = this.#valuesOf(observation);
    this.#action[0] = explores
      ? allowed[this.#rng.integer(allowed.length)]!
      : allowed.reduce((best, action) => (values[action]! > values[best]! ? action : best));
    return this.#action;
  }

  observe({ observation, action, reward, nextObservation, terminated, nextMask }: Transition): void {
    const values = this.#valuesOf(observation);
    const next = [...this.#valuesOf(nextObservation)].filter((_, i) => nextMask?.[i] !== 0);
    const target = reward + (terminated ? 0 : this.settings.gamma * Math.max(...next));
    const error = target - values[action[0]!]!;
    values[action[0]!] = values[action[0]!]! + this.settings.stepSize * error;
    this.#error = error;
    this.#steps += 1;
  }

  async learn(): Promise<Metrics | null> {
    return { error: Math.abs(this.#error), states: this.#values.size };
  }

  save(): Checkpoint {
    const entries = [...this.#values];
    const table = new Float32Array(entries.length * this.actions);
    for (const [i, [, values]] of entries.entries()) table.set(values, i * this.actions);
    return {
      meta: { states: entries.map(([key]) => key), rng: this.#rng.state(), steps: this.#steps },
      arrays: { table },
    };
  }

  load({ meta, arrays }: Checkpoint): void {
    const { states } = z.object({ states: z.array(z.string()) }).parse(meta);
    this.#values.clear();
    for (const [i, key] of states.entries())
      this.#values.set(key, arrays.table!.slice(i * this.actions, (i + 1) * this.actions));
  }

  async close(): Promise<void> {}

  /** Values begin at 0: with rewards below 0 that makes every action worth a try. */
  #valuesOf(observation: Float32Array): Float32Array {
    const key = observation.join();
    let values = this.#values.get(key);
    if (!values) this.#values.set(key, (values = new Float32Array(this.actions)));
    return values;
  }
}

export const tabular: LearnerEntry = {
  actions: ['discrete'],
  config,
  summary: 'Q-learning with a table',
  create: async ({ action, config: fields, seed }) => new TabularAgent(action.flatSize, config.parse(fields), seed),
};
