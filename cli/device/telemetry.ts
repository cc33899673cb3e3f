// `sparoa-gym device telemetry`: what this machine tells about itself now, and what it does not, with the reason.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { textTable } from '../../base/text/table.js';
import { startEnergyMeter } from '../../engine/telemetry/energy-meter.js';
import { findEnergySources } from '../../engine/telemetry/energy-source.js';
import { type CoreLoad, loadBetween, readCoreTicks } from '../../engine/telemetry/load.js';
import { readSnapshot, type Snapshot } from '../../engine/telemetry/snapshot.js';
import { printJson } from '../options.js';

interface Telemetry extends Snapshot {
  /** The time over which load and energy were taken. */
  readonly seconds: number;
  readonly load: readonly CoreLoad[];
  readonly energyMj: Readonly<Record<string, number>> | null;
}

export function telemetryCommand(program: Command): void {
  program
    .command('telemetry')
    .description('what can be read of load, memory, clocks, temperatures, power and energy on this machine')
    .option('--seconds <n>', 'time over which load and energy are taken', positiveSeconds, 1)
    .option('--json', 'print as JSON')
    .action(async ({ seconds, json }: { seconds: number; json?: boolean }) => {
      const telemetry = await observe(seconds);
      if (json) printJson(telemetry);
      else process.stdout.write(describe(telemetry));
    });
}

async function observe(seconds: number): Promise<Telemetry> {
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

function describe(telemetry: Telemetry): string {
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

function positiveSeconds(text: string): number {
  const value = Number(text);
  // Node's timers hold 31 bits of milliseconds.
  if (!(value > 0 && value <= 86_400)) throw new InvalidArgumentError('Give seconds above 0 and at most 86400.');
  return value;
}
