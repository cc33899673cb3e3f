// Physical quantities in configs and profiles are strings with a unit ("204.8 GB/s", "57 us"); inside the program they
// are plain numbers in one unit per quantity. This is the only place that converts.
import { createRequire } from 'node:module';
import type { MathJsInstance } from 'mathjs';
import { InputError } from '../errors/input-error.js';

let opened: MathJsInstance | null = null;

/**
 * mathjs, loaded when a quantity is first read: commands without a profile need none. The bundle loads in a tenth of the
 * time of its modules (90 ms against 800).
 */
function math(): MathJsInstance {
  if (opened) return opened;
  const bundle = createRequire(import.meta.url)('mathjs/lib/browser/math.js') as typeof import('mathjs');
  const { create, createUnitDependencies, unitDependencies } = bundle;
  opened = create({ createUnitDependencies: createUnitDependencies!, unitDependencies: unitDependencies! }, {});
  opened.createUnit('FLOP', { prefixes: 'short' });
  return opened;
}

/** The unit in which each quantity is held inside the program. */
const INTERNAL_UNIT = {
  latencyMs: 'ms',
  bytes: 'B',
  bytesPerMs: 'B/ms',
  flopPerMs: 'FLOP/ms',
  energyMj: 'mJ',
  powerMw: 'mW',
  /** A bare number. */
  ratio: '',
} as const;

export type Quantity = keyof typeof INTERNAL_UNIT;

/**
 * Parses `text` as `quantity`, in its internal unit: `parseQuantity('204.8 GB/s', 'bytesPerMs')` is 204,800,000.
 * @throws InputError when the text is no number with a unit, or the unit is of another dimension.
 */
export function parseQuantity(text: string, quantity: Quantity, where = 'quantity'): number {
  const unit = INTERNAL_UNIT[quantity];
  const key = `${unit} ${text}`;
  const value = converted.get(key) ?? convert(text, unit);
  if (converted.size >= mostConverted) converted.clear();
  converted.set(key, value);
  if (Number.isFinite(value)) return value;
  throw new InputError(
    `${where}: "${text}" is not a quantity that converts to ${unit || 'a bare number'}.`,
    `Write a finite number${unit ? ' and a unit' : ''}, such as "${`1.5 ${unit}`.trim()}".`,
  );
}

/** What was read before: a profile has a hundred quantities of 0.1 ms each, and ensembles read it for every draw. */
const converted = new Map<string, number>();
const mostConverted = 4096;

function convert(text: string, unit: string): number {
  if (unit === '') return text.trim() === '' ? Number.NaN : Number(text);
  try {
    return math().unit(text).toNumber(unit);
  } catch {
    return Number.NaN;
  }
}
