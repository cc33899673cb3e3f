// Detects that a core runs slower than it can. A core's two hardware threads share its units: while the other thread works, for
// another virtual machine for example, everything takes up to 1.5 times as long, for tenths of a second to seconds. No counter of
// the operating system shows this. The probe does: a short computation that otherwise always takes the same time.

/** Time of the fastest probe of this process so far, ns as Int32 (0: none yet). All threads of the process compare with it. */
export const fastestProbe = new SharedArrayBuffer(4);

/**
 * An execution counts as disturbed from this slowdown on. Seen on two virtual cores of an x86-64 server: 1.0 to 1.1 undisturbed,
 * 1.4 to 2 while the other hardware thread works.
 */
const disturbedFrom = 1.2;

/** The longest that a measured execution waits for an undisturbed moment. */
export const patienceMs = 100;

/** Numbers that fit into the first-level cache of any core, and passes over them: 50 us on a server's core. */
const numbers = new Float64Array(2048).fill(1.0001);
const passes = 40;
/** Probes after which the compiler has optimised the probe. */
const warmUps = 200;
/** Probes of which the fastest counts, so that an interruption of microseconds is no slowdown. */
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
