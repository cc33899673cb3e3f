// The way back from JSON to a space.
import { didYouMean, InputError } from '../../../base/errors/input-error.js';
import { Box } from './box.js';
import { Dict, Tuple } from './composite.js';
import { Discrete, MultiBinary, MultiDiscrete } from './discrete.js';
import type { SpaceJson } from './json.js';
import type { Space } from './space.js';

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
