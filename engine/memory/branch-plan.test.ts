// Parallax's rules on graphs made by hand, against brute force, on random graphs and on published networks.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { makeGraph, type OperatorGraph } from '../../models/graph.js';
import { loadModel } from '../../models/load.js';
import { alignedBytes } from '../../predictor/arenas/arena.js';
import { bareUnit } from '../../test/fixtures/bare-unit.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { Schedule } from '../schedule.js';
import { type BranchPlan, branchPlan } from './branch-plan.js';
import { branchesOf, nodeKinds } from './branches.js';
import { mayRunTogether } from './concurrency.js';
import { candidateRegions, keepsDelegate, offloadPays, regionOf } from './delegates.js';
import { memoryPlan } from './memory-plan.js';

/** Unit i reads the outputs of `reads[i]` (-1: the graph's input) and writes 64 bytes; `flops` per unit. */
function graphOf(reads: readonly (readonly number[])[], flops: (unit: number) => number = () => 10): OperatorGraph {
  const units = reads.map((sources, id) =>
    bareUnit(id, {
      inputs: sources.map((source) => source + 1),
      macs: flops(id) / 2,
      flops: flops(id),
      bytesWritten: 64,
    }),
  );
  const read = new Set(reads.flat());
  const tensors = Array.from({ length: units.length + 1 }, (_, id) => ({
    name: `t${id}`,
    type: 'float',
    shape: [16],
    bytes: 64,
    graphOutput: id > 0 && !read.has(id - 1),
  }));
  return makeGraph('operator', units, tensors);
}

// 0 forks into three chains 1-2-3, 4-5-6 and 7, which 8 joins; 9 follows.
const forked = graphOf([[-1], [0], [1], [2], [0], [4], [5], [0], [3, 6, 7], [8]]);

describe('branches and layers', () => {
  test('kinds by degree', () => {
    expect(nodeKinds(forked)).toEqual(['splitter', ...Array<string>(7).fill('sequential'), 'merger', 'sequential']);
    expect(nodeKinds(graphOf([[-1], [-1], [0, 1], [2], [2]]))[2]).toBe('split-merge');
  });

  test('chains between forks and joins, layer by layer', () => {
    expect(branchesOf(forked).map(({ units, kind, layer }) => [units, kind, layer])).toEqual([
      [[0], 'junction', 0],
      [[1, 2, 3], 'chain', 1],
      [[4, 5, 6], 'chain', 1],
      [[7], 'chain', 1],
      [[8], 'junction', 2],
      [[9], 'chain', 3],
    ]);
  });

  test('a delegated region is one branch; one that a path leaves and re-enters is refused', () => {
    const branches = branchesOf(forked, [[1, 2]]);
    expect(branches.map(({ units, kind }) => [units, kind])).toContainEqual([[1, 2], 'delegate']);
    expect(branches.find(({ units }) => units[0] === 3)!.layer).toBe(2);
    expect(() => branchesOf(forked, [[0, 8]])).toThrow(/leaves the delegated region/);
    expect(() => branchesOf(forked, [[1], [1, 2]])).toThrow(/two delegated regions/);
  });
});

