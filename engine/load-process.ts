// Co-running load: what other programs take of the board while a model runs. A process is data, so that a trace that
// carries it can be replayed: either a Markov-modulated one, drawn from the conditions' seed, or samples of a recorded one.
import { InputError } from '../base/errors/input-error.js';
import { Rng } from '../base/random/rng.js';

/** Fractions in [0, 1) that others take: of the CPU's cores, of the GPU's time, of the memory's bandwidth. */
export interface LoadLevel {
  readonly cpu: number;
  readonly gpu: number;
  readonly memory: number;
  /** The clocks, as fractions in (0, 1] of what the power mode allows; 1 unless given. A kernel takes 1 / clock of its time. */
  readonly cpuClock?: number | undefined;
  readonly gpuClock?: number | undefined;
  /** What sensors report besides, and no time depends on: degrees Celsius, and the fraction of the memory in use. */
  readonly cpuCelsius?: number | undefined;
  readonly gpuCelsius?: number | undefined;
  readonly memoryUsed?: number | undefined;
}

/**
 * A continuous-time Markov chain modulates the load: it stays in a state for an exponential time of mean `meanMs`, then
 * jumps to any other with equal probability. It starts in its stationary distribution, state i with probability
 * meanMs_i / sum of meanMs. (Fischer, Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook", Performance
 * Evaluation 18(2), 1993, with levels in place of arrival rates.)
 */
export interface MarkovLoad {
  readonly kind: 'markov';
  readonly states: readonly (LoadLevel & { readonly meanMs: number })[];
}

/** Each sample's level holds until the next one's time, the last one's for good; the first is at 0 ms. */
export interface RecordedLoad {
  readonly kind: 'recorded';
  readonly samples: readonly (LoadLevel & { readonly atMs: number })[];
}

export type LoadProcess = MarkovLoad | RecordedLoad;

/** A level that begins at `fromMs` and holds until the next interval's. */
export interface LoadInterval extends LoadLevel {
  readonly fromMs: number;
}

/**
 * The levels of one realisation, from 0 ms on: the same for the same process and seed. Ends where the last level holds.
 * @throws InputError when the process makes no sense.
 */
export function loadIntervals(process: LoadProcess, seed: number): Generator<LoadInterval, void> {
  checkLoad(process);
  return realisation(process, seed);
}

function* realisation(process: LoadProcess, seed: number): Generator<LoadInterval, void> {
  if (process.kind === 'recorded') {
    for (const { atMs, ...level } of process.samples) yield { fromMs: atMs, ...level };
    return;
  }
  const { states } = process;
  const meansMs = states.map(({ meanMs }) => meanMs);
  for (const { fromMs, state } of markovChain(meansMs, Rng.of(seed, 'load'))) {
    const { meanMs: _, ...level } = states[state]!;
    yield { fromMs, ...level };
  }
}

/**
 * The chain that modulates: which state holds from when on, for the mean sojourns of the states. Never ends, but for a
 * single state.
 */
export function* markovChain(
  meansMs: readonly number[],
  random: Rng,
): Generator<{ readonly fromMs: number; readonly state: number }, void> {
  let left = random.uniform() * meansMs.reduce((sum, meanMs) => sum + meanMs, 0);
  let state = meansMs.findIndex((meanMs) => (left -= meanMs) < 0);
  for (let fromMs = 0; ; ) {
    yield { fromMs, state };
    if (meansMs.length === 1) return;
    // 1 - u is in (0, 1]: its logarithm is finite.
    fromMs -= meansMs[state]! * Math.log(1 - random.uniform());
    state = (state + 1 + random.integer(meansMs.length - 1)) % meansMs.length;
  }
}

/** The process that stays at one level, which serial execution takes too. */
export function steadyLoad(level: LoadLevel): RecordedLoad {
  return { kind: 'recorded', samples: [{ atMs: 0, ...levelOf(level) }] };
}

/** The fields of a level, and no others. */
function levelOf({ cpu, gpu, memory, ...more }: LoadLevel): LoadLevel {
  const given = Object.fromEntries(
    levelRanges.flatMap(({ name }) => (more[name] === undefined ? [] : [[name, more[name]]])),
  );
  return { cpu, gpu, memory, ...given };
}

export const sameLevel = (a: LoadLevel, b: LoadLevel): boolean =>
  a.cpu === b.cpu && a.gpu === b.gpu && a.memory === b.memory && levelRanges.every(({ name }) => a[name] === b[name]);

/** The level without clocks that slows kernels as much: a device at half its clock does what half of it does. */
export function slowedLevel(level: LoadLevel): LoadLevel {
  const { cpu, gpu, memory, cpuClock = 1, gpuClock = 1 } = level;
  if (cpuClock === 1 && gpuClock === 1) return level;
  return { cpu: 1 - (1 - cpu) * cpuClock, gpu: 1 - (1 - gpu) * gpuClock, memory };
}

/** The one level of a process, or null where it has several. */
export function steadyLevel(process: LoadProcess): LoadLevel | null {
  const levels: readonly LoadLevel[] = process.kind === 'markov' ? process.states : process.samples;
  return levels.length === 1 ? levels[0]! : null;
}

/** What a level may have besides, and within which bounds. */
const levelRanges = [
  { name: 'cpuClock', least: 0.01, most: 1, says: 'a fraction of the clock that the power mode allows' },
  { name: 'gpuClock', least: 0.01, most: 1, says: 'a fraction of the clock that the power mode allows' },
  { name: 'cpuCelsius', least: -100, most: 200, says: 'degrees Celsius' },
  { name: 'gpuCelsius', least: -100, most: 200, says: 'degrees Celsius' },
  { name: 'memoryUsed', least: 0, most: 1, says: 'a fraction of the memory' },
] as const;

/** @throws InputError when there is no level, a fraction is outside [0, 1), or times are not positive and ascending. */
export function checkLoad(process: LoadProcess): void {
  const levels: readonly LoadLevel[] = process.kind === 'markov' ? process.states : process.samples;
  const noun = process.kind === 'markov' ? 'state' : 'sample';
  if (levels.length === 0)
    throw new InputError(`load: the ${process.kind} process has no ${noun}.`, 'Give at least one.');
  levels.forEach((level, index) => {
    for (const name of ['cpu', 'gpu', 'memory'] as const)
      if (!(level[name] >= 0 && level[name] < 1))
        throw new InputError(
          `load: ${noun} ${index} has ${name} ${level[name]}, outside [0, 1).`,
          'Give the fraction that others take; something has to be left.',
        );
    for (const { name, least, most, says } of levelRanges) {
      const value = level[name];
      if (value !== undefined && !(value >= least && value <= most))
        throw new InputError(
          `load: ${noun} ${index} has ${name} ${value}, outside [${least}, ${most}].`,
          `Give ${says}.`,
        );
    }
  });
  if (process.kind === 'markov') {
    const wrong = process.states.findIndex(({ meanMs }) => !(meanMs > 0 && meanMs < Number.POSITIVE_INFINITY));
    if (wrong >= 0)
      throw new InputError(
        `load: state ${wrong} lasts ${process.states[wrong]!.meanMs} ms on average.`,
        'Give a positive, finite meanMs.',
      );
    return;
  }
  process.samples.forEach(({ atMs }, index) => {
    const previous = process.samples[index - 1];
    if (previous ? !(atMs > previous.atMs && atMs < Number.POSITIVE_INFINITY) : atMs !== 0)
      throw new InputError(
        `load: sample ${index} is at ${atMs} ms${previous ? `, after one at ${previous.atMs}` : ''}.`,
        'The first sample is at 0 ms, and times ascend.',
      );
  });
}
