// Sources of energy readings on this machine. A source is plain data, so that a sampler thread can read it.
import { findPowerRails, type PowerRail, readRailMw } from './ina3221.js';
import { type Accumulator, counterDifference, powerIntegral } from './integrate.js';
import { readNvidiaCards } from './nvidia-smi.js';
import { type EnergyZone, findEnergyZones, readZoneMj } from './rapl.js';
import { KernelFiles, type Reading } from './reading.js';

export type EnergySource =
  | { readonly kind: 'rapl'; readonly root: string; readonly zones: readonly EnergyZone[] }
  | { readonly kind: 'ina3221'; readonly root: string; readonly rails: readonly PowerRail[] }
  | { readonly kind: 'nvidia-smi'; readonly command: string; readonly cards: readonly number[] };

/**
 * Sampling periods in ms. RAPL counts by itself and is read only so that no wrap is missed (tens of minutes at full
 * power). INA3221 files cost tens of microseconds; nvidia-smi tens of milliseconds, so its period is a lower limit.
 */
export const samplingPeriodMs: Readonly<Record<EnergySource['kind'], number>> = {
  rapl: 10_000,
  ina3221: 20,
  'nvidia-smi': 100,
};

/** Where to look; the defaults are this machine. */
export interface Machine {
  /** The folder that stands for `/`. */
  readonly root?: string;
  /** The nvidia-smi program; null asks no cards, as is right for a recorded tree. */
  readonly nvidiaSmi?: string | null;
}

/** Every source that answers now; none is not an error. */
export function findEnergySources({
  root = '/',
  nvidiaSmi = 'nvidia-smi',
}: Machine = {}): Reading<readonly EnergySource[]> {
  const zones = findEnergyZones(root);
  const rails = findPowerRails(root);
  const cards = nvidiaSmi === null ? { value: [], unavailable: [] } : readNvidiaCards(nvidiaSmi);
  const measured = cards.value.filter(({ powerMw }) => powerMw !== null).map(({ index }) => index);
  const sources: EnergySource[] = [];
  if (zones.value.length > 0) sources.push({ kind: 'rapl', root, zones: zones.value });
  if (rails.value.length > 0) sources.push({ kind: 'ina3221', root, rails: rails.value });
  if (nvidiaSmi !== null && measured.length > 0) {
    sources.push({ kind: 'nvidia-smi', command: nvidiaSmi, cards: measured });
  }
  return { value: sources, unavailable: [zones, rails, cards].flatMap(({ unavailable }) => unavailable) };
}

/** Names of a source's rails, as they stand in a trace's `energyMj`. */
export function railNames(source: EnergySource): string[] {
  switch (source.kind) {
    case 'rapl':
      return source.zones.map(({ rail }) => rail);
    case 'ina3221':
      return source.rails.map(({ rail }) => rail);
    case 'nvidia-smi':
      return source.cards.map((index) => `nvidia-${index}`);
    default:
      return source satisfies never;
  }
}

/** One accumulator per rail. */
export function accumulatorsOf(source: EnergySource): Accumulator[] {
  if (source.kind === 'rapl') return source.zones.map(({ rangeMj }) => counterDifference(rangeMj));
  return railNames(source).map(powerIntegral);
}

/** One sample per rail: mJ of a counter, else mW. */
export function readSource(source: EnergySource): (number | null)[] {
  switch (source.kind) {
    case 'rapl': {
      const files = new KernelFiles(source.root);
      return source.zones.map(({ folder }) => readZoneMj(folder, files));
    }
    case 'ina3221': {
      const files = new KernelFiles(source.root);
      return source.rails.map((rail) => readRailMw(rail, files));
    }
    case 'nvidia-smi': {
      const powerMw = new Map(readNvidiaCards(source.command).value.map((card) => [card.index, card.powerMw]));
      return source.cards.map((index) => powerMw.get(index) ?? null);
    }
    default:
      return source satisfies never;
  }
}
