// What holds of every space, and what each refuses. Frequencies are compared with the uniform distribution's.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { Box } from './box.js';
import { Dict, Tuple } from './composite.js';
import { Discrete, MultiBinary, MultiDiscrete } from './discrete.js';
import { spaceFromJson } from './from-json.js';
import type { Mask, Space } from './space.js';

const infinite = Number.POSITIVE_INFINITY;
const spaces: readonly Space<unknown>[] = [
  new Box([-1, -infinite, 2, -infinite], [1, 0, infinite, infinite], [2, 2]),
  new Discrete(5, -2),
  new MultiDiscrete([2, 3, 1]),
  new MultiBinary(4),
  new Dict({ z: new Discrete(3), a: new Tuple([new Box(0, 1, [2]), new MultiBinary(2)]) }),
];

describe.each(spaces.map((space) => [String(space), space] as const))('%s', (_name, space) => {
  const samples = Array.from({ length: 50 }, (_, i) => space.sample(Rng.of(i, 'spaces')));

  test('contains what it samples, and a seed samples the same again', () => {
    for (const [i, sample] of samples.entries()) {
      expect(space.problem(sample)).toBeNull();
      expect(space.sample(Rng.of(i, 'spaces'))).toEqual(sample);
    }
    expect(new Set(samples.map((sample) => JSON.stringify(sample))).size).toBeGreaterThan(3);
  });

  test('contains nothing of another type', () => {
    for (const other of [null, undefined, 'no', {}, [], Number.NaN, 0.5, new Float64Array(4), new Uint8Array(9)])
      expect(space.contains(other)).toBe(false);
  });

  test('flattens to a vector within its flat bounds, and back', () => {
    for (const sample of samples) {
      const flat = space.flatten(sample as never);
      expect(flat).toHaveLength(space.flatSize);
      const { low, high } = space.flatBounds();
      expect(new Box(low, high, [space.flatSize]).problem(flat)).toBeNull();
      expect(space.unflatten(flat)).toEqual(sample);
    }
    expect(() => space.unflatten(new Float32Array(space.flatSize + 1))).toThrow(/is no flattened value/);
  });

  test('is the same space after JSON text', () => {
    const again = spaceFromJson(JSON.parse(JSON.stringify(space)));
    expect(again).toEqual(space);
    for (let seed = 0; seed < 10; seed++)
      expect(again.sample(Rng.of(seed, 'json'))).toEqual(space.sample(Rng.of(seed, 'json')));
  });
});

describe('bounds, shapes and types', () => {
  const refused: [Space<unknown>, unknown, RegExp][] = [
    [spaces[0]!, Float32Array.of(0, 0.5, 2, 0), /element 1 = 0.5, outside \[-Infinity, 0\]/],
    [spaces[0]!, Float32Array.of(0, Number.NaN, 2, 0), /element 1 = NaN/],
    [spaces[0]!, Float32Array.of(0), /1 elements, not 4/],
    [spaces[0]!, [0, 0, 2, 0], /not a Float32Array/],
    [spaces[1]!, 3, /is 3, outside -2 \.\.\. 2/],
    [spaces[1]!, 0.5, /0.5, not a whole number/],
    [spaces[2]!, Int32Array.of(1, 3, 0), /element 1 = 3, outside 0 \.\.\. 2/],
    [spaces[2]!, Int32Array.of(-1, 0, 0), /element 0 = -1/],
    [spaces[3]!, Uint8Array.of(0, 2, 0, 0), /element 1 = 2, neither/],
    [spaces[4]!, { z: 0 }, /names \[z\], not \[a,z\]/],
    [spaces[4]!, { z: 7, a: [Float32Array.of(0, 0), Uint8Array.of(0, 0)] }, /"z", which is 7, outside/],
    [
      spaces[4]!,
      { z: 0, a: [Float32Array.of(0, 2), Uint8Array.of(0, 0)] },
      /"a", which has element 0, which has element 1 = 2/,
    ],
  ];
  test.each(refused)('%s does not contain %j', (space, value, problem) => {
    expect(space.contains(value)).toBe(false);
    expect(space.problem(value)).toMatch(problem);
  });

  test('spaces that cannot be are refused', () => {
    expect(() => new Box([0, 2], [1, 1], [2])).toThrow(/element 1 has the bounds \[2, 1\]/);
    expect(() => new Box([0], 1, [2])).toThrow(/1 low bounds for the shape \[2\]/);
    expect(() => new Box(Number.NaN, 1, [2])).toThrow(/NaN/);
    expect(() => new Box(0, 1, [0])).toThrow(/bad length/);
    expect(() => new Discrete(0)).toThrow(/cannot be 0 choices/);
    expect(() => spaceFromJson({ type: 'Dikt' } as never)).toThrow(/Did you mean "Dict"/);
  });

  test('Dict flattens in the order of its sorted names', () => {
    const dict = new Dict({ b: new Discrete(2), a: new Box(0, 9, [1]) });
    expect([...dict.flatten({ b: 1, a: Float32Array.of(7) })]).toEqual([7, 0, 1]);
  });
});

describe('masks', () => {
  const draws = <T>(space: Space<T>, mask: Mask, count = 6000) => {
    const rng = Rng.of(1, 'masks');
    return Array.from({ length: count }, () => space.sample(rng, mask));
  };

  test('Discrete draws uniformly among what is allowed, and nothing else', () => {
    const counts = [0, 0, 0, 0];
    for (const value of draws(new Discrete(4, 10), Uint8Array.of(1, 0, 1, 1))) counts[value - 10]!++;
    expect(counts[1]).toBe(0);
    // Four standard deviations of a binomial with p = 1/3.
    for (const i of [0, 2, 3]) expect(Math.abs(counts[i]! - 2000)).toBeLessThan(4 * Math.sqrt((6000 * 2) / 9));
  });

  test('MultiDiscrete, MultiBinary and the parts of Dict and Tuple keep to theirs', () => {
    for (const value of draws(new MultiDiscrete([3, 2]), [Uint8Array.of(0, 1, 0), null], 100)) expect(value[0]).toBe(1);
    const bits = draws(new MultiBinary(3), Uint8Array.of(0, 1, 2), 100);
    expect(bits.every((value) => value[0] === 0 && value[1] === 1)).toBe(true);
    expect(new Set(bits.map((value) => value[2])).size).toBe(2);
    const dict = new Dict({ a: new Discrete(3), b: new Tuple([new Discrete(2), new Box(0, 1, [1])]) });
    for (const value of draws(dict, { b: [Uint8Array.of(0, 1), null] }, 100)) expect(value.b[0]).toBe(1);
  });

  test('masks that do not fit, or allow nothing, are refused', () => {
    const rng = Rng.of(0, 'bad');
    expect(() => new Discrete(2).sample(rng, Uint8Array.of(0, 0))).toThrow(/allows no value/);
    expect(() => new Discrete(2).sample(rng, Uint8Array.of(1))).toThrow(/Uint8Array of 2 elements/);
    expect(() => new Discrete(2).sample(rng, [] as never)).toThrow(/does not fit/);
    expect(() => new MultiDiscrete([2, 2]).sample(rng, Uint8Array.of(1, 1))).toThrow(/list of 2 masks/);
    expect(() => new Box(0, 1, [1]).sample(rng, Uint8Array.of(1))).toThrow(/takes no mask/);
    expect(() => new Dict({ a: new Discrete(2) }).sample(rng, { b: Uint8Array.of(1, 1) })).toThrow(/masks of: a/);
    expect(() => new Tuple([new Discrete(2)]).sample(rng, [])).toThrow(/list of 1 masks/);
  });
});
