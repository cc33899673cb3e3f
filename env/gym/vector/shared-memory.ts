// The memory that a vector of environments in worker threads shares with them: every array of a step's outcome, the
// actions, and two words for each worker.
import type { VectorOutcome } from './vector-env.js';

export interface VectorMemory {
  readonly count: number;
  readonly observationSize: number;
  /** Of one action as numbers. */
  readonly actionSize: number;
  readonly outcome: SharedArrayBuffer;
  readonly actions: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
}

/** Words in `control` of worker w: commands sent, commands done, the latest command, whether the thread has ended. */
export const word = {
  sent: (worker: number) => 4 * worker,
  done: (worker: number) => 4 * worker + 1,
  command: (worker: number) => 4 * worker + 2,
  ended: (worker: number) => 4 * worker + 3,
} as const;

/** `message`: the command is in a message. */
export const command = { stepInto: 0, step: 1, message: 2 } as const;

export function vectorMemory(
  count: number,
  observationSize: number,
  actionSize: number,
  workers: number,
): VectorMemory {
  return {
    count,
    observationSize,
    actionSize,
    outcome: new SharedArrayBuffer(count * (8 + 2 * 4 * observationSize + 3)),
    actions: new SharedArrayBuffer(8 * count * actionSize),
    control: new SharedArrayBuffer(4 * word.sent(workers)),
  };
}

/** The outcome's arrays, or those of `rows` environments from the one at `from`. */
export function outcomeOf(memory: VectorMemory, from = 0, rows = memory.count - from): VectorOutcome {
  const { count, observationSize: size, outcome } = memory;
  const observations = 8 * count;
  const finals = observations + 4 * count * size;
  const flags = finals + 4 * count * size;
  return {
    rewards: new Float64Array(outcome, 8 * from, rows),
    observations: new Float32Array(outcome, observations + 4 * from * size, rows * size),
    finalObservations: new Float32Array(outcome, finals + 4 * from * size, rows * size),
    terminated: new Uint8Array(outcome, flags + from, rows),
    truncated: new Uint8Array(outcome, flags + count + from, rows),
    resets: new Uint8Array(outcome, flags + 2 * count + from, rows),
  };
}

/** Float64, which holds the numbers of every space. */
export function actionsOf({ actions, actionSize, count }: VectorMemory, from = 0, rows = count - from): Float64Array {
  return new Float64Array(actions, 8 * from * actionSize, rows * actionSize);
}
