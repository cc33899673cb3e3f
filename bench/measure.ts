// Timing that suits a shared machine: warm up, repeat for a while, and take the fastest repetition.

/** Milliseconds of the fastest of several batches of `run`, per call. */
export function fastestMs(run: () => void, { batches = 7, callsPerBatch = 1 } = {}): number {
  for (let i = 0; i < callsPerBatch; i++) run();
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < batches; batch++) {
    const startMs = performance.now();
    for (let i = 0; i < callsPerBatch; i++) run();
    best = Math.min(best, (performance.now() - startMs) / callsPerBatch);
  }
  return best;
}
