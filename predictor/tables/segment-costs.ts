// Fits the cost of a segment to measured ones: the sum of its kernels, and a cost for every tensor that it reads from outside or
// hands out, because fusion ends there and memory layouts change. All of these are fitted to the times of segments, of units
// alone, and of kernels in a session of the whole model.
import { InputError } from '../../base/errors/input-error.js';
import type { OperatorGraph } from '../../models/graph.js';
import { fractionRead } from '../../models/parts/channels.js';
import type { CostTable } from '../cost-table.js';
import { type Equation, sparseNonNegativeLeastSquares } from './sparse-least-squares.js';
import type { FittedMove, SegmentTime, UnitMeasurement } from './unit-times.js';

export interface SegmentCosts {
  /**
   * Time of units in one session on the device, alone, ms; for a part, `fraction` of their channels. A measured segment takes its
   * measured time, any other the fitted one.
   */
  segmentMs(device: 0 | 1, units: readonly number[], fraction: number): number;
  /** Computing takes so much longer while the other device computes, as a fraction. */
  readonly slowdown: number;
  outMs(device: 0 | 1, bytes: number): number;
  inMs(device: 0 | 1, bytes: number): number;
  /** As `Handover` has them. */
  readonly noticeMs: number;
  readonly wakeMs: number;
  /** The same as a cost table for planners: units within segments, and moves that include the cost of the cut. */
  readonly costs: CostTable;
}

/** Units by themselves find the caches otherwise. */
const aloneWeight = 0.3;
/** Kernels leave out what runs between them, and come from one execution. */
const kernelWeight = 0.1;
/** Where a half was not measured: that it takes half the time is a guess. */
const halfWeight = 0.7;
const ridge = 0.01;
const slowdowns = [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6];

/** @throws InputError when nothing was measured in segments */
export function fitSegmentCosts(graph: OperatorGraph, profile: UnitMeasurement): SegmentCosts {
  const { handover } = profile;
  if (handover === null)
    throw new InputError(
      'simulator: the profile has no segments on lanes, which overlap execution is made of.',
      'Profile the model with `sparoa-gym device profile`, or simulate it in serial execution.',
    );
  const both = <T>(of: (device: 0 | 1) => T) => [of(0), of(1)] as const;
  const equations = both((device) => new Equations(graph, profile, device));
  // The slowdown under which alone-times explain the measured ones best.
  let best = { slowdown: 0, error: Number.POSITIVE_INFINITY, fits: both((device) => equations[device].none()) };
  for (const slowdown of slowdowns) {
    const fits = both((device) => equations[device].solve(slowdown, best.fits[device]));
    const error = both((device) => equations[device].error(slowdown, fits[device])).reduce((a, b) => a + b);
    if (error < 0.999 * best.error) best = { slowdown, error, fits };
  }
  const { slowdown, fits } = best;
  const { out, in: into, noticeMs, wakeMs } = handover;
  const outMs = (device: 0 | 1, bytes: number) => lineMs(out[device], bytes);
  const inMs = (device: 0 | 1, bytes: number) => lineMs(into[device], bytes);
  const runs = (unit: number, device: number) =>
    profile.units.some((time) => time.unit === unit && time.device === device && time.lane !== null);
  const able = graph.units.map(({ id }) => [runs(id, 0), runs(id, 1)] as const);
  return {
    segmentMs: (device, units, fraction) =>
      equations[device].measuredMs(units, fraction, slowdown) ??
      equations[device].timeOf(fits[device], units, fraction),
    slowdown,
    outMs,
    inMs,
    noticeMs,
    wakeMs,
    costs: {
      unitMs: (unit, device, share) =>
        share === 0
          ? 0
          : able[unit]![device]!
            ? equations[device as 0 | 1].kernelMs(fits[device]!, unit, share)
            : Infinity,
      transferMs: (tensor, to, fraction = 1) => {
        const from = (1 - to) as 0 | 1;
        const bytes = graph.tensors[tensor]!.bytes * fraction;
        const cutMs =
          equations[to as 0 | 1].cutMs(fits[to]!, tensor, 'in') + equations[from].cutMs(fits[from], tensor, 'out');
        // The one copy follows the other piece by piece.
        return fraction * cutMs + fits[to]![0]! + noticeMs + Math.max(outMs(from, bytes), inMs(to as 0 | 1, bytes));
      },
      launchMs: () => 0,
      syncMs: 0,
    },
  };
}

const lineMs = ({ fixedMs, msPerByte }: FittedMove, bytes: number): number => fixedMs + msPerByte * bytes;

const keyOf = (units: readonly number[], fraction: number): string => `${units.join('+')}/${fraction}`;
const fractionOf = ({ part }: SegmentTime): number => (part ? part[1] - part[0] : 1);

/** The time of a segment alone, if the other device slows down by so much what runs beside it. */
function aloneMs({ meanMs, besideMs }: SegmentTime, slowdown: number): number {
  const beside = Math.min(1, besideMs / meanMs);
  return meanMs * (1 - beside * (slowdown / (1 + slowdown)));
}

