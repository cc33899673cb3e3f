// Plays tasks on their lanes: when each starts and ends. A discrete-event simulation of fluid tasks: between two events
// every running task progresses at a constant rate, and only starts, ends and changes of the load change rates.
import { type LoadInterval, type LoadLevel, type LoadProcess, loadIntervals } from '../../load-process.js';
import { launchLane, queueLane, type Task } from './program.js';

export interface Stage {
  /** Progress of each running task per unit of time, 1 being its speed alone; `launching`: a thread keeps a core busy. */
  readonly rates: (running: readonly Task[], launching: boolean, level: LoadLevel) => readonly number[];
  readonly load: LoadProcess | null;
  readonly seed: number;
  /** For tasks that compute at the same time; Infinity: no limit. */
  readonly budgetBytes: number;
}

/** Per task, ms. */
export interface Timing {
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  readonly makespanMs: number;
}

/** A task under way; its work left is as of `sinceMs`. */
interface Running {
  readonly index: number;
  readonly task: Task;
  workLeftMs: number;
  sinceMs: number;
  rate: number;
  endMs: number;
}

/** Plays tasks that wait only for earlier ones, none of which plans for more than the budget alone. */
export function play(tasks: readonly Task[], stage: Stage): Timing {
  return new Player(tasks, stage).play();
}

class Player {
  readonly #tasks: readonly Task[];
  readonly #stage: Stage;
  readonly #startMs: Float64Array;
  readonly #endMs: Float64Array;
  readonly #ended: Uint8Array;
  /** Per lane: its tasks in order, and how many of them have started. */
  readonly #queues: number[][] = [];
  readonly #started: number[] = [];
  readonly #running: Running[] = [];
  /** Launches begun less kernels of device 1 ended: more than none keeps the launching thread busy. */
  #inFlight = 0;
  #plannedBytes = 0;
  #nowMs = 0;

  constructor(tasks: readonly Task[], stage: Stage) {
    this.#tasks = tasks;
    this.#stage = stage;
    this.#startMs = new Float64Array(tasks.length);
    this.#endMs = new Float64Array(tasks.length);
    this.#ended = new Uint8Array(tasks.length);
    tasks.forEach(({ lane }, index) => {
      while (this.#queues.length <= lane) this.#started[this.#queues.push([]) - 1] = 0;
      this.#queues[lane]!.push(index);
    });
  }

  play(): Timing {
    const levels = this.#stage.load ? loadIntervals(this.#stage.load, this.#stage.seed) : null;
    let level: LoadInterval = levels?.next().value ?? idle;
    let next = levels?.next().value ?? null;
    for (;;) {
      this.#start();
      if (this.#running.length === 0) break;
      this.#setRates(level);
      const endMs = this.#running.reduce((first, running) => Math.min(first, running.endMs), Number.POSITIVE_INFINITY);
      if (next && next.fromMs <= endMs) {
        this.#nowMs = next.fromMs;
        level = next;
        next = levels!.next().value ?? null;
      } else {
        this.#nowMs = endMs;
      }
      this.#end();
    }
    const makespanMs = this.#endMs.reduce((last, each) => Math.max(last, each), 0);
    return { startMs: this.#startMs, endMs: this.#endMs, makespanMs };
  }

  /** Starts all that can: next on its lane, nothing left to wait for, within the budget in the schedule's order. */
  #start(): void {
    for (let again = true; again; ) {
      again = false;
      let held = false;
      for (const index of this.#ready()) {
        const task = this.#tasks[index]!;
        const plannedBytes = this.#plannedBytes + task.plannedBytes;
        // A task that does not fit blocks those after it; otherwise it might wait for ever.
        held ||= plannedBytes > this.#stage.budgetBytes && task.plannedBytes > 0;
        if (held && task.plannedBytes > 0) continue;
        this.#plannedBytes = plannedBytes;
        this.#begin(index, task);
        if (this.#ended[index] === 0) continue;
        // A task of no duration may let an earlier one start at once.
        again = true;
        break;
      }
    }
  }

  /** The first task of each free lane that waits for nothing more, in the order they were appended in. */
  #ready(): number[] {
    const ready: number[] = [];
    this.#queues.forEach((queue, lane) => {
      const position = this.#started[lane]!;
      if (position > 0 && this.#ended[queue[position - 1]!] === 0) return;
      const index = queue[position];
      if (index !== undefined && this.#tasks[index]!.after.every((other) => this.#ended[other] === 1))
        ready.push(index);
    });
    return ready.sort((a, b) => a - b);
  }

  #begin(index: number, task: Task): void {
    this.#started[task.lane]!++;
    this.#startMs[index] = this.#nowMs;
    if (task.kind === 'launch' && task.lane === launchLane) this.#inFlight++;
    const workLeftMs = this.#workMs(task);
    const running = { index, task, workLeftMs, sinceMs: this.#nowMs, rate: 0, endMs: this.#nowMs };
    if (workLeftMs > 0) this.#running.push(running);
    else this.#finish(running);
  }

  /** Of a task whose lane has counted it as started. */
  #workMs({ lane, workMs, asleep }: Task): number {
    if (!asleep) return workMs;
    const before = this.#queues[lane]![this.#started[lane]! - 2];
    const idleMs = this.#nowMs - (before === undefined ? 0 : this.#endMs[before]!);
    return idleMs > asleep.afterMs ? asleep.workMs : workMs;
  }

  #setRates(level: LoadInterval): void {
    const tasks = this.#running.map(({ task }) => task);
    const launching = this.#inFlight > 0 || tasks.some(({ lane }) => lane === launchLane);
    const rates = this.#stage.rates(tasks, launching, level);
    this.#running.forEach((running, i) => {
      // A rate that stays keeps its end to the bit.
      if (rates[i] === running.rate) return;
      running.workLeftMs -= (this.#nowMs - running.sinceMs) * running.rate;
      running.sinceMs = this.#nowMs;
      running.rate = rates[i]!;
      running.endMs = this.#nowMs + Math.max(0, running.workLeftMs) / running.rate;
    });
  }

  #end(): void {
    for (let i = this.#running.length - 1; i >= 0; i--) {
      const running = this.#running[i]!;
      if (running.endMs > this.#nowMs) continue;
      this.#running.splice(i, 1);
      this.#finish(running);
    }
  }

  #finish({ index, task }: Running): void {
    this.#ended[index] = 1;
    this.#endMs[index] = this.#nowMs;
    this.#plannedBytes -= task.plannedBytes;
    if (task.kind === 'compute' && task.lane === queueLane) this.#inFlight--;
  }
}

const idle: LoadInterval = { fromMs: 0, cpu: 0, gpu: 0, memory: 0 };
