// A benchmark's result, as `bench --json` prints it.

export interface BenchResult {
  readonly suite: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** What it is compared with in the same run, or only for scale, `ratio` being null then; null when nothing is. */
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** value / peerValue; null without a peer of the same run. */
  readonly ratio: number | null;
  /** What the ratio (without one, the value) should reach, or stay under. */
  readonly limit: number | null;
}
