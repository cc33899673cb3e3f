// A cost table measured on this machine: what planners and observations know beforehand of real devices. Random placements
// and their complements run unit by unit, so every unit is timed on each device and tensors move in both directions.
import { InputError } from '../../base/errors/input-error.js';
import { Stream } from '../../base/random/stream.js';
import { median } from '../../base/statistics/quantile.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import type { CostTable } from '../device/cost-table.js';
import type { Executor } from '../executor.js';
import type { Trace } from '../trace.js';

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
 * @param rounds times that each unit is measured on each device; the first one loads and warms, and does not count
 * unless it is the only one. One is enough where times are the executor's estimates.
 * @throws InputError when an execution fails, naming the unit
 */
export function measureCosts(
  executor: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  rounds = 8,
): MeasuredCosts {
  const random = Stream.of(conditions.seed, 'measured-costs');
  const unitMs = graph.units.map((): [number[], number[]] => [[], []]);
  const moveMs = graph.tensors.map((): [number[], number[]] => [[], []]);
  for (let round = 0; round < rounds; round++) {
    const placement = graph.units.map(() => random.integer(2));
    for (const flip of [0, 1]) {
      const run = executor.begin(graph, conditions);
      const busyMs = graph.units.map(({ id, onlyOn }) => {
        const device = onlyOn ?? ((placement[id]! ^ flip) as 0 | 1);
        const beforeMs = run.state.busyMs(device);
        run.decide(id, device);
        return { device, ms: run.state.busyMs(device) - beforeMs };
      });
      const trace = run.finish();
      if ('error' in trace)
        throw new InputError(
          `devices: the costs of units cannot be measured: ${trace.error}.`,
          'Choose another device pair.',
        );
      if (round === 0 && rounds > 1) continue;
      for (const [unit, { device, ms }] of busyMs.entries()) unitMs[unit]![device].push(ms);
      for (const { tensor, to, ms } of movesOf(trace)) moveMs[tensor]![to].push(ms);
    }
  }
  const typicalMs = unitMs.map((times) =>
    times.map((each) => (each.length > 0 ? median(each) : Number.POSITIVE_INFINITY)),
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

/** Each tensor's moves: copying out, noticing and copying in. */
function movesOf({ events, lanes }: Trace): { tensor: number; to: 0 | 1; ms: number }[] {
  const total = new Map<string, { tensor: number; to: 0 | 1; ms: number }>();
  for (const { kind, tensor, lane, outward, startMs, endMs } of events) {
    if (tensor === undefined || (kind !== 'copy' && kind !== 'sync')) continue;
    const { device } = lanes[lane]!;
    const to = (outward ? 1 - device : device) as 0 | 1;
    const move = total.get(`${tensor}/${to}`) ?? { tensor, to, ms: 0 };
    move.ms += endMs - startMs;
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
