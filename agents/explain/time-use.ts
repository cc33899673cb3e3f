// Where the time of an execution goes. Every instant of it counts once, so the parts add up to its latency, in overlap
// execution too: while a device computes the instant is computing, whatever is launched or copied beside it.
import type { Schedule } from '../../engine/schedule.js';
import type { Trace, TraceEvent } from '../../engine/trace.js';

/** Of one instant, first match first. `wait`: the host waits for a result of device 1; `idle`: nothing of these. */
export const activities = ['compute', 'copy', 'launch', 'wait', 'idle'] as const;
export type Activity = (typeof activities)[number];

export type TimeUse = Readonly<Record<Activity, number>>;

export interface TimeUses {
  /** Of the execution; ms, adding up to its latency. */
  readonly total: TimeUse;
  /** Of each device: computing on it, copying to it, launching on it, waiting for it. Both add up to the latency too. */
  readonly devices: readonly [TimeUse, TimeUse];
  /** Time in which both devices compute. */
  readonly bothMs: number;
}

interface Span {
  readonly activity: Exclude<Activity, 'idle'>;
  readonly device: 0 | 1;
  readonly startMs: number;
  readonly endMs: number;
}

/** @param launches whether launches on device 1 take time: of the launches of a split unit the first is then device 1's */
export function timeUses(trace: Trace, launches: boolean): TimeUses {
  const spans = spansOf(trace, launches);
  const edges = spans.flatMap((span) => [
    { atMs: span.startMs, span, change: 1 },
    { atMs: span.endMs, span, change: -1 },
  ]);
  edges.sort((a, b) => a.atMs - b.atMs);
  const running = { compute: [0, 0], copy: [0, 0], launch: [0, 0], wait: [0, 0] };
  const total = none();
  const devices = [none(), none()] as const;
  let bothMs = 0;
  let sinceMs = 0;
  const spend = (untilMs: number): void => {
    const ms = untilMs - sinceMs;
    if (ms <= 0) return;
    total[first((activity) => running[activity][0]! + running[activity][1]! > 0)] += ms;
    for (const device of [0, 1] as const) devices[device][first((activity) => running[activity][device]! > 0)] += ms;
    if (running.compute[0]! > 0 && running.compute[1]! > 0) bothMs += ms;
    sinceMs = untilMs;
  };
  for (const { atMs, span, change } of edges) {
    spend(Math.min(atMs, trace.makespanMs));
    running[span.activity][span.device]! += change;
  }
  spend(trace.makespanMs);
  return { total, devices, bothMs };
}

const none = (): Record<Activity, number> => ({ compute: 0, copy: 0, launch: 0, wait: 0, idle: 0 });

function first(runs: (activity: Span['activity']) => boolean): Activity {
  for (const activity of activities) if (activity === 'idle' || runs(activity)) return activity;
  return 'idle';
}

const activityOf = { compute: 'compute', reorder: 'compute', copy: 'copy', launch: 'launch', sync: 'wait' } as const;

function spansOf({ events, lanes, schedule }: Trace, launches: boolean): Span[] {
  const launched = new Set<number>();
  return events
    .filter(({ startMs, endMs }) => endMs > startMs)
    .map((event) => {
      const { kind, lane, startMs, endMs, units } = event;
      let { device } = lanes[lane]!;
      if (kind === 'sync') device = 1;
      if (kind === 'launch') {
        device = launchedOn(event, schedule, launches && !launched.has(units[0]!));
        launched.add(units[0]!);
      }
      return { activity: activityOf[kind], device, startMs, endMs };
    });
}

/** The host launches on both devices, and device 1's part of a split unit before its own. */
function launchedOn({ units }: TraceEvent, { share }: Schedule, firstIsDevice1: boolean): 0 | 1 {
  const fraction = share[units[0]!]!;
  return fraction === 0 ? 0 : fraction === 1 || firstIsDevice1 ? 1 : 0;
}
