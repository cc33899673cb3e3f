// Times of units and moves, as often as one likes: placements are drawn at random, and each is followed by its complement, so
// every unit is timed on each device, in turn with all others, and tensors move in both directions.
import { InputError } from '../../../base/errors/input-error.js';
import { Rng } from '../../../base/random/rng.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { Conditions } from '../../conditions.js';
import type { ExecutionError, Executor } from '../../executor.js';
import { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';

export interface CostSamples {
  /** Per unit and device, in ms; empty where the device does not run it. */
  readonly unitMs: readonly (readonly [readonly number[], readonly number[]])[];
  /** Per tensor and destination, in ms; empty where it did not move. */
  readonly moveMs: readonly (readonly [readonly number[], readonly number[]])[];
}

/**
 * Times every unit on each device that can run it, and the moves of tensors. A unit's time holds its launch and
 * synchronisation. Of an executor that cannot time units one by one it is the executor's own estimate.
 * @param conditions in serial execution units run one after the other, and the device that has nothing to do may sleep
 * meanwhile; in overlap execution they run as they will, on devices that are awake: of an executor whose segments are
 * single units.
 * @param rounds times that each unit is timed on each device
 * @param warmUp rounds before these, which load and warm and do not count
 * @throws InputError when an execution fails, naming the unit, or its units cannot be timed separately
 */
export function sampleCosts(
  executor: Executor,
  graph: OperatorGraph,
  conditions: Conditions,
  rounds: number,
  warmUp: number,
): CostSamples {
  const random = Rng.of(conditions.seed, 'measured-costs');
  const execute = conditions.execution === 'serial' ? stepByStep : asTheyWill;
  const unitMs = graph.units.map((): [number[], number[]] => [[], []]);
  const moveMs = graph.tensors.map((): [number[], number[]] => [[], []]);
  for (let round = 0; round < warmUp + rounds; round++) {
    const placement = graph.units.map(() => random.integer(2));
    for (const flip of [0, 1]) {
      const devices = graph.units.map(({ id, onlyOn }) => onlyOn ?? ((placement[id]! ^ flip) as 0 | 1));
      const { busyMs, trace } = execute(executor, graph, conditions, devices);
      if (round < warmUp) continue;
      for (const [unit, device] of devices.entries()) unitMs[unit]![device].push(busyMs[unit]!);
      for (const { tensor, to, ms } of movesOf(trace)) moveMs[tensor]![to].push(ms);
    }
  }
  return { unitMs, moveMs };
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
      'Make the executor with maxSegmentUnits: 1, or measure in serial execution.',
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
