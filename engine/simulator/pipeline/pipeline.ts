// A closed pipeline: a fixed number of buffers circulates through chunks of a model, each computed by a thread of its own. A
// discrete-event simulation: between two events every chunk progresses at a constant rate, and rates depend on which others
// compute, so a chunk is slowed only for as long as its neighbours are at work.
import { InputError } from '../../../base/errors/input-error.js';

export interface Pipeline {
  /** Of each chunk in order, for one task and alone, ms; 0 where it computes nothing. */
  readonly workMs: readonly number[];
  /** Tasks under way at most: a task starts when one of so many buffers is free. */
  readonly buffers: number;
  /** Tasks in all, from 1. */
  readonly tasks: number;
  /**
   * Progress of a chunk that computes, above 0; 1 is its speed alone, which it has where no function is given. A chunk that does
   * not compute waits for a task. Called with the same array each time.
   */
  readonly rate?: (chunk: number, computing: readonly boolean[]) => number;
}

/** When each chunk computed each task, ms, [tasks][chunks]. */
export interface PipelineTimes {
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  readonly makespanMs: number;
}

/**
 * Plays a pipeline: chunk c takes tasks in order, each when chunk c - 1 has ended it; queues between chunks hold every buffer.
 * @throws InputError when the pipeline has no chunk, or a number breaks its rule
 */
export function simulatePipeline(pipeline: Pipeline): PipelineTimes {
  check(pipeline);
  return new ClosedPipeline(pipeline).play();
}

/**
 * Time per task after a warm-up: between the ends of task `warmUp` (from 1) and of the last one, over the tasks between.
 * @param warmUp by default a fifth of the tasks
 * @throws InputError when no task comes after the warm-up
 */
export function steadyMsPerTask(
  { endMs }: PipelineTimes,
  tasks: number,
  warmUp: number = Math.max(1, Math.floor(tasks / 5)),
): number {
  if (!Number.isInteger(warmUp) || warmUp < 1 || warmUp >= tasks)
    throw new InputError(
      `pipeline: a warm-up of ${warmUp} of ${tasks} tasks leaves no time to take a mean of.`,
      'Give a whole number of at least 1 and below the number of tasks.',
    );
  const chunks = endMs.length / tasks;
  return (endMs[tasks * chunks - 1]! - endMs[warmUp * chunks - 1]!) / (tasks - warmUp);
}

class ClosedPipeline {
  readonly #pipeline: Pipeline;
  readonly #startMs: Float64Array;
  readonly #endMs: Float64Array;
  readonly #computing: boolean[];
  /** Of each chunk: tasks ended; work left as of `#since`, progress, and the end at this rate. */
  readonly #ended: number[];
  readonly #left: number[];
  readonly #since: number[];
  readonly #rate: number[];
  readonly #due: number[];
  #nowMs = 0;

  constructor(pipeline: Pipeline) {
    const chunks = pipeline.workMs.length;
    const zeros = () => new Array<number>(chunks).fill(0);
    this.#pipeline = pipeline;
    this.#startMs = new Float64Array(pipeline.tasks * chunks);
    this.#endMs = new Float64Array(pipeline.tasks * chunks);
    this.#computing = new Array<boolean>(chunks).fill(false);
    [this.#ended, this.#left, this.#since, this.#rate, this.#due] = [zeros(), zeros(), zeros(), zeros(), zeros()];
  }

  play(): PipelineTimes {
    for (;;) {
      this.#start();
      if (!this.#computing.includes(true)) break;
      this.#setRates();
      this.#nowMs = this.#due.reduce((first, due, c) => (this.#computing[c] ? Math.min(first, due) : first), Infinity);
      this.#computing.forEach((computing, c) => {
        if (computing && this.#due[c]! <= this.#nowMs) this.#end(c);
      });
    }
    return { startMs: this.#startMs, endMs: this.#endMs, makespanMs: this.#nowMs };
  }

  /** The last chunk first, whose buffers the first one waits for; again where a task took no time. */
  #start(): void {
    const { workMs, buffers, tasks } = this.#pipeline;
    const last = workMs.length - 1;
    for (let again = true; again; ) {
      again = false;
      for (let c = last; c >= 0; c--) {
        const task = this.#ended[c]!;
        const given = c === 0 ? Math.min(tasks, this.#ended[last]! + buffers) : this.#ended[c - 1]!;
        if (this.#computing[c] || task >= given) continue;
        this.#startMs[task * (last + 1) + c] = this.#nowMs;
        this.#computing[c] = true;
        this.#left[c] = workMs[c]!;
        this.#since[c] = this.#nowMs;
        this.#rate[c] = 0;
        if (workMs[c] === 0) {
          this.#end(c);
          again = true;
        }
      }
    }
  }

  #setRates(): void {
    const { rate } = this.#pipeline;
    this.#computing.forEach((computing, c) => {
      if (!computing) return;
      const now = rate ? rate(c, this.#computing) : 1;
      // A rate that stays keeps its end to the bit.
      if (now === this.#rate[c] && now > 0) return;
      if (!(now > 0 && now < Infinity))
        throw new InputError(`pipeline: chunk ${c} has the rate ${now}.`, 'Give a finite rate above 0.');
      this.#left[c]! -= (this.#nowMs - this.#since[c]!) * this.#rate[c]!;
      this.#since[c] = this.#nowMs;
      this.#rate[c] = now;
      this.#due[c] = this.#nowMs + Math.max(0, this.#left[c]!) / now;
    });
  }

  #end(chunk: number): void {
    this.#computing[chunk] = false;
    this.#endMs[this.#ended[chunk]! * this.#computing.length + chunk] = this.#nowMs;
    this.#ended[chunk]!++;
  }
}

function check({ workMs, buffers, tasks }: Pipeline): void {
  if (workMs.length === 0) throw new InputError('pipeline: it has no chunk.', 'Give the work of at least one.');
  workMs.forEach((work, chunk) => {
    if (!(work >= 0 && work < Infinity))
      throw new InputError(`pipeline: chunk ${chunk} has ${work} ms of work.`, 'Give a finite number of at least 0.');
  });
  for (const [name, count] of Object.entries({ buffers, tasks }))
    if (!Number.isInteger(count) || count < 1)
      throw new InputError(`pipeline: ${count} ${name}.`, `Give a whole number of ${name}, at least 1.`);
}
