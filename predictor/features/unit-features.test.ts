// Features that the graph does not say outright, of networks whose layers are known.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { encodeModel } from '../../base/onnx/proto.js';
import { Network, type Value } from '../../models/builders/network.js';
import type { OperatorGraph } from '../../models/graph.js';
import { loadModel } from '../../models/load.js';
import { fillUnitRow, rowFeatures } from './unit-features.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-features-'));
afterAll(() => rmSync(folder, { recursive: true }));

function feature(graph: OperatorGraph, unit: number, name: (typeof rowFeatures)[number]): number {
  const row = new Float64Array(rowFeatures.length);
  fillUnitRow(graph, unit, 1, row);
  return row[rowFeatures.indexOf(name)]!;
}

test.each([
  // The largest power of two in the channels of a group: 60 / 3 = 20, 96 / 1, 48 / 48, 112 / 4 = 28, 80 / 2 = 40.
  { channels: 60, kernel: 1, groups: 3, alignment: 4, plain: 1 },
  { channels: 96, kernel: 3, groups: 1, alignment: 32, plain: 0 },
  { channels: 48, kernel: 5, groups: 48, alignment: 1, plain: 0 },
  { channels: 112, kernel: 3, groups: 4, alignment: 4, plain: 1 },
  { channels: 80, kernel: 5, groups: 2, alignment: 8, plain: 1 },
])('$channels channels in $groups groups, kernels of $kernel: aligned to $alignment', async (of) => {
  const net = new Network({ name: 'net', seed: 0, sparsity: 0 }, [of.channels, 6, 10]);
  const convolved = net.conv(net.input, of.channels, of, 'conv');
  const path = join(folder, 'net.onnx');
  writeFileSync(
    path,
    encodeModel(
      net.finish(
        net.node('MaxPool', 'pool', [convolved], [of.channels, 6, 9], {
          kernel_shape: [1, 2],
        }),
      ),
    ),
  );
  const graph = (await loadModel(path)).graph('fused');
  const [conv, pool] = graph.units.map(({ id }) => id) as [number, number];
  expect(feature(graph, conv, 'alignment')).toBe(of.alignment);
  expect(feature(graph, pool, 'sourceAlignment')).toBe(of.alignment);
  // The graph's input lies plainly; what follows does unless each group, or all of single channels, fill blocks of 16.
  expect([conv, pool].map((unit) => feature(graph, unit, 'plainInputs'))).toEqual([1, of.plain]);
  expect([conv, pool].map((unit) => feature(graph, unit, 'columns'))).toEqual([10, 9]);
  // Weights, what the convolution hands to the pool, and the graph's output, in blocks of 64 bytes.
  const bytes = (elements: number): number => 64 * Math.ceil((4 * elements) / 64);
  const weights = 4 * ((of.channels ** 2 / of.groups) * of.kernel ** 2);
  expect(feature(graph, conv, 'footprint')).toBe(weights + bytes(of.channels * 60) + bytes(of.channels * 54));
});

test('sums and concatenations lie in blocks when all that they read does', async () => {
  const net = new Network({ name: 'net', seed: 0, sparsity: 0 }, [16, 6, 10]);
  const [a, b] = ['a', 'b'].map((name) => net.conv(net.input, 16, { kernel: 3 }, name)) as [Value, Value];
  const mixed = net.node('Mul', 'mixed', [net.add(a, b, 'sum'), net.transpose(b, [0, 1, 2, 3], 'plain')], b.shape);
  const path = join(folder, 'sums.onnx');
  writeFileSync(path, encodeModel(net.finish(net.concat([net.concat([a, b], 1, 'first'), mixed], 1, 'second'))));
  const graph = (await loadModel(path)).graph('operator');
  const plain = (name: string) => feature(graph, graph.units.find((unit) => unit.name === name)!.id, 'plainInputs');
  expect(['sum', 'mixed', 'first', 'second'].map(plain)).toEqual([0, 1, 0, 1]);
});
