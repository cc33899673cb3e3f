// What is measured, in which order, and that nothing is measured twice.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { decodeModel } from '../../../base/onnx/proto.js';
import { numbersOf } from '../../../base/onnx/tensor-data.js';
import { Rng } from '../../../base/random/rng.js';
import { parseDevicePair } from '../../../engine/runtime/devices/device-pair.js';
import { opClasses } from '../../../models/graph.js';
import { loadModel } from '../../../models/load.js';
import { writeChain } from '../../../test/fixtures/chain-model.js';
import { randomGraph } from '../../../test/fixtures/random-graph.js';
import { collect } from './collect.js';
import { configurationKeys, nextCandidate } from './selection.js';
import { readUnitMeasurements } from './sources.js';
import { sparsityResult } from './sparsity.js';
import { sparsityModel } from './sparsity-model.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-collect-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a stopped calibration goes on from what it measured, and its files can be fitted to', {
  tags: 'gate',
}, async () => {
  const chains = [3, 4, 5].map((length) => writeChain(join(folder, `chain${length}.onnx`), length));
  const said: string[] = [];
  const options = {
    pair: parseDevicePair('cpu:1+cpu:1'),
    rounds: 2,
    minutes: 0,
    folder: join(folder, 'profiles'),
    others: [],
    report: (text: string) => said.push(text),
  };
  const first = await collect({ ...options, first: chains.slice(0, 2) });
  const again = await collect({ ...options, first: chains });
  expect(again.slice(0, 2).map(({ profile }) => profile)).toEqual(first.map(({ profile }) => profile));
  expect(said.map((line) => line.endsWith('measured before'))).toEqual([false, false, true, true, false]);
  expect(readdirSync(options.folder)).toHaveLength(3);
  const read = await readUnitMeasurements(options.folder);
  expect(read.map(({ profile }) => profile.model).sort()).toEqual(again.map(({ profile }) => profile.model).sort());
  writeFileSync(join(folder, 'other.json'), '{"version": 1}');
  await expect(readUnitMeasurements(join(folder, 'other.json'))).rejects.toThrow('holds no unit measurement');
});

test('a model with a class that was not measured comes before one with more of the same', () => {
  const graphs = [1, 2, 3].map((seed) => randomGraph(Rng.of(seed, 'selection'), { units: 40 }));
  const only = (classes: readonly string[]) => {
    const graph = graphs[2]!;
    return {
      ...graph,
      units: graph.units.map((unit) => ({
        ...unit,
        opClass: classes.includes(unit.opClass) ? unit.opClass : ('other' as const),
      })),
    };
  };
  const known = new Set(
    [...configurationKeys(graphs[0]!), ...configurationKeys(graphs[1]!)].filter((key) => !key.startsWith('other/')),
  );
  const candidates = [graphs[1]!, only([])].map((graph, i) => ({ uri: String(i), graph }));
  expect(nextCandidate(candidates, known)).toBe(1);
  expect(nextCandidate(candidates, known)).toBe(1);
});

test('random networks cover the classes of published ones, and are the same for a seed', async () => {
  const loaded = [];
  for (const seed of [0, 2, 8]) loaded.push(await loadModel(`model://random-cnn?seed=${seed}&size=64`));
  const classes = new Set(loaded.flatMap((model) => model.graph('fused').units.map(({ opClass }) => opClass)));
  const rare = ['reduce', 'control-flow', 'other'];
  expect(opClasses.filter((opClass) => !classes.has(opClass) && !rare.includes(opClass))).toEqual([]);
  expect((await loadModel('model://random-cnn?seed=2&size=64')).graph('fused').hash).toBe(
    loaded[1]!.graph('fused').hash,
  );
});

test('layers for sparsity hold as many zeros as they say', () => {
  const { bytes, cases } = sparsityModel(3);
  const constants = new Map(decodeModel(bytes).graph!.initializer.map((tensor) => [tensor.name, tensor]));
  for (const { node, zeros, fraction } of cases) {
    const weights = constants.get(`${node}.w0`);
    if (!weights) continue;
    const values = [...numbersOf(weights)!].map(Number);
    const share = values.filter((value) => value === 0).length / values.length;
    expect(share, node).toBeCloseTo(zeros === 'weights' ? fraction : 0, 2);
  }
});

test('layers for sparsity read what as many others read, at each fraction of their kind', () => {
  const { bytes, cases } = sparsityModel(3);
  const { node: nodes } = decodeModel(bytes).graph!;
  const inputOf = new Map(nodes.map(({ name, input }) => [name, input[0]!]));
  const readers = (input: string): number => nodes.filter((node) => node.input.includes(input)).length;
  const layerOf = (node: string): string => node.slice(0, node.indexOf('_'));
  for (const { node, nodes: places, zeros, fraction } of cases) {
    const dense = cases.find(
      (other) => layerOf(other.node) === layerOf(node) && other.zeros === zeros && other.fraction === 0,
    )!;
    const own = new Set(places.map((place) => inputOf.get(place)!));
    expect(own.size, node).toBe(1);
    expect(readers([...own][0]!), node).toBe(readers(inputOf.get(dense.nodes[0]!)!));
    if (fraction > 0) expect(own, node).not.toContain(inputOf.get(dense.nodes[0]!));
  }
});

test('the interval of a gain holds what the place of a layer does', () => {
  const cases = [0, 0.99].map((fraction) => ({
    node: `relu_activations_${fraction}`,
    nodes: [],
    opClass: 'activation' as const,
    zeros: 'activations' as const,
    fraction,
  }));
  // At each place always the same, and at one in three half as long again.
  const places = [1, 1.5, 1].map((ms) => [ms, ms, ms, ms]);
  const [gain] = sparsityResult(cases, () => places).gains;
  expect(gain!.gain).toEqual({ value: 1, low: 1 / 1.5, high: 1.5 });
});

test('a layer that takes half the time without its zeros gains twofold; one that takes the same gains nothing', () => {
  const random = Rng.of(0, 'sparsity-test');
  const times = (ms: number): number[] => Array.from({ length: 40 }, () => ms * (1 + 0.02 * random.normal()));
  const cases = [0, 0.99].flatMap((fraction) =>
    (['conv1x1', 'relu'] as const).map((name) => ({
      node: `${name}_activations_${fraction}`,
      nodes: [],
      opClass: name === 'relu' ? ('activation' as const) : ('conv' as const),
      zeros: 'activations' as const,
      fraction,
    })),
  );
  const { gains } = sparsityResult(cases, ({ node }) => [times(node === 'relu_activations_0.99' ? 0.5 : 1)]);
  for (const { opClass, gain } of gains) {
    const truth = opClass === 'activation' ? 2 : 1;
    expect(gain.low).toBeLessThan(truth * 1.01);
    expect(gain.high).toBeGreaterThan(truth * 0.99);
    expect(Math.abs(gain.value / truth - 1)).toBeLessThan(0.03);
  }
  expect(gains).toHaveLength(4);
});
