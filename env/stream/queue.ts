// A first-come, first-served queue, one batch at a time. It computes the objective of a stream from the durations of batches.
// Every request in the system adds the time that passes to the objective, so it ends as the sum of all response times
// (Little, "A proof for the queuing formula L = lambda W", Operations Research 9(3), 1961), plus penalties.
import type { StreamEpisode } from './episode.js';

/** Requests that ran together. */
export interface ServedBatch {
  /** The first request; the others follow it. */
  readonly first: number;
  readonly requests: number;
  readonly model: number;
  /** Padding included. */
  readonly size: number;
  /** The number of its pair of mode and load, as in the setting. */
  readonly condition: number;
  readonly startMs: number;
  readonly endMs: number;
}

export class StreamQueue {
  readonly episode: StreamEpisode;
  readonly served: ServedBatch[] = [];
  clockMs = 0;
  objectiveMs = 0;
  misses = 0;
  /** Of the whole board since the start; 0 where no power is known. */
  energyMj = 0;
  /** The current batch: its first request, how many, the number of its size, and when it began. */
  first = 0;
  requests = 0;
  size = 0;
  startMs = 0;
  /** Of the moment when the batch began. */
  condition = 0;
  observed = 0;
  /** How many requests have arrived. */
  #arrived = 0;

  constructor(episode: StreamEpisode) {
    this.episode = episode;
  }

  /** Whether every request is answered. */
  get done(): boolean {
    return this.first === this.episode.arrivalMs.length;
  }

  /** Requests that have arrived and are not answered. */
  get waiting(): number {
    return this.#arrived - this.first;
  }

  get model(): number {
    return this.episode.model[this.first]!;
  }

  /** How long the oldest request has been here. */
  get ageMs(): number {
    return this.clockMs - this.episode.arrivalMs[this.first]!;
  }

  /** Begins the next batch: the oldest request with those behind it that have arrived and want the same model. */
  begin(): void {
    const { arrivalMs, model, setting } = this.episode;
    this.#pass(Math.max(this.clockMs, arrivalMs[this.first]!));
    const most = Math.min(setting.batches.at(-1)!, this.#arrived - this.first);
    let requests = 1;
    while (requests < most && model[this.first + requests] === model[this.first]) requests++;
    this.requests = requests;
    this.size = setting.sizeFor(requests);
    this.startMs = this.clockMs;
    this.condition = this.episode.conditionAt(this.clockMs);
    this.observed = this.episode.observedAt(this.clockMs);
  }

  /** Advances the clock to this time since the batch began. */
  advance(elapsedMs: number): void {
    this.#pass(this.startMs + elapsedMs);
  }

  /**
   * Answers the batch, now.
   * @param execution of the batch: how long it ran, and the energy of that
   */
  end(execution: { readonly ms: number; readonly mj: number }): void {
    const { episode, first, requests, model, condition, startMs } = this;
    const { deadlineMs, missPenaltyMs } = episode.setting.options;
    this.#spend(execution);
    for (let i = first; i < first + requests; i++) {
      if (deadlineMs === null || this.clockMs - episode.arrivalMs[i]! <= deadlineMs) continue;
      this.misses += 1;
      this.objectiveMs += missPenaltyMs;
    }
    const size = episode.setting.batches[this.size]!;
    this.served.push({ first, requests, model, size, condition, startMs, endMs: this.clockMs });
    this.first += requests;
  }

  /** What the board drew since the last batch ended: idle but for the execution, in the mode of this batch. */
  #spend({ ms, mj }: { readonly ms: number; readonly mj: number }): void {
    const { setting, arrivalMs } = this.episode;
    const { energyBudgetMj, overBudgetMsPerMj } = setting.options;
    const idleMs = this.clockMs - (this.served.at(-1)?.endMs ?? 0) - ms;
    const before = this.energyMj;
    this.energyMj += mj + (setting.idleW(this.condition) ?? 0) * idleMs;
    if (energyBudgetMj === null) return;
    const over = (spentMj: number) => Math.max(0, spentMj - energyBudgetMj * arrivalMs.length);
    this.objectiveMs += overBudgetMsPerMj * (over(this.energyMj) - over(before));
  }

  #pass(toMs: number): void {
    const { arrivalMs } = this.episode;
    this.objectiveMs += (toMs - this.clockMs) * (this.#arrived - this.first);
    for (; arrivalMs[this.#arrived]! <= toMs; this.#arrived++) this.objectiveMs += toMs - arrivalMs[this.#arrived]!;
    this.clockMs = toMs;
  }

  /** Its state as plain data. */
  state(): QueueState {
    const { served, clockMs, objectiveMs, misses, energyMj, first, requests, size, startMs, condition, observed } =
      this;
    const arrived = this.#arrived;
    return {
      served: [...served],
      clockMs,
      objectiveMs,
      misses,
      energyMj,
      first,
      requests,
      size,
      startMs,
      condition,
      observed,
      arrived,
    };
  }

  /** Goes on from a state of the same episode. */
  static restore(episode: StreamEpisode, { served, arrived, ...numbers }: QueueState): StreamQueue {
    const queue = new StreamQueue(episode);
    queue.served.push(...served);
    queue.#arrived = arrived;
    return Object.assign(queue, numbers);
  }
}

type Numbers =
  | 'clockMs'
  | 'objectiveMs'
  | 'misses'
  | 'energyMj'
  | 'first'
  | 'requests'
  | 'size'
  | 'startMs'
  | 'condition'
  | 'observed';
export type QueueState = { readonly [K in Numbers]: number } & {
  readonly served: readonly ServedBatch[];
  readonly arrived: number;
};

/**
 * Plays a whole stream, given how long each batch takes, and its energy if that matters; the queue shows what is under way.
 */
export function playStream(
  episode: StreamEpisode,
  latencyMs: (queue: StreamQueue) => number,
  energyMj: (queue: StreamQueue) => number = () => 0,
): StreamQueue {
  const queue = new StreamQueue(episode);
  while (!queue.done) {
    queue.begin();
    const ms = latencyMs(queue);
    queue.advance(ms);
    queue.end({ ms, mj: energyMj(queue) });
  }
  return queue;
}
