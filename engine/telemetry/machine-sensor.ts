// The state of this machine for observations: what the kernel says of each device of a pair, read no more often than a period.
import { type BoardSensor, boardQuantities } from '../board-state.js';
import type { Conditions } from '../conditions.js';
import type { DeviceInfo } from '../executor.js';
import { readClockCeilings, readCpuClocks, readIntegratedGpu } from './clocks.js';
import { LoadMonitor, type Watched } from './load-monitor.js';
import { readMachineMemory } from './memory.js';
import { type NvidiaCard, readNvidiaCards } from './nvidia-smi.js';
import { readThermalZones } from './thermal.js';

/** Reading takes a fraction of a ms, and clocks and loads change no faster than a kernel's ticks. */
const periodMs = 100;

export interface SensedMachine extends Watched {
  /** The program `nvidia-smi`; null: there is none. It takes tens of ms, so it runs when an execution begins. */
  readonly nvidiaSmi?: string | null;
}

/** What is known of one device; 0 where it is not. */
interface DeviceReading {
  readonly load: number;
  readonly clock: number;
  readonly mode: number;
  readonly celsius: number;
}

export class MachineSensor implements BoardSensor {
  readonly values = new Float64Array(boardQuantities.length);
  conditions: Conditions | null = null;
  readonly #devices: readonly DeviceInfo[];
  readonly #machine: SensedMachine;
  readonly #monitor: LoadMonitor;
  readonly #nowMs: () => number;
  #card: NvidiaCard | null = null;
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(devices: readonly DeviceInfo[], machine: SensedMachine = {}) {
    this.#devices = devices;
    this.#machine = machine;
    this.#monitor = new LoadMonitor(periodMs, machine);
    this.#nowMs = machine.nowMs ?? (() => performance.now());
  }

  begin(conditions: Conditions): void {
    this.conditions = conditions;
    const { nvidiaSmi = 'nvidia-smi' } = this.#machine;
    const asks = nvidiaSmi !== null && this.#devices.some(({ kind }) => kind === 'gpu');
    this.#card = asks ? (readNvidiaCards(nvidiaSmi).value[0] ?? null) : null;
    this.#atMs = Number.NEGATIVE_INFINITY;
    this.sense();
  }

  sense(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#atMs < periodMs) return;
    this.#atMs = nowMs;
    this.#monitor.read();
    const readings = this.#devices.map(({ kind }) => (kind === 'cpu' ? this.#cpu() : this.#gpu()));
    const memory = readMachineMemory(this.#machine.root).value;
    const of = (quantity: keyof DeviceReading) => [readings[0]![quantity], readings[1]![quantity]];
    this.values.set([
      ...of('load'),
      // No counter of the kernel has it.
      0,
      ...of('clock'),
      ...of('mode'),
      ...of('celsius').map((celsius) => celsius / 100),
      memory ? 1 - memory.availableBytes / memory.totalBytes : 0,
    ]);
  }

  #cpu(): DeviceReading {
    const { root } = this.#machine;
    const clocks = readCpuClocks(root).value.filter(({ limitMhz }) => limitMhz);
    const { coreMhz } = readClockCeilings(root);
    const allowed = clocks.flatMap(({ core, limitMhz }) => limitMhz! / (coreMhz.get(core) ?? Number.NaN) || []);
    return {
      load: this.#monitor.level.cpu,
      clock: mean(clocks.map(({ mhz, limitMhz }) => mhz / limitMhz!)),
      mode: mean(allowed),
      celsius: this.#hottest(/cpu|pkg|core/i),
    };
  }

  /** The integrated one, else the first card. */
  #gpu(): DeviceReading {
    const { root } = this.#machine;
    const gpu = readIntegratedGpu(root).value;
    if (gpu === null)
      return { load: this.#card?.busyFraction ?? 0, clock: 0, mode: 0, celsius: this.#card?.celsius ?? 0 };
    const { gpuMhz } = readClockCeilings(root);
    const { mhz, limitMhz } = gpu;
    return {
      load: this.#monitor.level.gpu,
      clock: mhz && limitMhz ? mhz / limitMhz : 0,
      mode: limitMhz && gpuMhz ? limitMhz / gpuMhz : 0,
      celsius: this.#hottest(/gpu/i),
    };
  }

  #hottest(zones: RegExp): number {
    const own = readThermalZones(this.#machine.root).value.filter(({ zone }) => zones.test(zone));
    return own.length > 0 ? Math.max(...own.map(({ celsius }) => celsius)) : 0;
  }
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
