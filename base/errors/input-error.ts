// Errors that a user can mend. Anything else that is thrown is a defect of ours and keeps its stack trace.
import { printable } from '../text/printable.js';

/**
 * Bad input: the first line says what is wrong, with the input's name, the rule and the actual value; the second, what to do.
 * The command line prints both lines and exits with 1.
 */
export class InputError extends Error {
  override readonly name: string = 'InputError';

  readonly problem: string;
  readonly remedy: string;

  /**
   * Each is one line whatever it quotes: line breaks and other control characters are escaped.
   * @param problem several are a list below the first
   */
  constructor(problem: string | readonly string[], remedy: string) {
    const lines = [problem].flat().map(printable).join('\n- ');
    super(`${lines}\n${printable(remedy)}`);
    this.problem = lines;
    this.remedy = printable(remedy);
  }
}

/** A command line that cannot be understood; exit code 2. */
export class UsageError extends InputError {
  override readonly name = 'UsageError';
}

/** The candidate nearest to `name` by edit distance, as `did you mean "x"? ` or nothing, with every candidate listed. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const scored = candidates.map((candidate) => ({ candidate, distance: editDistance(name, candidate) }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  const hint = best && best.distance <= Math.max(2, name.length / 3) ? `Did you mean "${best.candidate}"? ` : '';
  return `${hint}Known: ${candidates.join(', ')}.`;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length]!;
}