describe('delegates', () => {
  const wide = graphOf([[-1], [0], [1], [2]], () => 1e9);

  test('the rule at its limits: 3 operators, 1e9 MAC, 0.1 byte per MAC', () => {
    const region = { units: [0, 1, 2], macs: 1e9, boundaryBytes: 1e8 };
    expect(keepsDelegate(region)).toBe(true);
    expect(keepsDelegate({ ...region, units: [0, 1] })).toBe(false);
    expect(keepsDelegate({ ...region, macs: 0.999e9, boundaryBytes: 0 })).toBe(false);
    expect(keepsDelegate({ ...region, boundaryBytes: 1.01e8 })).toBe(false);
  });

  test('the inequality behind it pays from far fewer operations than the rule asks', () => {
    // 0.2 ms + F / 2.6e10 = F / 1e6 at F = 2.00008e5: the appendix's figure.
    expect(offloadPays({ units: [0], macs: 2.01e5, boundaryBytes: 0 })).toBe(true);
    expect(offloadPays({ units: [0], macs: 2.0e5, boundaryBytes: 0 })).toBe(false);
  });

  test('regions count what crosses their boundary once', () => {
    expect(regionOf(wide, [1, 2])).toEqual({ units: [1, 2], macs: 1e9, boundaryBytes: 128 });
    expect(regionOf(forked, [0]).boundaryBytes).toBe(128);
  });

  test('candidates are indivisible without a cycle, on 200 random graphs with random support', () => {
    expect(candidateRegions(forked, (unit) => unit !== 4).map(({ units }) => units)).toEqual([
      [0, 1, 2, 3, 7],
      [5, 6, 8, 9],
    ]);
    for (let seed = 0; seed < 200; seed++) {
      const rng = Rng.of(seed, 'regions');
      const graph = randomGraph(rng, { units: 1 + rng.integer(60), maxFanOut: 5 });
      const supported = graph.units.map(() => rng.uniform() < 0.7);
      const regions = candidateRegions(graph, (unit) => supported[unit]!).map(({ units }) => units);
      expect(new Set(regions.flat()).size, `seed ${seed}`).toBe(supported.filter(Boolean).length);
      expect(() => branchesOf(graph, regions), `seed ${seed}`).not.toThrow();
    }
  });
});

/** Recomputes from the plan alone which tensors can be live together, and checks all that a plan promises. */
function expectSound(graph: OperatorGraph, plan: BranchPlan, budgetBytes: number, label: string): void {
  const { branches, offsets } = plan;
  expect(branches.flatMap(({ units }) => units).sort((a, b) => a - b)).toEqual(graph.units.map(({ id }) => id));
  expect(() => Schedule.of(graph, Schedule.onDevice(graph, 0).share, plan)).not.toThrow();
  const branchOf = new Map(branches.flatMap((branch, index) => branch.units.map((unit) => [unit, index] as const)));
  const slot = (unit: number) => branches[branchOf.get(unit)!]!.slot;
  for (const { id, inputs } of graph.units) {
    for (const tensor of inputs) {
      const { producer } = graph.tensors[tensor]!;
      // Whoever runs side by side needs nothing of each other.
      if (producer !== null && branchOf.get(producer) !== branchOf.get(id))
        expect(slot(producer), label).toBeLessThan(slot(id));
    }
  }
  for (const together of bySlot(branches)) {
    if (together.length < 2) continue;
    expect(together.length).toBeLessThanOrEqual(6);
    expect(new Set(together.map(({ lane }) => lane)).size).toBe(together.length);
    expect(mayRunTogether(together.map((b) => ({ ...b, operators: b.units.length }))), label).toBe(true);
    expect(
      together.reduce((sum, b) => sum + b.peakBytes, 0),
      label,
    ).toBeLessThanOrEqual(budgetBytes);
  }
  // Time as (slot, unit): within one branch the units' order counts, between branches of a slot nothing does.
  const spans = graph.tensors.map(({ producer, consumers, graphOutput }) => ({
    from: producer === null ? -1 : slot(producer),
    to: graphOutput
      ? Number.POSITIVE_INFINITY
      : Math.max(producer === null ? -1 : slot(producer), ...consumers.map(slot)),
    branch: producer === null ? -1 : branchOf.get(producer)!,
    local:
      !graphOutput && producer !== null && consumers.every((unit) => branchOf.get(unit) === branchOf.get(producer)),
    born: producer ?? -1,
    last: Math.max(producer ?? -1, ...consumers),
  }));
  const clashes: number[][] = [];
  spans.forEach((a, i) => {
    for (let j = 0; j < i; j++) {
      const b = spans[j]!;
      const ordered = a.local && b.local && a.branch === b.branch && (a.last < b.born || b.last < a.born);
      if (a.from > b.to || b.from > a.to || ordered) continue;
      const [ai, bj] = [graph.tensors[i]!.bytes, graph.tensors[j]!.bytes];
      if (offsets[i]! < offsets[j]! + bj && offsets[j]! < offsets[i]! + ai) clashes.push([j, i]);
    }
  });
  expect(clashes, label).toEqual([]);
  const ends = graph.tensors.map(({ bytes }, id) => offsets[id]! + bytes);
  expect(plan.peakBytes, label).toBeGreaterThanOrEqual(Math.max(...ends));
  expect(plan.peakBytes, label).toBeLessThanOrEqual(plan.separateBytes);
  expect(plan.separateBytes, label).toBeLessThanOrEqual(plan.naiveBytes);
}

