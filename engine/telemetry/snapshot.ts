// Everything that can be read now, in one record: what the command prints, and what a measured run notes beside its trace.
import { type CoreClock, type IntegratedGpu, readCpuClocks, readIntegratedGpu } from './clocks.js';
import type { Machine } from './energy-source.js';
import { findPowerRails, readRailMw } from './ina3221.js';
import { type MachineMemory, type ProcessMemory, readMachineMemory, readProcessMemory } from './memory.js';
import { type NvidiaCard, readNvidiaCards } from './nvidia-smi.js';
import { KernelFiles, type Unavailable } from './reading.js';
import { readThermalZones, type ThermalZone } from './thermal.js';

/** The state at one moment. Load and energy are not in it: they belong to a stretch of time. */
export interface Snapshot {
  readonly memory: MachineMemory | null;
  readonly process: ProcessMemory | null;
  readonly cpuClocks: readonly CoreClock[];
  readonly integratedGpu: IntegratedGpu | null;
  readonly nvidiaCards: readonly NvidiaCard[];
  readonly thermalZones: readonly ThermalZone[];
  readonly powerRails: readonly { readonly rail: string; readonly powerMw: number }[];
  readonly unavailable: readonly Unavailable[];
}

export function readSnapshot({ root = '/', nvidiaSmi = 'nvidia-smi' }: Machine = {}): Snapshot {
  const memory = readMachineMemory(root);
  const process = readProcessMemory(root);
  const cpuClocks = readCpuClocks(root);
  const integratedGpu = readIntegratedGpu(root);
  const nvidiaCards = nvidiaSmi === null ? { value: [], unavailable: [] } : readNvidiaCards(nvidiaSmi);
  const thermalZones = readThermalZones(root);
  const powerRails = readPowerRails(root);
  const readings = [memory, process, cpuClocks, integratedGpu, nvidiaCards, thermalZones, powerRails];
  return {
    memory: memory.value,
    process: process.value,
    cpuClocks: cpuClocks.value,
    integratedGpu: integratedGpu.value,
    nvidiaCards: nvidiaCards.value,
    thermalZones: thermalZones.value,
    powerRails: powerRails.value,
    unavailable: readings.flatMap(({ unavailable }) => unavailable),
  };
}

function readPowerRails(root: string) {
  const rails = findPowerRails(root);
  const files = new KernelFiles(root);
  const value = rails.value.flatMap((rail) => {
    const powerMw = readRailMw(rail, files);
    return powerMw === null ? [] : [{ rail: rail.rail, powerMw }];
  });
  return { value, unavailable: [...rails.unavailable, ...files.unavailable] };
}
