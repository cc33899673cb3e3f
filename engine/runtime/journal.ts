// A journal of what native code is about to run. A crash in native code ends the process; the small file then says what was
// running. The parent process reads it, and the next process does not run that again.
//
// The file is a header line, then a line of decisions for each call into the executor: written before the call, ended by
// its line break after it. A last line without a line break was in flight. Nothing is flushed to the disk: the kernel keeps
// what a dead process wrote.
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../base/files/atomic.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { Conditions } from '../conditions.js';
import { decideAll, type ExecutionError, type Executor, type Run } from '../executor.js';
import type { Schedule } from '../schedule.js';
import type { Trace } from '../trace.js';

/** Unit, its share on device 1, its lane. */
export type Decision = readonly [unit: number, share: number, lane: number];

/** An execution that was under way. */
export interface InFlight {
  readonly model: string;
  readonly devices: readonly string[];
  readonly graphHash: string;
  readonly execution: Conditions['execution'];
  /** In order, what was in flight last. */
  readonly decisions: readonly Decision[];
  /** The unit that ran alone; null where the whole schedule did. */
  readonly unit: number | null;
  /** Where it ran; null for both, and for a whole schedule. */
  readonly device: 0 | 1 | null;
}

/** A process that died in native code. */
export interface Crash extends InFlight {
  /** Such as SIGSEGV. */
  readonly signal: string;
}

export interface JournalOptions {
  readonly path: string;
  /** URI of the executor's model. */
  readonly model: string;
  /** Whether `decide` runs its unit at once, as lanes do; a session runs everything with the last decision. */
  readonly stepwise: boolean;
  /** Earlier crashes: these fail with an `ExecutionError` and are not run again. */
  readonly crashes: readonly Crash[];
}

/**
 * The same executor, keeping a journal. A unit that crashed alone is not supported on that device from then on, and fails
 * in every schedule that puts it there; a whole schedule that crashed fails where exactly that schedule is asked for.
 *
 * Costs two writes to an open file for each decision, about 3 us together.
 */
export function journaled(executor: Executor, options: JournalOptions): Executor {
  return new JournaledExecutor(executor, options);
}

class JournaledExecutor implements Executor {
  readonly kind;
  readonly devices;
  readonly #inner: Executor;
  readonly #options: JournalOptions;
  readonly #crashes: readonly Crash[];
  readonly #file: number;