function bySlot(branches: BranchPlan['branches']): BranchPlan['branches'][] {
  const slots = [...new Set(branches.map(({ slot }) => slot))];
  return slots.map((slot) => branches.filter((branch) => branch.slot === slot));
}

describe('branchPlan', () => {
  test('two equal chains run side by side in arenas of their own; a tight budget puts them in sequence', () => {
    const wide = branchPlan(forked);
    expect(wide.branches.map(({ slot, lane }) => [slot, lane])).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
      [2, 0],
      [3, 0],
      [4, 0],
    ]);
    // A chain of three: two local tensors that overlap, and one handed out.
    expect(wide.branches[1]).toMatchObject({ arenaBytes: 128, peakBytes: 192 });
    expectSound(forked, wide, Number.POSITIVE_INFINITY, 'wide');
    const tight = branchPlan(forked, { budgetBytes: 2 * 192 - 1 });
    expect(tight.branches.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(tight.peakBytes).toBeLessThan(wide.peakBytes);
  });

  test('is sound on 200 random graphs under random budgets', () => {
    let parallel = 0;
    for (let seed = 0; seed < 200; seed++) {
      const rng = Rng.of(seed, 'branch-plan');
      const graph = seed % 2 ? randomGraph(rng, { units: 1 + rng.integer(60), maxFanOut: 5 }) : chains(rng);
      const total = graph.tensors.reduce((sum, { bytes }) => sum + alignedBytes(bytes), 0);
      const budgetBytes = total * rng.uniform();
      const plan = branchPlan(graph, { budgetBytes });
      expectSound(graph, plan, budgetBytes, `seed ${seed}`);
      parallel += plan.branches.filter(({ lane }) => lane > 0).length;
    }
    expect(parallel).toBeGreaterThan(50);
  });
});

/** Blocks of parallel chains of 1 to 5 units, as Inception has them. */
function chains(rng: Rng): OperatorGraph {
  const reads: number[][] = [[-1]];
  for (let block = 0; block < 4; block++) {
    const fork = reads.length - 1;
    const ends = Array.from({ length: 2 + rng.integer(6) }, () => {
      for (let length = 1 + rng.integer(5), from = fork; length > 0; length--) from = reads.push([from]) - 1;
      return reads.length - 1;
    });
    reads.push(ends);
  }
  const flops = reads.map(() => 10 + rng.integer(5));
  return graphOf(reads, (unit) => flops[unit]!);
}

const models = process.env.SPAROA_GYM_TEST_MODELS ?? '';

describe.skipIf(models === '')('networks of SPAROA_GYM_TEST_MODELS (unset: skipped)', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sparoa-memory-'));
    process.env.SPAROA_GYM_CACHE = folder;
  });
  afterAll(() => {
    delete process.env.SPAROA_GYM_CACHE;
    rmSync(folder, { recursive: true });
  });

  test.each(['light_squeezenet.onnx', 'light_inception_v1.onnx', 'light_shufflenet.onnx', 'light_resnet50.onnx'])(
    '%s: a sound plan; in sequence the lower bound is reached, less than a quarter of naive',
    async (file) => {
      const graph = (await loadModel(join(models, file))).graph('operator');
      const plan = branchPlan(graph);
      expectSound(graph, plan, Number.POSITIVE_INFINITY, file);
      const [serial] = memoryPlan(graph, Schedule.onDevice(graph, 0));
      expect(serial.plannedPeakBytes).toBe(serial.lowerBoundBytes);
      expect(serial.plannedPeakBytes).toBeLessThan(serial.naiveBytes / 4);
      expect(plan.peakBytes).toBeLessThan(plan.naiveBytes / 2);
    },
  );
});
