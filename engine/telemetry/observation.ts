// What this machine reports about itself: what can be read now, and why the rest cannot.
import { setTimeout as sleep } from 'node:timers/promises';
import { textTable } from '../../base/text/table.js';
import { startEnergyMeter } from './energy-meter.js';
import { findEnergySources } from './energy-source.js';
import { type CoreLoad, loadBetween, readCoreTicks } from './load.js';
import { readSnapshot, type Snapshot } from './snapshot.js';

export interface Telemetry extends Snapshot {
  /** The time over which load and energy were taken. */
  readonly seconds: number;
  readonly load: readonly CoreLoad[];
  readonly energyMj: Readonly<Record<string, number>> | null;
}

/** Reads everything there is, load and energy over `seconds`; what cannot be read is listed with the reason. */
export async function observeMachine(seconds: number): Promise<Telemetry> {
  const sources = findEnergySources();
  const meter = startEnergyMeter(sources.value);
  const before = readCoreTicks();
  const startMs = performance.now();
  await sleep(seconds * 1000);
  const after = readCoreTicks();
  const energyMj = meter.stop();
  const elapsedS = (performance.now() - startMs) / 1000;
  const snapshot = readSnapshot();
  const lost = Object.entries(meter.coverage).flatMap(([rail, total]) =>
    total.energyMj === null ? [{ what: `energy of ${rail}`, why: 'its samples stopped' }] : [],
  );
  const all = [...after.unavailable, ...snapshot.unavailable, ...sources.unavailable, ...lost];
  // The energy sources were asked twice: once for energy, once for power.
  const unavailable = [...new Map(all.map((entry) => [`${entry.what} ${entry.why}`, entry])).values()];
  return { seconds: elapsedS, load: loadBetween(before.value, after.value), energyMj, ...snapshot, unavailable };
}

/** A table of the readings, and the list of what is not available. */
export function telemetryText(telemetry: Telemetry): string {
  const rows = rowsOf(telemetry).flatMap(([what, value, unit]) =>
    value === null ? [] : [[what, String(Number(value.toPrecision(6))), unit]],
  );
  const missing = telemetry.unavailable.map(({ what, why }) => `  ${what}: ${why}\n`);
  return (
    textTable(['reading', 'value', 'unit'], rows) + (missing.length > 0 ? `\nnot available\n${missing.join('')}` : '')
  );
}

/** Name, value and unit; readings without a value are dropped, because the list of what is unavailable has them. */
function rowsOf(telemetry: Telemetry): (readonly [string, number | null, string])[] {
  const { memory, process: own, integratedGpu: gpu } = telemetry;
  const overS = `over ${telemetry.seconds.toFixed(1)} s`;
  const mib = (bytes: number | undefined) => (bytes === undefined ? null : bytes / 2 ** 20);
  const percent = (fraction: number | null | undefined) => (fraction == null ? null : fraction * 100);
  return [
    ...telemetry.load.map((core) => [`load of core ${core.core}`, percent(core.busyFraction), `% ${overS}`] as const),
    ['memory, total', mib(memory?.totalBytes), 'MiB'],
    ['memory, available', mib(memory?.availableBytes), 'MiB'],
    ['this process, resident', mib(own?.residentBytes), 'MiB'],
    ...telemetry.cpuClocks.map(({ core, mhz }) => [`clock of core ${core}`, mhz, 'MHz'] as const),
    [`clock of GPU ${gpu?.device}`, gpu?.mhz ?? null, 'MHz'],
    [`load of GPU ${gpu?.device}`, percent(gpu?.busyFraction), '%'],
    ...telemetry.nvidiaCards.flatMap((card) => {
      const name = `card ${card.index} (${card.name})`;
      return [
        [`${name}, clock`, card.mhz, 'MHz'],
        [`${name}, load`, percent(card.busyFraction), '%'],
        [`${name}, memory used`, mib(card.memoryUsedBytes ?? undefined), 'MiB'],
        [`${name}, temperature`, card.celsius, 'degC'],
        [`${name}, power`, card.powerMw, 'mW'],
      ] as const;
    }),
    ...telemetry.thermalZones.map(({ zone, celsius }) => [`temperature of ${zone}`, celsius, 'degC'] as const),
    ...telemetry.powerRails.map(({ rail, powerMw }) => [`power of ${rail}`, powerMw, 'mW'] as const),
    ...Object.entries(telemetry.energyMj ?? {}).map(
      ([rail, energyMj]) => [`energy of ${rail}`, energyMj, `mJ ${overS}`] as const,
    ),
  ];
}
