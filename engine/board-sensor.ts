// The sensors of a board: on real devices the telemetry's readings, in simulation the load process at the present time and the
// profile's power mode.
import { memoize } from '../base/functions/memoize.js';
import { type DeviceProfile, resolveProfile } from '../predictor/profiles/profile.js';
import { openProfile } from '../predictor/profiles/profile-file.js';
import { type BoardSensor, boardQuantities } from './board-state.js';
import type { Conditions } from './conditions.js';
import type { Executor } from './executor.js';
import { type LoadInterval, loadIntervals } from './load-process.js';
import type { Simulator } from './simulator/simulator.js';
import { MachineSensor } from './telemetry/machine-sensor.js';

export function boardSensorOf(executor: Executor): BoardSensor {
  if (executor.kind === 'measured') return new MachineSensor(executor.devices);
  // A measured model is simulated without a profile: nothing is known of its power mode.
  return new SimulatedSensor('profile' in executor ? modeShares((executor as Simulator).profile) : [0, 0]);
}

/** What the mode allows of each device's arithmetic on convolutions, as a fraction of the profile's fastest mode. */
const modeShares = memoize(({ uri, axes }: DeviceProfile): readonly [number, number] => {
  const opened = openProfile(uri);
  // Predictors take most of the time that a profile takes, and have no ceilings.
  const bare = { ...opened, file: { ...opened.file, predictors: [] } };
  const own = resolveProfile(bare, axes);
  const all = opened.file.axes.mode.map((mode) => resolveProfile(bare, { ...axes, mode }));
  const share = (device: 0 | 1) =>
    own.devices[device].flopPerMs.conv / Math.max(...all.map(({ devices }) => devices[device].flopPerMs.conv));
  return [share(0), share(1)];
});

class SimulatedSensor implements BoardSensor {
  readonly values = new Float64Array(boardQuantities.length);
  conditions: Conditions | null = null;
  readonly #mode: readonly [number, number];
  #levels: Generator<LoadInterval, void> | null = null;
  /** Levels so far, until one that begins after the latest reading. */
  #known: LoadInterval[] = [];

  constructor(mode: readonly [number, number]) {
    this.#mode = mode;
  }

  begin(conditions: Conditions): void {
    const { load, seed } = conditions;
    this.conditions = conditions;
    this.#levels = load && loadIntervals(load, seed);
    this.#known = [];
    this.sense(0);
  }

  sense(clockMs: number): void {
    const known = this.#known;
    while (this.#levels && !(known.length > 0 && known.at(-1)!.fromMs > clockMs)) {
      const next = this.#levels.next().value;
      if (next) known.push(next);
      else this.#levels = null;
    }
    let at = known.length - 1;
    while (at > 0 && known[at]!.fromMs > clockMs) at -= 1;
    this.#write(known[at] ?? idle);
  }

  /** In the order of `boardQuantities`. */
  #write({ cpu, gpu, memory, cpuClock, gpuClock, cpuCelsius, gpuCelsius, memoryUsed }: LoadInterval): void {
    const { values } = this;
    values[0] = cpu;
    values[1] = gpu;
    values[2] = memory;
    values[3] = cpuClock ?? 1;
    values[4] = gpuClock ?? 1;
    values[5] = this.#mode[0];
    values[6] = this.#mode[1];
    values[7] = (cpuCelsius ?? 0) / 100;
    values[8] = (gpuCelsius ?? 0) / 100;
    values[9] = memoryUsed ?? 0;
  }
}

const idle: LoadInterval = { fromMs: 0, cpu: 0, gpu: 0, memory: 0 };
