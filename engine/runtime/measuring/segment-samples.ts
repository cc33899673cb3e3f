// Times of segments and hand-overs within schedules, drawn at random and each followed by its exchange, so that either device
// runs every part of the model, alone and beside the other.
import { InputError } from '../../../base/errors/input-error.js';
import { Rng } from '../../../base/random/rng.js';
import { fasterHalf, mean } from '../../../base/statistics/faster-half.js';
import { median } from '../../../base/statistics/quantile.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { FittedMove, UnitMeasurement } from '../../../predictor/tables/unit-times.js';
import type { Conditions } from '../../conditions.js';
import { cutSchedule, exchanged } from '../../cut-schedule.js';
import type { Executor } from '../../executor.js';
import { Schedule } from '../../schedule.js';
import { pollMs } from '../../segments/operations.js';
import type { Trace, TraceEvent } from '../../trace.js';
import { fitMove } from './measured-costs.js';
import { spreadOf } from './spread.js';

/** Most schedules that segments are taken from, the two single devices among them. */
export const sampledSchedules = 42;
/** Of units that can split, in every other schedule. */
const splits = 0.4;

/**
 * @param executor on lanes; it should keep as many plans as there are schedules
 * @param rounds times that each schedule is executed, in random order; the faster half of them counts
 * @throws InputError when an execution fails
 */
export function sampleSegments(
  executor: Pick<Executor, 'run'>,
  graph: OperatorGraph,
  conditions: Conditions,
  rounds: number,
): Pick<UnitMeasurement, 'segments' | 'handover'> {
  const random = Rng.of(conditions.seed, 'measured-segments');
  const drawn = [Schedule.onDevice(graph, 0), Schedule.onDevice(graph, 1)];
  while (drawn.length < sampledSchedules) {
    const next = cutSchedule(graph, random, drawn.length % 4 === 0 ? splits : 0);
    drawn.push(next, exchanged(graph, next));
  }
  // Each once: the same sessions again at once would find what they read in the caches.
  const schedules = [...new Map(drawn.map((schedule) => [`${schedule.share}/${schedule.order}`, schedule])).values()];
  const tracesOf = new Map(schedules.map((schedule): [Schedule, Trace[]] => [schedule, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const schedule of random.shuffle(schedules)) {
      const trace = executor.run(graph, schedule, conditions);
      if ('error' in trace)
        throw new InputError(`devices: segments cannot be measured: ${trace.error}.`, 'Choose another device pair.');
      // The first round loads and warms.
      if (round > 0) tracesOf.get(schedule)!.push(trace);
    }
  }
  const samples = new Samples();
  for (const traces of tracesOf.values())
    for (const trace of fasterHalf(traces, ({ makespanMs }) => makespanMs)) samples.add(trace);
  return samples.summary();
}

type Points = { readonly bytes: number; readonly ms: number }[];

class Samples {
  readonly #segments = new Map<string, { event: TraceEvent; device: 0 | 1; ms: number[]; besideMs: number[] }>();
  readonly #out: readonly [Points, Points] = [[], []];
  readonly #in: readonly [Points, Points] = [[], []];
  readonly #noticeMs: number[] = [];
  readonly #wakeMs: number[] = [];

  add({ events, lanes }: Trace): void {
    const computing = events.filter(({ kind }) => kind === 'compute');
    for (const event of computing) {
      const { device } = lanes[event.lane]!;
      const ms = event.endMs - event.startMs;
      const besideMs = computing.reduce(
        (sum, { lane, startMs, endMs }) =>
          lane === event.lane
            ? sum
            : sum + Math.max(0, Math.min(endMs, event.endMs) - Math.max(startMs, event.startMs)),
        0,
      );
      const key = `${device}/${event.units.join('+')}/${event.part ?? ''}`;
      const kept = this.#segments.get(key) ?? { event, device, ms: [], besideMs: [] };
      kept.ms.push(ms);
      kept.besideMs.push(besideMs);
      this.#segments.set(key, kept);
    }
    const sentMs = new Map(events.flatMap(({ outward, tensor, endMs }) => (outward ? [[tensor!, endMs]] : [])));
    const freeMs = lanes.map(() => 0);
    for (const { kind, lane, outward, tensor, bytes, startMs, endMs } of events) {
      if (kind === 'sync') (startMs - freeMs[lane]! > pollMs ? this.#wakeMs : this.#noticeMs).push(endMs - startMs);
      freeMs[lane] = endMs;
      if (kind !== 'copy' || !bytes) continue;
      const { device } = lanes[lane]!;
      if (outward) this.#out[device].push({ bytes, ms: endMs - startMs });
      // What follows the sending lane takes that one's time, not its own.
      else if (startMs >= (sentMs.get(tensor!) ?? 0)) this.#in[device].push({ bytes, ms: endMs - startMs });
    }
  }

  summary(): Pick<UnitMeasurement, 'segments' | 'handover'> {
    const noticeMs = this.#noticeMs.length > 0 ? median(this.#noticeMs) : 0;
    const both = (of: (device: 0 | 1) => FittedMove) => [of(0), of(1)] as const;
    return {
      segments: [...this.#segments.values()].map(({ event, device, ms, besideMs }) => ({
        device,
        units: event.units,
        part: event.part ?? null,
        meanMs: mean(ms),
        besideMs: mean(besideMs),
        ...spreadOf(ms)!,
      })),
      handover: {
        out: both((device) => fitMove(bySize(this.#out[device]))),
        in: both((device) => fitMove(bySize(this.#in[device].length > 0 ? this.#in[device] : this.#out[device]))),
        noticeMs,
        wakeMs: this.#wakeMs.length > 0 ? median(this.#wakeMs) : noticeMs,
      },
    };
  }
}

/** The median of each size. */
function bySize(points: Points): Points {
  const sizes = new Map<number, number[]>();
  for (const { bytes, ms } of points) sizes.set(bytes, [...(sizes.get(bytes) ?? []), ms]);
  return [...sizes].map(([bytes, times]) => ({ bytes, ms: median(times) }));
}
