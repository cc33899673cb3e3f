// A lower bound on the makespan in overlap execution: one linear program of what every schedule keeps, whatever its order.
// - Precedence: a unit ends after those it reads from, their moves and its own least time; so the bound is at least the
//   critical path with the least time over devices and shares.
// - Load: what runs on one lane adds up, and the lanes of what comes before or after a unit do so as well.
// - What lanes share: the core of the launching thread, and the memory's bandwidth.
// Tasks never run faster than alone, so co-running load, memory budgets and contention only lengthen what is bounded here.
import type { Conditions, Mechanism } from '../../engine/conditions.js';
import type { Board } from '../../engine/simulator/overlap/run.js';
import { coresLeft } from '../../engine/simulator/overlap/sharing.js';
import type { OperatorGraph } from '../../models/graph.js';
import { fractionSlack, readsAll } from '../../models/parts/channels.js';
import { LinearProgram, type Term } from './linear-program.js';
import { isOnly, leastPart, leastRead, rangesOf, type ShareRange, takesPart } from './share-ranges.js';

/** Of the solver, relative; bounds are lowered by it. */
const tolerance = 1e-6;

export interface OverlapProblem {
  readonly graph: OperatorGraph;
  readonly board: Board;
  readonly conditions: Pick<Conditions, 'execution' | 'without'>;
  /** Shares that schedules may have; where ranges hold more than one share, costs must grow with parts. */
  readonly ranges: readonly ShareRange[];
  /** Whether device 0 may have several lanes. */
  readonly severalLanes: boolean;
}

/**
 * No schedule of the simulator's overlap execution is faster, ms.
 * @throws Error when `loadSolver` was not called
 */
export function overlapBoundMs(problem: OverlapProblem): number {
  return new Relaxation(problem).boundMs();
}

const devices = [0, 1] as const;

class Relaxation {
  readonly #problem: OverlapProblem;
  readonly #program = new LinearProgram();
  /** Times in the program are multiples of this, so that they are near 1. */
  readonly #scaleMs: number;
  readonly #makespan = this.#program.column();
  readonly #ranges: readonly (readonly ShareRange[])[];
  /** Per unit: a column for each of its ranges, the weight of that range; they add up to 1. */
  readonly #weights: readonly (readonly number[])[];
  /** Per unit: when its last part has ended, and its first one. */
  readonly #last: readonly number[];
  readonly #first: readonly number[];
  /** Per tensor and device: the time of its move there. */
  readonly #moves: readonly (readonly number[])[];

  constructor(problem: OverlapProblem) {
    const { graph, board, ranges } = problem;
    const program = this.#program;
    this.#problem = problem;
    this.#ranges = graph.units.map((unit) => rangesOf(unit, ranges));
    this.#weights = this.#ranges.map((own) => own.map(() => program.column()));
    this.#last = graph.units.map(() => program.column());
    this.#first = this.#ranges.map((own, unit) => (own.length > 2 ? program.column() : this.#last[unit]!));
    this.#moves = graph.tensors.map(() => devices.map(() => program.column()));
    const leastMs = graph.units.map(({ id }) => Math.min(board.costs.unitMs(id, 0, 1), board.costs.unitMs(id, 1, 1)));
    this.#scaleMs = Math.max(leastMs.reduce((a, b) => a + b, 0) / 10, Number.MIN_VALUE * 2 ** 60);
  }

