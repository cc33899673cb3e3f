// Progress as a positional code, so that a small network can distinguish neighbouring decisions.

const frequencies = [1, 2, 4, 8, 16, 32] as const;

/** One for each column of the code. */
export const positionNames = frequencies.flatMap((frequency) => [`sin${frequency}`, `cos${frequency}`]);

/** The code of a progress in [0, 1), from column `at` on. */
export function writePosition(progress: number, out: Float32Array, at: number): void {
  for (let p = 0; p < frequencies.length; p++) {
    const angle = Math.PI * frequencies[p]! * progress;
    out[at + 2 * p] = Math.sin(angle);
    out[at + 2 * p + 1] = Math.cos(angle);
  }
}
