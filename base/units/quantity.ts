// Physical quantities in configs and profiles are strings with a unit ("204.8 GB/s", "57 us"); inside the program they
// are plain numbers in one unit per quantity. This is the only place that converts.
import { InputError } from '../errors/input-error.js';

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

const small = { p: 1e-12, n: 1e-9, u: 1e-6, m: 1e-3 };
const large = { k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 };
/** IEC 80000-13. */
const binary = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50 };

/** What a unit measures, how many of that dimension's base unit it is, and the prefixes that it takes. */
interface Unit {
  readonly dimension: string;
  readonly value: number;
  readonly prefixes: Readonly<Record<string, number>>;
}

const units: Readonly<Record<string, Unit>> = {
  s: { dimension: 'time', value: 1, prefixes: { ...small, ...large } },
  b: { dimension: 'data', value: 1, prefixes: { ...large, ...binary } },
  B: { dimension: 'data', value: 8, prefixes: { ...large, ...binary } },
  FLOP: { dimension: 'operations', value: 1, prefixes: { ...small, ...large } },
  W: { dimension: 'power', value: 1, prefixes: { ...small, ...large } },
  J: { dimension: 'energy', value: 1, prefixes: { ...small, ...large } },
  Wh: { dimension: 'energy', value: 3600, prefixes: { ...small, ...large } },
};

/**
 * Parses `text` as `quantity`, in its internal unit: `parseQuantity('204.8 GB/s', 'bytesPerMs')` is 204,800,000.
 * @throws InputError when the text is no number with a unit, or the unit is of another dimension.
 */
export function parseQuantity(text: string, quantity: Quantity, where = 'quantity'): number {
  const unit = INTERNAL_UNIT[quantity];
  const value = convert(text, unit);
  if (Number.isFinite(value)) return value;
  throw new InputError(
    `${where}: "${text}" is not a quantity that converts to ${unit || 'a bare number'}.`,
    `Write a finite number${unit ? ' and a unit' : ''}, such as "${`1.5 ${unit}`.trim()}".`,
  );
}

/** NaN where `text` is no number of units of the same dimension as `target`. */
function convert(text: string, target: string): number {
  if (target === '') return text.trim() === '' ? Number.NaN : Number(text);
  const [, number, unit] =
    /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]+(?:\s*\/\s*[A-Za-z]+)?)\s*$/.exec(text) ?? [
      null,
      '',
      '',
    ];
  const from = factorsOf(unit);
  const to = factorsOf(target);
  const same = from.length === to.length && from.every((factor, i) => factor?.dimension === to[i]?.dimension);
  if (!same || from.length === 0) return Number.NaN;
  const inBase = from.reduce((value, factor) => value * factor!.size, Number(number));
  return to.reduce((value, factor) => value / factor!.size, inBase);
}

/** `GB/s` as what it multiplies by and divides by, in base units; undefined for a symbol that is no unit. */
function factorsOf(unit: string): ({ readonly dimension: string; readonly size: number } | undefined)[] {
  return unit.split('/').map((symbol, i) => {
    const found = unitOf(symbol.trim());
    return found && { dimension: found.dimension, size: i === 0 ? found.size : found.size ** -1 };
  });
}

function unitOf(symbol: string): { readonly dimension: string; readonly size: number } | undefined {
  for (const [name, { dimension, value, prefixes }] of Object.entries(units)) {
    if (!symbol.endsWith(name)) continue;
    const prefix = symbol.slice(0, -name.length);
    if (prefix === '') return { dimension, size: value };
    if (Object.hasOwn(prefixes, prefix)) return { dimension, size: value * prefixes[prefix]! };
  }
  return undefined;
}