  constructor(inner: Executor, options: JournalOptions) {
    this.#inner = inner;
    this.#options = options;
    this.kind = inner.kind;
    this.devices = inner.devices;
    const names = String(this.devices.map(({ name }) => name));
    this.#crashes = options.crashes.filter(({ devices }) => String(devices) === names);
    makeFolder(dirname(options.path));
    // Appending: after a truncation it goes on at the beginning.
    this.#file = openSync(options.path, 'a');
    ftruncateSync(this.#file);
  }

  /** Without the units that crashed alone. */
  supported(graph: OperatorGraph): Uint8Array {
    const supported = this.#inner.supported(graph);
    for (const { graphHash, unit, device } of this.#crashes)
      if (graphHash === graph.hash && unit !== null && device !== null) supported[2 * unit + device] = 0;
    return supported;
  }

  begin(graph: OperatorGraph, conditions: Conditions): Run {
    const run = this.#inner.begin(graph, conditions);
    const decisions: Decision[] = [];
    let refused: ExecutionError | null = null;
    this.#open(graph, conditions);
    return {
      state: run.state,
      decide: (unit, share, lane = 0) => {
        const decision: Decision = [unit, share, lane];
        decisions.push(decision);
        refused ??= this.#refusal(graph, conditions, decisions, [decision]);
        return refused ? Number.NaN : this.#noted([decision], () => run.decide(unit, share, lane));
      },
      finish: () => refused ?? this.#noted([], () => run.finish()),
    };
  }

  run(graph: OperatorGraph, schedule: Schedule, conditions: Conditions): Trace | ExecutionError {
    if (this.#options.stepwise && conditions.execution === 'serial')
      return decideAll(this.begin(graph, conditions), schedule);
    const decisions = [...schedule.order].map((unit): Decision => [unit, schedule.share[unit]!, schedule.lane[unit]!]);
    const refused = this.#refusal(graph, conditions, decisions, decisions);
    if (refused) return refused;
    this.#open(graph, conditions);
    return this.#noted(decisions, () => this.#inner.run(graph, schedule, conditions));
  }

  close(): void {
    this.#inner.close();
    closeSync(this.#file);
    rmSync(this.#options.path, { force: true });
  }

  /** Begins the journal of an execution; the one before is over. */
  #open({ hash }: OperatorGraph, { execution }: Conditions): void {
    const { model, stepwise } = this.#options;
    const header: Header = {
      model,
      devices: this.devices.map(({ name }) => name),
      graphHash: hash,
      execution,
      stepwise,
    };
    ftruncateSync(this.#file);
    writeSync(this.#file, `${JSON.stringify(header)}\n`);
  }

  #noted<T>(decisions: readonly Decision[], call: () => T): T {
    writeSync(this.#file, JSON.stringify(decisions));
    try {
      return call();
    } finally {
      writeSync(this.#file, '\n');
    }
  }

  /** Why an execution of `decisions`, the last of which are `next`, is not begun or continued; null where it is. */
  #refusal(
    graph: OperatorGraph,
    { execution }: Conditions,
    decisions: readonly Decision[],
    next: readonly Decision[],
  ): ExecutionError | null {
    if (this.#crashes.length === 0) return null;
    const crash = this.#crashes.find((known) => {
      if (known.graphHash !== graph.hash) return false;
      if (known.unit === null) return known.execution === execution && sameDecisions(known.decisions, decisions);
      return next.some(([unit, share]) => unit === known.unit && deviceOf(share) === known.device);
    });
    if (!crash) return null;
    const { unit, device, signal } = crash;
    const what = unit === null ? 'this schedule' : `unit ${unit} "${graph.units[unit]!.name}"`;
    const where = device === null ? this.devices.map(({ name }) => name).join('+') : this.devices[device]!.name;
    return {
      error: `${what} crashed on ${where} before (${signal}) and is not run again`,
      unit,
      device,
    };
  }
}

interface Header extends Pick<InFlight, 'model' | 'devices' | 'graphHash' | 'execution'> {
  readonly stepwise: boolean;
}

const decisionsSchema = z.array(
  z.tuple([z.int().nonnegative(), z.number().min(0).max(1), z.int().nonnegative()]).readonly(),
);
const headerSchema = z.object({
  model: z.string(),
  devices: z.array(z.string()),
  graphHash: z.string(),
  execution: z.enum(['serial', 'overlap']),
  stepwise: z.boolean(),
});
/** The schema of a line of crashes. */
export const crashSchema = headerSchema.omit({ stepwise: true }).extend({
  signal: z.string(),
  decisions: decisionsSchema,
  unit: z.int().nonnegative().nullable(),
  device: z.union([z.literal(0), z.literal(1)]).nullable(),
});

/** What was running when a process died; null if there is no journal, nothing was running, or the file is damaged. */
export function inFlight(path: string): InFlight | null {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const last = lines.at(-1);
  // A line without a line break may also be a header or decisions that were only partly written.
  if (lines.length < 2 || !last?.endsWith(']')) return null;
  let header: Header;
  let steps: Decision[][];
  try {
    header = headerSchema.parse(JSON.parse(lines[0]!));
    steps = lines.slice(1).map((line) => decisionsSchema.parse(JSON.parse(line)));
  } catch {
    return null;
  }
  const { stepwise, ...execution } = header;
  const next = steps.at(-1)!;
  const [only] = stepwise && next.length === 1 ? next : [];
  return {
    ...execution,
    decisions: steps.flat(),
    unit: only ? only[0] : null,
    device: only ? deviceOf(only[1]) : null,
  };
}

/** Null where both devices have a part. */
function deviceOf(share: number): 0 | 1 | null {
  return share === 0 || share === 1 ? share : null;
}

function sameDecisions(a: readonly Decision[], b: readonly Decision[]): boolean {
  return a.length === b.length && a.every((decision, i) => decision.every((value, k) => value === b[i]![k]));
}
