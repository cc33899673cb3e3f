// Spaces as JSON and back, so that a client in another process knows them.
import { didYouMean, InputError } from '../../../base/errors/input-error.js';
import { Box } from './box.js';
import { Dict, Tuple } from './composite.js';
import { Discrete, MultiBinary, MultiDiscrete } from './discrete.js';
import type { Space } from './space.js';

export type SpaceJson =
  /** Infinite bounds are the texts "Infinity" and "-Infinity". */
  | {
      readonly type: 'Box';
      readonly low: readonly (number | string)[];
      readonly high: readonly (number | string)[];
      readonly shape: readonly number[];
    }
  | { readonly type: 'Discrete'; readonly n: number; readonly start: number }
  | { readonly type: 'MultiDiscrete'; readonly counts: readonly number[] }
  | { readonly type: 'MultiBinary'; readonly n: number }
  | { readonly type: 'Dict'; readonly spaces: { readonly [name: string]: SpaceJson } }
  | { readonly type: 'Tuple'; readonly spaces: readonly SpaceJson[] };

type Readers = { readonly [Type in SpaceJson['type']]: (json: Extract<SpaceJson, { type: Type }>) => Space<unknown> };

const readers: Readers = {
  Box: ({ low, high, shape }) => new Box(low.map(Number), high.map(Number), shape),
  Discrete: ({ n, start }) => new Discrete(n, start),
  MultiDiscrete: ({ counts }) => new MultiDiscrete(counts),
  MultiBinary: ({ n }) => new MultiBinary(n),
  Dict: ({ spaces }) =>
    new Dict(Object.fromEntries(Object.entries(spaces).map(([name, json]) => [name, spaceFromJson(json)]))),
  Tuple: ({ spaces }) => new Tuple(spaces.map(spaceFromJson)),
};

/**
 * The space that `toJSON` wrote.
 * @throws InputError when the type is unknown, or its parameters are bad
 */
export function spaceFromJson(json: SpaceJson): Space<unknown> {
  if (!Object.hasOwn(readers, json.type))
    throw new InputError(`space: the type "${json.type}" is unknown.`, didYouMean(json.type, Object.keys(readers)));
  return readers[json.type](json as never);
}