  boundMs(): number {
    const { graph } = this.#problem;
    for (const { id, inputs } of graph.units) {
      this.#program.equal(
        this.#weights[id]!.map((column) => [column, 1]),
        1,
      );
      this.#endsWithin(id);
      for (const tensor of inputs) this.#precedence(tensor, id);
    }
    for (const { id, producer, graphOutput } of graph.tensors)
      if (graphOutput && producer !== null) this.#returns(id, producer);
    this.#loads();
    return this.#program.minimum(this.#makespan) * this.#scaleMs * (1 - tolerance);
  }

  #has(mechanism: Mechanism): boolean {
    return !(this.#problem.conditions.without ?? []).includes(mechanism);
  }

  /** Sum of times over the unit's ranges, each by its weight. */
  #over(unit: number, ms: (range: ShareRange) => number, sign = 1): Term[] {
    return this.#ranges[unit]!.map((range, i): Term => [this.#weights[unit]![i]!, (sign * ms(range)) / this.#scaleMs]);
  }

  /** A sum of terms is at least a constant time. */
  #atLeast(terms: readonly Term[], ms: number): void {
    this.#program.atLeast(terms, ms / this.#scaleMs);
  }

  /** `ms` if the whole unit is on the device, as terms that are nothing less `ms` otherwise; with the constant -`ms`. */
  #unlessWholeOn(unit: number, device: 0 | 1, ms: number): Term[] {
    return this.#over(unit, (range) => (isOnly(range, device) ? ms : 0), -1);
  }

  #launchMs(device: 0 | 1): number {
    return this.#problem.board.costs.launchMs(device);
  }

  /** The device's part of the unit; on device 0 with its launch, which waits for inputs. */
  #partMs(unit: number, device: 0 | 1, range: ShareRange): number {
    if (!takesPart(range, device)) return 0;
    const { costs } = this.#problem.board;
    return costs.unitMs(unit, device, leastPart(range, device)) + (device === 0 ? costs.launchMs(0) : 0);
  }

  #syncMs(): number {
    return this.#has('synchronisation') ? this.#problem.board.costs.syncMs : 0;
  }

  /** A move to device 0 waits for device 1 first, if launches are asynchronous. */
  #moveMs(tensor: number, to: 0 | 1, fraction: number): number {
    if (fraction <= fractionSlack) return 0;
    const moveMs = this.#has('copies') ? this.#problem.board.costs.transferMs(tensor, to, fraction) : 0;
    return moveMs + (to === 0 && this.#has('asynchronous-launches') ? this.#syncMs() : 0);
  }

  /** The unit after its launch, and the makespan after the unit. */
  #endsWithin(unit: number): void {
    const own = (range: ShareRange) =>
      Math.max(
        this.#partMs(unit, 0, range),
        takesPart(range, 1) ? this.#launchMs(1) + this.#partMs(unit, 1, range) : 0,
      );
    this.#atLeast([[this.#last[unit]!, 1], ...this.#over(unit, own, -1)], 0);
    this.#atLeast(
      [
        [this.#makespan, 1],
        [this.#last[unit]!, -1],
      ],
      0,
    );
  }

  /** The unit reads the tensor: its parts that need any of it wait for its producer, and for moves. */
  #precedence(tensor: number, unit: number): void {
    const { graph } = this.#problem;
    const { producer } = graph.tensors[tensor]!;
    const needs = (device: 0 | 1, range: ShareRange) => leastRead(graph, unit, tensor, device, range);
    const waits = (device: 0 | 1, range: ShareRange) => needs(device, range) > fractionSlack;
    const after = (device: 0 | 1, range: ShareRange) => (waits(device, range) ? this.#partMs(unit, device, range) : 0);
    const end: Term[] = [[this.#last[unit]!, 1]];
    if (producer !== null) {
      // A part that reads parts waits for one of the producer's parts only.
      const both = this.#ranges[unit]!.length > 2 && this.#ranges[producer]!.length > 2;
      const before = both && !readsAll(graph, unit, tensor) ? this.#first[producer]! : this.#last[producer]!;
      end.push([before, -1]);
      this.#atLeast([...end, ...this.#over(unit, (range) => Math.max(after(0, range), after(1, range)), -1)], 0);
      const parts = (range: ShareRange) => devices.filter((device) => takesPart(range, device));
      if (this.#first[unit] !== this.#last[unit] && this.#ranges[unit]!.every((range) => parts(range).every((device) => waits(device, range))))
        this.#atLeast([[this.#first[unit]!, 1], [before, -1], ...this.#over(unit, (range) => Math.min(...parts(range).map((device) => after(device, range))), -1)], 0); // biome-ignore format: one row
    }
    for (const device of devices) {
      if (producer === null && device === 0) continue;
      const moveMs = (range: ShareRange) =>
        waits(device, range) ? this.#moveMs(tensor, device, needs(device, range)) : 0;
      // A launch waits for what is read of device 0, and so does the move: the longer of them comes between.
      const betweenMs = (range: ShareRange) =>
        device === 1 && waits(1, range) ? Math.max(moveMs(range), this.#launchMs(1)) : moveMs(range);
      const elsewhereMs = (range: ShareRange) =>
        takesPart(range, device) ? after(device, range) : after((1 - device) as 0 | 1, range);
      this.#ifHeldBy(1 - device, producer, unit, end, (range) => elsewhereMs(range), betweenMs);
      this.#ifHeldBy(1 - device, producer, unit, [[this.#moves[tensor]![device]!, 1]], () => 0, moveMs);
    }
  }

  /** `terms` are at least `always` of the unit's range, and `held` in addition if the whole producer is on the device. */
  #ifHeldBy(
    device: number,
    producer: number | null,
    unit: number,
    terms: readonly Term[],
    always: (range: ShareRange) => number,
    held: (range: ShareRange) => number,
  ): void {
    const mostMs = Math.max(...this.#ranges[unit]!.map(held));
    const own = this.#over(unit, (range) => always(range) + held(range), -1);
    if (producer === null) this.#atLeast([...terms, ...own], 0);
    else this.#atLeast([...terms, ...own, ...this.#unlessWholeOn(producer, device as 0 | 1, mostMs)], -mostMs);
  }

  /** A model's output ends on device 0. */
  #returns(tensor: number, producer: number): void {
    const backMs = (range: ShareRange) => (takesPart(range, 1) ? this.#moveMs(tensor, 0, range.from) : 0);
    this.#atLeast([[this.#moves[tensor]![0]!, 1], ...this.#over(producer, backMs, -1)], 0);
    const wholeMs = (range: ShareRange) => (isOnly(range, 1) ? backMs(range) : 0);
    this.#atLeast([[this.#makespan, 1], [this.#last[producer]!, -1], ...this.#over(producer, wholeMs, -1)], 0);
  }

  #loads(): void {
    const { graph, board, severalLanes } = this.#problem;
    const { costs, shared } = board;
    const computeMs = (device: 0 | 1) => (unit: number) => this.#over(unit, (range) => (takesPart(range, device) ? costs.unitMs(unit, device, leastPart(range, device)) : 0), -1); // biome-ignore format: one sum
    const launchesMs = (device: 0 | 1, ms: number) => (unit: number) => this.#over(unit, (range) => (takesPart(range, device) ? ms : 0), -1); // biome-ignore format: one sum
    const units = graph.units.map(({ id }) => id);
    const movesTo = (device: 0 | 1, weight = 1): Term[] => this.#moves.map((to): Term => [to[device]!, -weight]);
    const end: Term = [this.#makespan, 1];
    const kernels = devices.map((device) => units.flatMap(computeMs(device)));
    this.#atLeast([end, ...kernels[1]!, ...movesTo(1)], 0);
    const launchMs = this.#launchMs(1) + (this.#has('asynchronous-launches') ? 0 : this.#syncMs());
    this.#atLeast([end, ...units.flatMap(launchesMs(1, launchMs))], 0);
    const dispatches = units.flatMap(launchesMs(0, this.#launchMs(0)));
    if (!severalLanes) this.#atLeast([end, ...kernels[0]!, ...dispatches, ...movesTo(0)], 0);
    // While a kernel of device 1 is under way, the launching thread keeps a core from device 0's.
    const polled = board.kinds[1] === 'gpu' && this.#has('launching-core');
    const rate = polled ? coresLeft(shared.cores, true) / shared.cores : 1;
    const scaled = (terms: readonly Term[], by: number) => terms.map(([column, weight]): Term => [column, weight * by]);
    if (!severalLanes)
      this.#atLeast([end, ...kernels[0]!, ...scaled([...dispatches, ...movesTo(0)], rate), ...scaled(kernels[1]!, 1 - rate)], 0); // biome-ignore format: one row
    else if (this.#has('core-sharing')) this.#atLeast([end, ...kernels[0]!, ...scaled(kernels[1]!, 1 - rate)], 0);
    if (this.#has('contention'))
      this.#atLeast([end, ...devices.flatMap((device) => units.flatMap((unit) => this.#over(unit, (range) => this.#trafficMs(unit, device, range), -1)))], 0); // biome-ignore format: one row
  }

  /** The memory's time for the device's part, if it takes any. */
  #trafficMs(unit: number, device: 0 | 1, range: ShareRange): number {
    const { costs, shared } = this.#problem.board;
    const part = takesPart(range, device) ? leastPart(range, device) : 0;
    return costs.unitMs(unit, device, part) > 0 ? costs.unitTrafficBytes(unit, part) / shared.bytesPerMs : 0;
  }
}
