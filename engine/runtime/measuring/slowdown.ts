// Whether a core runs at its own speed just now. Where its other hardware thread works for someone else, such as another
// virtual machine, everything on it takes up to half as long again, for tenths of a second to seconds at a time, and nothing
// that the operating system counts shows it. A short computation that always takes the same time does.

/** The fastest probe of this process so far, ns as Int32 (0: none yet): its threads compare with the same one. */
export const fastestProbe = new SharedArrayBuffer(4);

/**
 * Executions during which a core was slower than this times its fastest count as disturbed. Between what was seen on two virtual
 * cores of an x86-64 server: 1.0 to 1.1 undisturbed, 1.4 to 2 where the other hardware thread is at work.
 */
const disturbedFrom = 1.2;

/** An execution that is measured waits for so long at most for an undisturbed moment. */
export const patienceMs = 100;

/** Numbers in the first-level cache of any core, and passes over them: 50 us on a server's. */
const numbers = new Float64Array(2048).fill(1.0001);
const passes = 40;
/** The compiler has seen enough of the probe after so many. */
const warmUps = 200;
/** The least of so many counts: interruptions of microseconds are not meant. */
const probes = 3;

/** The speed of the core that the calling thread is on. */
export class SlowdownProbe {
  readonly #fastest: Int32Array;
  #warm = false;

  /** @param fastest `fastestProbe` of the process, also in its other threads */
  constructor(fastest: SharedArrayBuffer) {
    this.#fastest = new Int32Array(fastest);
  }

  /** How many times as long as the fastest so far a probe takes now: 1 on a core that nobody disturbs. */
  slowdown(): number {
    if (!this.#warm) for (let i = 0; i < warmUps; i++) probeNs();
    this.#warm = true;
    let leastNs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < probes; i++) leastNs = Math.min(leastNs, probeNs());
    const known = Atomics.load(this.#fastest, 0);
    if (known === 0 || leastNs < known) Atomics.store(this.#fastest, 0, leastNs);
    return known === 0 ? 1 : Math.max(1, leastNs / known);
  }
}

function probeNs(): number {
  const startMs = performance.now();
  // Four sums, so that the adders are busy: they are what hardware threads share.
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let pass = 0; pass < passes; pass++)
    for (let i = 0; i < numbers.length; i += 4) {
      a += numbers[i]! * numbers[i]!;
      b += numbers[i + 1]! * numbers[i + 1]!;
      c += numbers[i + 2]! * numbers[i + 2]!;
      d += numbers[i + 3]! * numbers[i + 3]!;
    }
  const ns = Math.round(1e6 * (performance.now() - startMs));
  // Always more than 0; without it nothing would need the sums.
  return a + b + c + d > 0 ? ns : 0;
}

/**
 * Executes until nothing disturbed an execution, neither before nor after it, for `patience` at most.
 * @param patience ms; 0: one execution, whatever disturbs it
 * @returns the latency of the least disturbed one, ms
 */
export async function patiently(
  probe: Pick<SlowdownProbe, 'slowdown'>,
  patience: number,
  execute: () => Promise<number>,
): Promise<number> {
  if (patience === 0) return execute();
  const endMs = performance.now() + patience;
  let latencyMs = 0;
  let least = Number.POSITIVE_INFINITY;
  do {
    let before = probe.slowdown();
    while (before > disturbedFrom && performance.now() < endMs) before = probe.slowdown();
    const ms = await execute();
    const disturbance = Math.max(before, probe.slowdown());
    if (disturbance < least) [least, latencyMs] = [disturbance, ms];
  } while (least > disturbedFrom && performance.now() < endMs);
  return latencyMs;
}
