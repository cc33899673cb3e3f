// What an episode of a stream came to: the last info, what it is compared with, and what must hold of it.
import { InputError } from '../../base/errors/input-error.js';
import type { ExecutionError } from '../../engine/executor.js';
import type { Trace } from '../../engine/trace.js';
import { traceViolations } from '../../engine/trace-invariants.js';
import type { Info } from '../gym/env.js';
import type { StreamEpisode } from './episode.js';
import { playStream, type ServedBatch } from './queue.js';
import type { StreamSetting } from './setting.js';

/** The last info of an episode. */
export interface StreamOutcome {
  /** Sum of response times, arrival to answer, and of penalties. */
  readonly objectiveMs: number;
  readonly referenceMs: number;
  readonly misses: number;
  /** Of the whole board from the start to the last answer, mJ; null where no power is known. */
  readonly energyMj: number | null;
  readonly responsesMs: readonly number[];
  readonly served: readonly ServedBatch[];
  /** Of the last inference. */
  readonly trace: Trace;
}

/**
 * The outcome that the last info of an episode is.
 * @throws InputError when the execution failed, or the episode has not ended
 */
export function streamOutcome(info: Info): StreamOutcome {
  if (isOutcome(info)) return info;
  const { error } = (info.error ?? {}) as Partial<ExecutionError>;
  throw error === undefined
    ? new InputError('streams: this is not the last info of an episode.', 'Take the info of the step that terminates.')
    : new InputError(
        `an execution failed: ${error}.`,
        'Give the same command again to continue, or choose another device pair.',
      );
}

function isOutcome(info: Info): info is Info & StreamOutcome {
  const { objectiveMs, referenceMs, misses, responsesMs, served, trace } = info;
  const numbers = [objectiveMs, referenceMs, misses].every((value) => typeof value === 'number');
  return numbers && Array.isArray(responsesMs) && Array.isArray(served) && typeof trace === 'object' && trace !== null;
}

/** From arrival to answer, of each request. */
export function responsesMs({ arrivalMs }: StreamEpisode, served: readonly ServedBatch[]): number[] {
  return served.flatMap(({ first, requests, endMs }) =>
    Array.from({ length: requests }, (_, i) => endMs - arrivalMs[first + i]!),
  );
}

/** C_ref: the objective of the better single device in the same episode, decisions taking no time. */
export function referenceMs(episode: StreamEpisode): number {
  const objectives = [0, 1].map(
    (device) =>
      playStream(
        episode,
        ({ model, size, condition }) => episode.setting.caseOf(model, size, condition).singleMs[device]!,
        ({ model, size, condition }) => episode.setting.caseOf(model, size, condition).singleMj?.[device] ?? 0,
      ).objectiveMs,
  );
  // A device that runs nothing has none.
  return Math.min(...objectives.filter(Number.isFinite));
}

/** What of an episode contradicts itself, as sentences. */
export function outcomeViolations(
  setting: StreamSetting,
  { served, responsesMs: answers, objectiveMs, misses, energyMj, trace }: StreamOutcome,
): string[] {
  const { requests, missPenaltyMs, energyBudgetMj, overBudgetMsPerMj } = setting.options;
  const last = served.at(-1)!;
  const { graph } = setting.caseOf(last.model, setting.batches.indexOf(last.size), last.condition);
  const found = traceViolations(graph, trace);
  const answered = served.reduce((sum, batch) => sum + batch.requests, 0);
  if (answered !== requests) found.push(`${answered} of ${requests} requests were answered`);
  served.forEach(({ startMs, endMs }, i) => {
    if (!(startMs >= (served[i - 1]?.endMs ?? 0) && endMs > startMs)) found.push(`batch ${i} runs beside another`);
  });
  const overMj = energyBudgetMj === null ? 0 : Math.max(0, energyMj! - energyBudgetMj * requests);
  const sumMs = answers.reduce((sum, ms) => sum + ms, 0) + misses * missPenaltyMs + overMj * overBudgetMsPerMj;
  if (Math.abs(sumMs - objectiveMs) > 1e-9 * sumMs)
    found.push(`response times and penalties add up to ${sumMs} ms, but the objective is ${objectiveMs} ms`);
  return found;
}
