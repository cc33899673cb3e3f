// A cost table measured on this machine: what planners and observations know beforehand of real devices. Random placements
// and their complements run unit by unit, so every unit is timed on each device and tensors move in both directions.
import { InputError } from '../../base/errors/input-error.js';
import { Stream } from '../../base/random/stream.js';
import { median, quantile } from '../../base/statistics/quantile.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import type { CostTable } from '../device/cost-table.js';
import type { ExecutionError, Executor } from '../executor.js';
import { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';

/** A unit's time is this quantile of the measured ones: what interrupts a measurement only ever makes it longer. */
const undisturbed = 0.25;

/** Moving b bytes to a device takes fixedMs + b * msPerByte. */
export interface FittedMove {
  readonly fixedMs: number;
  readonly msPerByte: number;
}

export interface MeasuredCosts extends CostTable {
  /** Unit times are medians of measurements; moves are fitted to measured ones, per destination. */
  readonly moves: readonly [FittedMove, FittedMove];
}

/**
 * Measures every unit on each device that can run it, and the moves of tensors. A unit's time holds its launch and
 * synchronisation. Of an executor that cannot time units one by one it is the executor's own estimate. The time of a
 * share is that share of the whole: an assumption.
 * @param conditions in the regime `serial` units run one after the other, and the device that has nothing to do may sleep
 * meanwhile; in the regime `overlap` they run as they will, on devices that are awake: of an executor whose segments are
 * single units.
 * @param rounds times that each unit is measured on each device; the first one loads and warms, and does not count
 * unless it is the only one. One is enough where times are the executor's estimates.
 * @throws InputError when an execution fails, naming the unit, or units cannot be told apart in it
 */
export function measureCosts(
  executor: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  rounds = 8,
): MeasuredCosts {
  const random = Stream.of(conditions.seed, 'measured-costs');
  const execute = conditions.regime === 'serial' ? stepByStep : asTheyWill;
  const unitMs = graph.units.map((): [number[], number[]] => [[], []]);
  const moveMs = graph.tensors.map((): [number[], number[]] => [[], []]);
  for (let round = 0; round < rounds; round++) {
    const placement = graph.units.map(() => random.integer(2));
    for (const flip of [0, 1]) {
      const devices = graph.units.map(({ id, onlyOn }) => onlyOn ?? ((placement[id]! ^ flip) as 0 | 1));
      const { busyMs, trace } = execute(executor, graph, conditions, devices);
      if (round === 0 && rounds > 1) continue;
      for (const [unit, device] of devices.entries()) unitMs[unit]![device].push(busyMs[unit]!);
      for (const { tensor, to, ms } of movesOf(trace)) moveMs[tensor]![to].push(ms);
    }
  }
  const typicalMs = unitMs.map((times) =>
    times.map((each) => (each.length > 0 ? quantile(each, undisturbed) : Number.POSITIVE_INFINITY)),
  );
  const moves = ([0, 1] as const).map((to) =>
    fitMove(
      graph.tensors.flatMap(({ id, bytes }) =>
        moveMs[id]![to].length > 0 ? [{ bytes, ms: median(moveMs[id]![to]) }] : [],
      ),
    ),
  ) as [FittedMove, FittedMove];
  return {
    moves,
    unitMs: (unit, device, share) => (share === 0 ? 0 : share * typicalMs[unit]![device]!),
    transferMs: (tensor, to, fraction = 1) =>
      moves[to]!.fixedMs + moves[to]!.msPerByte * graph.tensors[tensor]!.bytes * fraction,
    launchMs: () => 0,
    syncMs: 0,
  };
}

/** An execution, and how long each unit kept its device busy. */
interface Timed {
  readonly trace: Trace;
  readonly busyMs: ArrayLike<number>;
}

function stepByStep(
  executor: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  devices: readonly number[],
): Timed {
  const run = executor.begin(graph, conditions);
  const busyMs = devices.map((device, unit) => {
    const beforeMs = run.state.busyMs(device);
    run.decide(unit, device);
    return run.state.busyMs(device) - beforeMs;
  });
  return { trace: traceOf(run.finish()), busyMs };
}

function asTheyWill(
  executor: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  devices: readonly number[],
): Timed {
  const trace = traceOf(executor.run(graph, Schedule.of(graph, devices), conditions));
  if (trace.resolution !== 'unit')
    throw new InputError(
      'devices: the costs of units cannot be measured in segments of several.',
      'Make the executor with maxSegmentUnits: 1, or measure in the regime "serial".',
    );
  const busyMs = new Float64Array(graph.units.length);
  for (const { kind, units, startMs, endMs } of trace.events)
    if (kind === 'compute') busyMs[units[0]!]! += endMs - startMs;
  return { trace, busyMs };
}

function traceOf(result: Trace | ExecutionError): Trace {
  if (!('error' in result)) return result;
  throw new InputError(
    `devices: the costs of units cannot be measured: ${result.error}.`,
    'Choose another device pair.',
  );
}

/**
 * Each tensor's moves: the time in which it was copied out, noticed or copied in, of which some goes on at the same time.
 * What it lay in between, while its destination had other work, is not counted.
 */
function movesOf({ events, lanes }: Trace): { tensor: number; to: 0 | 1; ms: number }[] {
  const total = new Map<string, { tensor: number; to: 0 | 1; ms: number; untilMs: number }>();
  // In the order of their starts.
  for (const { kind, tensor, lane, outward, startMs, endMs } of events) {
    if (tensor === undefined || (kind !== 'copy' && kind !== 'sync')) continue;
    const { device } = lanes[lane]!;
    const to = (outward ? 1 - device : device) as 0 | 1;
    const move = total.get(`${tensor}/${to}`) ?? { tensor, to, ms: 0, untilMs: Number.NEGATIVE_INFINITY };
    move.ms += Math.max(0, endMs - Math.max(startMs, move.untilMs));
    move.untilMs = Math.max(move.untilMs, endMs);
    total.set(`${tensor}/${to}`, move);
  }
  return [...total.values()];
}

/**
 * The line through the points by medians (Theil, 1950; Sen, "Estimates of the Regression Coefficient Based on Kendall's
 * Tau", JASA 63, 1968): an interrupted move does not tilt it. Neither term is below 0. Where all points are of one size,
 * the line goes through the origin: most of a move is copying.
 */
export function fitMove(points: readonly { readonly bytes: number; readonly ms: number }[]): FittedMove {
  if (points.length === 0) return { fixedMs: 0, msPerByte: 0 };
  const slopes = points.flatMap((a, i) =>
    points.slice(i + 1).flatMap((b) => (a.bytes === b.bytes ? [] : [(b.ms - a.ms) / (b.bytes - a.bytes)])),
  );
  const msPerByte = Math.max(0, median(slopes.length > 0 ? slopes : points.map(({ bytes, ms }) => ms / bytes)));
  return { msPerByte, fixedMs: Math.max(0, median(points.map(({ bytes, ms }) => ms - msPerByte * bytes))) };
}
