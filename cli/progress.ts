// Progress of a run: one bar per running job on a terminal, plain lines elsewhere.
import { MultiBar, type SingleBar } from 'cli-progress';
import type { JobProgress } from '../experiments/job.js';
import type { RunReporter } from '../experiments/trainings.js';

export interface TerminalReporter extends RunReporter {
  /** Gives the terminal back. */
  close(): void;
}

/** Progress goes to standard error: standard output is for results. */
export function createReporter(stream: NodeJS.WriteStream = process.stderr): TerminalReporter {
  return stream.isTTY ? barReporter(stream) : lineReporter(stream);
}

function barReporter(stream: NodeJS.WriteStream): TerminalReporter {
  let labels: readonly string[] = [];
  let bars: MultiBar | null = null;
  const running = new Map<number, SingleBar>();
  let total: SingleBar | null = null;
  const drop = (job: number) => {
    const bar = running.get(job);
    if (bar) bars?.remove(bar);
    running.delete(job);
  };
  return {
    stage(text) {
      if (!bars) stream.write(`${text}\n`);
    },
    jobs(names) {
      labels = names;
      bars = new MultiBar({ stream, clearOnComplete: true, hideCursor: true, format: '{bar} {value}/{total} {label}' });
      if (names.length > 1) total = bars.create(names.length, 0, { label: 'jobs' });
    },
    progress(job, { step, steps, objective, unit }: JobProgress) {
      if (!running.has(job)) running.set(job, bars!.create(steps, 0, { label: labels[job] }));
      const label = objective === null ? labels[job] : `${labels[job]}: ${objective.toFixed(3)}${unit}`;
      running.get(job)!.update(Math.min(step, steps), { label });
    },
    done(job) {
      drop(job);
      total?.increment();
      if (!total || total.getProgress() >= 1) this.close();
    },
    close() {
      bars?.stop();
      bars = null;
    },
  };
}

function lineReporter(stream: NodeJS.WriteStream): TerminalReporter {
  let labels: readonly string[] = [];
  let finished = 0;
  const latest = new Map<number, JobProgress>();
  return {
    stage: (text) => stream.write(`${text}\n`),
    jobs(names) {
      labels = names;
    },
    progress: (job, progress) => latest.set(job, progress),
    done(job) {
      finished += 1;
      const { objective = null, unit } = latest.get(job) ?? {};
      const result = objective === null ? '' : `: ${objective.toFixed(4)}${unit}`;
      stream.write(`[${finished}/${labels.length}] ${labels[job]}${result}\n`);
    },
    close() {},
  };
}
