import { expect, test } from 'vitest';
import { Stream } from '../base/random/stream.js';
import { randomGraph } from './random-graph.js';

test('a random graph has as many units as asked, and no tensor is read by more than maxFanOut of them', () => {
  let widest = 0;
  for (let seed = 0; seed < 50; seed++) {
    const graph = randomGraph(Stream.of(seed, 'graph'), { units: 60, maxFanOut: 12 });
    expect(graph.units, `seed ${seed}`).toHaveLength(60);
    const fanOut = Math.max(...graph.tensors.map((tensor) => tensor.consumers.length));
    expect(fanOut, `seed ${seed}`).toBeLessThanOrEqual(12);
    widest = Math.max(widest, fanOut);
  }
  expect(widest).toBe(12);
});

test('every tensor that nobody reads is a graph output, and no graph input is', () => {
  const { tensors } = randomGraph(Stream.of(1, 'graph'), { units: 200 });
  for (const tensor of tensors) {
    if (tensor.producer === null) expect(tensor.graphOutput).toBe(false);
    else if (tensor.consumers.length === 0) expect(tensor.graphOutput).toBe(true);
  }
});

test('the same stream gives the same graph, another another', () => {
  const hash = (seed: number): string => randomGraph(Stream.of(seed, 'graph'), { units: 30 }).hash;
  expect(hash(3)).toBe(hash(3));
  expect(hash(3)).not.toBe(hash(4));
});
