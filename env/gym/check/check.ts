// The interface of a check, and the function by which all of them play an episode. Every result is turned into text at once,
// so that a later change of a returned object is noticed.
import type { Rng } from '../../../base/random/rng.js';
import type { Env, Guarantees, Info, StepResult } from '../env.js';
import type { Mask } from '../spaces/space.js';

/** Two instances made alike, and what they promise. */
export interface Subject {
  readonly env: Env<unknown, unknown>;
  readonly twin: Env<unknown, unknown>;
  readonly guarantees: Guarantees;
  readonly seed: number;
  /** An episode that is still going after this many steps is taken to be endless. */
  readonly maxSteps: number;
  /** The random generator of a name. Checks reuse generators where possible, because on hardware each new schedule is compiled. */
  actions(...names: (string | number)[]): Rng;
}

export interface Check {
  readonly name: string;
  /** What to do about a problem. */
  readonly remedy: string;
  /** Only advice. */
  readonly advice?: true;
  /** Whether the other checks are pointless if this one fails. */
  readonly first?: true;
  /** Why the check does not apply; null when it does. */
  readonly skip?: (subject: Subject) => string | null;
  /** The problem in sentences; null if there is none. */
  readonly problem: (subject: Subject) => string | null;
}

/** One step as text, wall-clock times left out. */
export interface StepRecord {
  readonly action: unknown;
  readonly text: string;
  readonly result: StepResult<unknown>;
}

export interface EpisodeRecord {
  readonly reset: string;
  readonly steps: readonly StepRecord[];
}

/** An episode with actions drawn under the masks, from its reset on. */
export function play(env: Env<unknown, unknown>, subject: Subject, rng: Rng, seed?: number): EpisodeRecord {
  const { observation, info } = env.reset(seed === undefined ? {} : { seed });
  return { reset: text({ observation, info }), steps: goOn(env, subject, rng, info) };
}

/** The rest of an episode whose latest info is `info`. */
export function goOn(env: Env<unknown, unknown>, subject: Subject, rng: Rng, info: Info): StepRecord[] {
  const steps: StepRecord[] = [];
  for (let latest = info, over = false; !over && steps.length < subject.maxSteps; ) {
    const action = env.actionSpace.sample(rng, maskOf(latest));
    const result = env.step(action);
    steps.push({ action, text: text(result), result });
    latest = result.info;
    over = result.terminated || result.truncated;
  }
  return steps;
}

/** Takes these actions. */
export function repeat(env: Env<unknown, unknown>, actions: readonly StepRecord[]): string[] {
  return actions.map(({ action }) => text(env.step(action)));
}

export function maskOf({ actionMask }: Info): Mask | null {
  return (actionMask as Mask | undefined) ?? null;
}

/** The value as JSON; numbers that JSON lacks are spelt out, and wall-clock times (`...wallMs`, `...WallS`) left out. */
export function text(value: unknown): string {
  return JSON.stringify(value, (key, part) => {
    if (/wall(Ms|S)$/i.test(key)) return undefined;
    return typeof part === 'number' && !Number.isFinite(part) ? String(part) : part;
  });
}

/** Where two lists of texts first differ, as a sentence; null where they do not. */
export function difference(what: string, expected: readonly string[], actual: readonly string[]): string | null {
  const at = expected.findIndex((one, i) => one !== actual[i]);
  if (at < 0) return null;
  const [a, b] = [expected[at]!, actual[at] ?? 'nothing'];
  const character = Math.max(0, [...a].findIndex((one, i) => one !== b[i]) - 30);
  const part = (whole: string) => `${character > 0 ? '...' : ''}${whole.slice(character, character + 90)}`;
  return `${what}: the results differ from call ${at + 1} on: ${part(a)} and ${part(b)}.`;
}

export const texts = (steps: readonly StepRecord[]): string[] => steps.map((step) => step.text);

/** Whether calling it throws. */
export function throws(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch {
    return true;
  }
}
