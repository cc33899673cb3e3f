// ONNX Runtime's own profile of a run, reduced to what a trace needs: each kernel's name, operator, provider and times.
// Kernel times are those of the host thread; where a provider measures its queue (WebGPU does, by timestamps) each kernel
// has its time on the device too. Names are the user's again.
import { userNames } from '../../../base/onnx/names.js';

export interface Kernel {
  /** Of the node in the optimised graph. */
  readonly node: string;
  readonly opType: string;
  readonly device: 0 | 1;
  /** On the host thread, ms since the run began. */
  readonly startMs: number;
  readonly endMs: number;
  /** Time on the device's own queue, ms; null if the provider does not report it. */
  readonly deviceMs: number | null;
}

export interface RunProfile {
  readonly kernels: readonly Kernel[];
  /** From the call until the first kernel may start, while inputs are copied to their devices. */
  readonly executeStartMs: number;
  /** When the last kernel was launched; outputs are copied back until `endMs`. */
  readonly executeEndMs: number;
  readonly endMs: number;
}

/** An event of the profile file; times in us. */
export interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args?: { readonly op_name?: string | undefined; readonly provider?: string | undefined } | undefined;
}

/** The last run in a profile file; the ones before it warm up. */
export function lastRun(events: readonly ProfileEvent[]): RunProfile {
  const runs = runsIn(events);
  return runOf(events, runs, runs.length - 1);
}

/**
 * The fastest run after the warm-ups, which other programs disturbed least.
 * @param warmUps runs at the beginning that do not count
 */
export function fastestRun(events: readonly ProfileEvent[], warmUps: number): RunProfile {
  const runs = runsIn(events);
  let fastest = warmUps;
  for (let index = warmUps; index < runs.length; index++) if (runs[index]!.dur < runs[fastest]!.dur) fastest = index;
  return runOf(events, runs, fastest);
}

const runsIn = (events: readonly ProfileEvent[]): ProfileEvent[] =>
  events.filter(({ name }) => name === 'model_run').sort((a, b) => a.ts - b.ts);

function runOf(events: readonly ProfileEvent[], runs: readonly ProfileEvent[], index: number): RunProfile {
  const run = runs[index];
  if (!run) throw new Error('the profile holds no run');
  const onDevice = deviceTimes(events, runs.length, index);
  const endUs = run.ts + run.dur;
  const within = events.filter(({ ts }) => ts >= run.ts && ts <= endUs);
  const execute = within.find(({ name }) => name === 'SequentialExecutor::Execute');
  if (!execute) throw new Error('the profile holds a run without an execution');
  const sinceStart = (us: number) => (us - run.ts) / 1000;
  const kernels = within
    .filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'))
    .sort((a, b) => a.ts - b.ts)
    .map(({ name, ts, dur, args }): Kernel => {
      const node = userNames(name.replace(/_kernel_time$/, ''));
      const device = args?.provider === 'CPUExecutionProvider' ? 0 : 1;
      return {
        node,
        opType: args?.op_name ?? '',
        device,
        startMs: sinceStart(ts),
        endMs: sinceStart(ts + dur),
        deviceMs: device === 1 && onDevice ? (onDevice.get(node) ?? 0) : null,
      };
    });
  return {
    kernels,
    executeStartMs: sinceStart(execute.ts),
    executeEndMs: sinceStart(execute.ts + execute.dur),
    endMs: sinceStart(endUs),
  };
}

/**
 * Per node, its time on the device in the `index`-th of `runs`, ms; null where the provider measures none. A node may launch
 * several programs, named `node&operator&program`, so its events are summed; the k-th run's are the k-th part of them.
 */
function deviceTimes(events: readonly ProfileEvent[], runs: number, index: number): Map<string, number> | null {
  const byNode = new Map<string, ProfileEvent[]>();
  for (const event of events) {
    if (event.cat !== 'Api' || !event.name.includes('&')) continue;
    const node = userNames(event.name.slice(0, event.name.indexOf('&')));
    byNode.set(node, [...(byNode.get(node) ?? []), event]);
  }
  if (byNode.size === 0) return null;
  return new Map(
    [...byNode].map(([node, all]) => {
      const each = Math.max(1, Math.round(all.length / runs));
      // From the end: what a first run does once comes before.
      const end = Math.max(0, all.length - each * (runs - 1 - index));
      return [node, all.slice(Math.max(0, end - each), end).reduce((total, { dur }) => total + dur / 1000, 0)];
    }),
  );
}
