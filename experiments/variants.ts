// Variants of a config, for ablations: each is the config with some fields set. A list stands for one variant per element,
// several lists for their product; where a field takes a list itself, a list of lists does.
import { type ConfigOverrides, type ExperimentConfig, parseConfig } from './config.js';
import { type Fields, setField } from './settings.js';

export interface Variant {
  /** Of the config, with the values of lists: `gamma-0.9`; empty where the config has no variants. */
  readonly name: string;
  readonly config: ExperimentConfig;
}

/**
 * The variants of a config, in its order; the config itself where it has none.
 * @throws InputError naming the variant, the path within the config and the rule
 */
export function variantsOf(fields: Fields, where: string): Variant[] {
  const { variants, ...base } = structuredClone(fields);
  const named = Object.entries(parseConfig(fields, where).variants);
  if (named.length === 0) return [{ name: '', config: parseConfig(base, where) }];
  return named.flatMap(([name, settings]) => {
    const at = `${where}: variants.${name}`;
    // A list is checked together with the variant's other settings: the valid schedulers depend on the environment.
    const beside = structuredClone(base);
    for (const [path, value] of Object.entries(settings)) if (!Array.isArray(value)) setField(beside, path, value, at);
    const lists = Object.entries(settings).map(([path, value]) => ({
      path,
      values: valuesOf(beside, path, value, at),
    }));
    return product(lists).map((chosen): Variant => {
      const own = structuredClone(base);
      for (const { path, value } of chosen) setField(own, path, value, at);
      const marks = chosen.flatMap(({ value, listed }) => (listed ? markOf(value) : []));
      return { name: [name, ...marks].join('-'), config: parseConfig(own, at) };
    });
  });
}

interface Chosen {
  readonly path: string;
  readonly value: unknown;
  /** Whether it was one of several. */
  readonly listed: boolean;
}

/** A list expands if the config does not accept the list itself, but one of its elements. */
function valuesOf(base: Fields, path: string, value: unknown, where: string): readonly Omit<Chosen, 'path'>[] {
  const takes = (one: unknown) => {
    const own = structuredClone(base);
    setField(own, path, one, where);
    try {
      parseConfig(own, where);
      return true;
    } catch {
      return false;
    }
  };
  if (!Array.isArray(value) || takes(value) || !value.some(takes)) return [{ value, listed: false }];
  return value.map((each) => ({ value: each, listed: true }));
}

function product(lists: readonly { path: string; values: readonly Omit<Chosen, 'path'>[] }[]): Chosen[][] {
  return lists.reduce<Chosen[][]>(
    (chosen, { path, values }) => chosen.flatMap((before) => values.map((value) => [...before, { path, ...value }])),
    [[]],
  );
}

/** A value as a part of a variant's name. */
function markOf(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.replaceAll(/[^\w.=]+/g, '_').replaceAll(/^_|_$/g, '');
}

export type { ConfigOverrides };
