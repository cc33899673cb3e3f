// The rules for each number of a profile, for files, for numbers that a URI replaces or scales, and for draws from priors. The
// limits keep every sum of times finite; no board comes near them.
import { InputError } from '../../base/errors/input-error.js';
import { parseQuantity, type Quantity } from '../../base/units/quantity.js';

export interface NumberRule {
  readonly quantity: Quantity;
  /** Limits, both allowed, in the unit that the program holds the quantity in. */
  readonly least: number;
  readonly most: number;
  readonly whole?: true;
  /** The rule in words, for errors. */
  readonly says: string;
  /** An example of a valid value, as a profile writes it. */
  readonly example: string;
}

const time: NumberRule = {
  quantity: 'latencyMs',
  least: 0,
  most: 1e9,
  says: 'a time from 0 to 1e6 s',
  example: '20 us',
};
const rate = { least: 1e-3, most: 1e18 };

export const numberRules = {
  compute: { ...rate, quantity: 'flopPerMs', says: 'a rate from 1 to 1e21 FLOP/s', example: '274 GFLOP/s' },
  bandwidth: { ...rate, quantity: 'bytesPerMs', says: 'a rate from 1 to 1e21 B/s', example: '204.8 GB/s' },
  efficiency: { quantity: 'ratio', least: 1e-12, most: 1, says: 'a fraction above 0 and at most 1', example: '0.5' },
  launch: time,
  sync: time,
  latency: time,
  power: { quantity: 'powerMw', least: 1e-3, most: 1e12, says: 'a power from 1 uW to 1 GW', example: '15 W' },
  interference: { quantity: 'ratio', least: 1, most: 1000, says: 'a factor from 1 to 1000', example: '1.25' },
  cores: { quantity: 'ratio', least: 1, most: 1e6, whole: true, says: 'a whole number from 1 to 1e6', example: '8' },
} as const satisfies Record<string, NumberRule>;
export type NumberKind = keyof typeof numberRules;

/** The fault of a value by the rule of its kind; null if there is none. */
export function brokenRule(value: number, kind: NumberKind): string | null {
  const { least, most, whole, says }: NumberRule = numberRules[kind];
  const holds = value >= least && value <= most && (!whole || Number.isInteger(value));
  return holds ? null : `must be ${says}`;
}

/** The value at the nearest limit of its rule, where it is beyond. */
export function withinRule(value: number, kind: NumberKind): number {
  const { least, most } = numberRules[kind];
  return Math.min(most, Math.max(least, value));
}

/**
 * Reads a number as a profile states it: `-1s` is no launch.
 * @param text a quantity with its unit
 * @param scale factor on it, as `x2` in a URI gives
 * @param given how the user wrote it, for errors
 * @returns the number in the unit that the program holds it in
 * @throws InputError naming the number, its rule and the value
 */
export function profileNumber(text: string, kind: NumberKind, where: string, scale = 1, given = text): number {
  const value = scale * parseQuantity(text, numberRules[kind].quantity, where);
  const broken = brokenRule(value, kind);
  if (broken === null) return value;
  throw new InputError(`${where} is "${given}", but ${broken}.`, `Give such a value: "${numberRules[kind].example}".`);
}