/** Unknowns of one device: the session itself, each unit's kernel whole and half, each tensor read and handed out. */
class Equations {
  readonly #graph: OperatorGraph;
  readonly #device: 0 | 1;
  readonly #segments: readonly SegmentTime[];
  readonly #measuredAs: ReadonlyMap<string, SegmentTime>;
  readonly #fixed: Equation[] = [];
  readonly #half: number;
  readonly #in: number;
  readonly #out: number;
  readonly #count: number;

  constructor(graph: OperatorGraph, { units, kernels, segments }: UnitMeasurement, device: 0 | 1) {
    this.#graph = graph;
    this.#device = device;
    this.#half = 1 + graph.units.length;
    this.#in = this.#half + graph.units.length;
    this.#out = this.#in + graph.tensors.length;
    this.#count = this.#out + graph.tensors.length;
    this.#segments = segments.filter((segment) => segment.device === device);
    this.#measuredAs = new Map(this.#segments.map((segment) => [keyOf(segment.units, fractionOf(segment)), segment]));
    for (const { unit, device: on, lane } of units)
      if (on === device && lane) this.#fixed.push(this.#equation([unit], null, lane.lowMs, aloneWeight));
    for (const { device: on, units: run, ms } of kernels) {
      if (on !== device || ms <= 0) continue;
      const columns = run.map((unit) => 1 + unit);
      this.#fixed.push({ columns, values: columns.map(() => 1), target: ms, weight: kernelWeight / Math.sqrt(ms) });
    }
    for (const { id, splitAxis } of graph.units)
      if (splitAxis !== null)
        this.#fixed.push({ columns: [this.#half + id, 1 + id], values: [1, -0.5], target: 0, weight: halfWeight });
  }

  none(): Float64Array {
    return new Float64Array(this.#count);
  }

  solve(slowdown: number, from: Float64Array): Float64Array {
    return sparseNonNegativeLeastSquares([...this.#fixed, ...this.#measured(slowdown)], this.#count, ridge, from);
  }

  error(slowdown: number, fit: Float64Array): number {
    return this.#measured(slowdown).reduce(
      (sum, { columns, values, target, weight }) =>
        sum + (weight * (columns.reduce((ms, column, at) => ms + values[at]! * fit[column]!, 0) - target)) ** 2,
      0,
    );
  }

  timeOf(fit: Float64Array, units: readonly number[], fraction: number): number {
    const { columns, values } = this.#equation(units, fraction === 1 ? null : fraction, 1, 1);
    return columns.reduce((ms, column, at) => {
      const isHalf = column >= this.#half && column < this.#in;
      return ms + values[at]! * (isHalf ? this.kernelMs(fit, column - this.#half, fraction) : fit[column]!);
    }, 0);
  }

  /** The line through half and whole; below half, where it would fall faster than the share, the share of the half. */
  kernelMs(fit: Float64Array, unit: number, share: number): number {
    const [whole, half] = [fit[1 + unit]!, fit[this.#half + unit]!];
    const line = half + (whole - half) * (2 * share - 1);
    return share === 1 ? whole : share >= 0.5 ? line : Math.max(line, 2 * share * half);
  }

  cutMs(fit: Float64Array, tensor: number, direction: 'in' | 'out'): number {
    return fit[(direction === 'in' ? this.#in : this.#out) + tensor]!;
  }

  /** The segment's time alone where this very segment was measured, else null. */
  measuredMs(units: readonly number[], fraction: number, slowdown: number): number | null {
    const measured = this.#measuredAs.get(keyOf(units, fraction));
    return measured ? aloneMs(measured, slowdown) : null;
  }

  #measured(slowdown: number): Equation[] {
    return this.#segments.map((segment) =>
      this.#equation(segment.units, segment.part && fractionOf(segment), aloneMs(segment, slowdown), 1),
    );
  }

  #equation(units: readonly number[], fraction: number | null, ms: number, weight: number): Equation {
    const graph = this.#graph;
    const columns = [0];
    const values = [1];
    const inside = new Set(units);
    const add = (column: number, value: number) => {
      columns.push(column);
      values.push(value);
    };
    const seen = new Set<number>();
    for (const unit of units) {
      add((fraction === null ? 1 : this.#half) + unit, 1);
      const { inputs, outputs } = graph.units[unit]!;
      for (const tensor of inputs) {
        if (inside.has(graph.tensors[tensor]!.producer ?? -1) || seen.has(tensor)) continue;
        seen.add(tensor);
        add(this.#in + tensor, fraction === null ? 1 : fractionRead(graph, unit, tensor, this.#device, fraction));
      }
      for (const tensor of outputs) {
        const { graphOutput, consumers } = graph.tensors[tensor]!;
        if (graphOutput || consumers.some((consumer) => !inside.has(consumer))) add(this.#out + tensor, fraction ?? 1);
      }
    }
    // Between absolute and relative errors: a session's time spreads about as the root of it.
    return { columns, values, target: ms, weight: weight / Math.sqrt(Math.max(ms, 1e-3)) };
  }
}
