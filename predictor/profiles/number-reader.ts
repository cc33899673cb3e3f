// Reads the numbers of one variant of a profile: of the cases that a file states for each, the one that holds, unless the URI
// replaces or scales it, or an ensemble draws it.
import { InputError } from '../../base/errors/input-error.js';
import { Rng } from '../../base/random/rng.js';
import { drawnFactor } from './prior.js';
import { type NumberKind, profileNumber, withinRule } from './profile-numbers.js';
import {
  type Axes,
  axisNames,
  type Cases,
  type Prior,
  type Sourced,
  type SourceKind,
  weaker,
} from './profile-schema.js';

/** A number of a variant, or the predictor used instead of it, as the file or the URI states it. */
export interface Constant {
  /** `device1.launch`, as a URI names it; of a predictor `device1.predictor`. */
  readonly name: string;
  /** The value with its unit. */
  readonly value: string;
  /** In the program's unit: ms, FLOP/ms, B/ms; null of a predictor. */
  readonly amount: number | null;
  readonly kind: SourceKind;
  readonly source: string;
}

/** Whether a case holds for a variant. */
export const matches = (when: Sourced['when'] = {}, axes: Axes): boolean =>
  axisNames.every((axis) => when[axis] === undefined || when[axis] === axes[axis]);

/** Reads the numbers of one variant and records their names and weakest source. */
export class NumberReader {
  readonly constants: Constant[] = [];
  /** Of the numbers that have one. */
  readonly priors: Record<string, Prior> = {};
  weakestSource: SourceKind = 'measured';
  readonly #profile: string;
  readonly #axes: Axes;
  readonly #overrides: ReadonlyMap<string, string>;
  readonly #member: number | null;

  constructor(profile: string, axes: Axes, overrides: ReadonlyMap<string, string>, member: number | null) {
    this.#profile = profile;
    this.#axes = axes;
    this.#overrides = overrides;
    this.#member = member;
  }

  /** @throws InputError unless exactly one case matches the axes and it keeps the rule of its kind. */
  read(cases: Cases, kind: NumberKind, name: string): number {
    const override = this.#overrides.get(name);
    const matching = cases.filter(({ when }) => matches(when, this.#axes));
    if (matching.length !== 1) {
      throw new InputError(
        `profile ${this.#profile}: ${name} has ${matching.length} cases for ${JSON.stringify(this.#axes)}, not one.`,
        'Each variant needs exactly one matching case.',
      );
    }
    this.weakestSource = weaker(this.weakestSource, override === undefined ? matching[0]!.kind : 'assumed');
    const { value, prior, source } = matching[0]!;
    if (prior) this.priors[name] = prior;
    const where = `profile ${this.#profile}: ${name}`;
    const scale = override === undefined ? null : /^x(\d[\d.]*(?:e[+-]?\d+)?)$/.exec(override);
    const stated = scale
      ? profileNumber(value, kind, where, Number(scale[1]), override)
      : profileNumber(override ?? value, kind, where);
    const drawn = override === undefined && prior && this.#member !== null;
    // A draw beyond what the number can be, such as an efficiency above 1, stays at that end.
    const amount = drawn
      ? withinRule(stated * drawnFactor(prior, Rng.of(this.#member, 'ensemble', this.#profile, name)), kind)
      : stated;
    const [from, why]: [SourceKind, string] =
      override === undefined
        ? [matching[0]!.kind, source]
        : ['assumed', `stated in the profile's URI, in the place of ${value}`];
    const shown = override ?? (drawn ? `${value}, drawn` : value);
    this.constants.push({ name, value: shown, amount, kind: from, source: why });
    return amount;
  }

  /** A number that a profile need not have: null where neither its file nor the URI gives it. `x2` in the URI scales `basis`. */
  readGiven(cases: Cases | undefined, kind: NumberKind, name: string, basis: string): number | null {
    if (cases) return this.read(cases, kind, name);
    if (!this.#overrides.has(name)) return null;
    return this.read([{ value: basis, source: 'not stated in the profile', kind: 'assumed' }], kind, name);
  }
}
