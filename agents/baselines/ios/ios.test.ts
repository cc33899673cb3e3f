// IOS: dynamic programming over endings against all partitions into stages, its greedy, and tables that are refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Rng } from '../../../base/random/rng.js';
import { makeGraph, type OperatorGraph } from '../../../models/graph.js';
import { bareUnit } from '../../../test/fixtures/bare-unit.js';
import { randomGraph } from '../../../test/fixtures/random-graph.js';
import { ios, iosGreedy } from './ios.js';
import { readStageTable, type Stage, stageTable } from './stage-table.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-ios-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All partitions of the items. */
function partitions(items: readonly number[]): number[][][] {
  const [first, ...others] = items;
  if (first === undefined) return [[]];
  return partitions(others).flatMap((parts) => [
    [[first], ...parts],
    ...parts.map((part, at) => parts.with(at, [first, ...part])),
  ]);
}

/** Whether the parts can run one after the other: none is read, directly or not, by one that it reads from. */
function isOrdered({ units, tensors }: OperatorGraph, parts: readonly (readonly number[])[]): boolean {
  const partOf = (unit: number) => parts.findIndex((part) => part.includes(unit));
  const left = new Set(parts.keys());
  for (;;) {
    const next = [...left].find((part) =>
      parts[part]!.every((unit) =>
        units[unit]!.inputs.every((tensor) => {
          const { producer } = tensors[tensor]!;
          return producer === null || partOf(producer) === part || !left.has(partOf(producer));
        }),
      ),
    );
    if (next === undefined) return left.size === 0;
    left.delete(next);
  }
}

/** Whether the units can be a stage at all. */
const isStage = (graph: OperatorGraph, units: readonly number[]): boolean =>
  isOrdered(graph, [[...units], ...graph.units.map(({ id }) => [id]).filter(([id]) => !units.includes(id!))]);

/** Times of all stages of single units and of most others; a stage takes less than its units one by one, or more. */
function randomTable(rng: Rng, graph: OperatorGraph): Stage[] {
  const stages: Stage[] = [];
  for (let bits = 1; bits < 2 ** graph.units.length; bits++) {
    const units = [...graph.units.keys()].filter((unit) => (bits >> unit) & 1);
    if (units.length > 1 && (rng.integer(4) === 0 || !isStage(graph, units))) continue;
    stages.push({ units, strategy: 'concurrent', latencyMs: (0.1 + rng.uniform()) * units.length ** rng.uniform() });
  }
  return stages;
}

test('equals brute force over partitions into stages on 200 random graphs', () => {
  let together = 0;
  for (let seed = 0; seed < 200; seed++) {
    const rng = Rng.of(seed, 'ios');
    const graph = randomGraph(rng, { units: 1 + rng.integer(7), maxFanOut: 4 });
    const given = randomTable(rng, graph);
    const latencyOf = new Map(given.map(({ units, latencyMs }) => [String(units), latencyMs]));
    const times = partitions([...graph.units.keys()])
      .filter((parts) => isOrdered(graph, parts))
      .map((parts) =>
        parts.reduce((sum, part) => sum + (latencyOf.get(String(part.toSorted())) ?? Number.POSITIVE_INFINITY), 0),
      );
    const unlimited = { mostGroups: 7, mostOperators: 7 };
    const { stages, latencyMs } = ios(stageTable(graph, given), unlimited);
    expect(latencyMs, `seed ${seed}`).toBeCloseTo(Math.min(...times), 9);
    // The stages are such a partition, in an order that works.
    expect(stages.flatMap(({ units }) => units).toSorted((a, b) => a - b)).toEqual([...graph.units.keys()]);
    expect(stages.reduce((sum, stage) => sum + stage.latencyMs, 0)).toBeCloseTo(latencyMs, 9);
    const done = new Set<number | null>([null]);
    for (const { units } of stages) {
      for (const unit of units) done.add(unit);
      for (const unit of units)
        for (const tensor of graph.units[unit]!.inputs) expect(done).toContain(graph.tensors[tensor]!.producer);
    }
    expect(ios(stageTable(graph, given)).latencyMs).toBeGreaterThanOrEqual(latencyMs - 1e-9);
    together += Number(stages.length < graph.units.length);
  }
  expect(together).toBeGreaterThan(100);
});

/** A convolution, three more that read it, and one that reads these. */
const fork = makeGraph(
  'fused',
  [bareUnit(0), ...[1, 2, 3].map((id) => bareUnit(id, { inputs: [1] })), bareUnit(4, { inputs: [2, 3, 4] })],
  Array.from({ length: 6 }, (_, id) => ({
    name: `t${id}`,
    type: 'float',
    shape: [1],
    bytes: 4,
    graphOutput: id === 5,
  })),
);
const concurrent = (units: readonly number[], latencyMs: number): Stage => ({
  units,
  strategy: 'concurrent',
  latencyMs,
});
const merged = (units: readonly number[], latencyMs: number): Stage => ({ units, strategy: 'merge', latencyMs });
const singles = [0, 1, 2, 3, 4].map((unit) => concurrent([unit], 2));
const unitsOf = ({ stages }: { stages: readonly Stage[] }) => stages.map(({ units }) => units);

describe('on a graph made by hand', () => {
  test('units run side by side or merged, whichever is faster', () => {
    expect(ios(stageTable(fork, singles)).latencyMs).toBe(10);
    const both = [...singles, concurrent([1, 2, 3], 4), concurrent([1, 2], 2.5), merged([2, 3], 1)];
    const { stages, latencyMs } = ios(stageTable(fork, both));
    expect(latencyMs).toBe(7);
    expect(stages.filter(({ strategy }) => strategy === 'merge').map(({ units }) => units)).toEqual([[2, 3]]);
  });

  test('stages of more groups or larger groups than allowed are left out', () => {
    const wide = [...singles, concurrent([1, 2, 3], 1), concurrent([0, 1, 2, 3], 0.5)];
    expect(unitsOf(ios(stageTable(fork, wide)))).toEqual([[0], [1, 2, 3], [4]]);
    expect(ios(stageTable(fork, wide), { mostGroups: 2 }).latencyMs).toBe(10);
    expect(unitsOf(ios(stageTable(fork, wide), { mostOperators: 4 }))).toEqual([[0, 1, 2, 3], [4]]);
  });

  test('greedy runs all that is ready, even where it loses', () => {
    const table = stageTable(fork, [...singles, concurrent([1, 2, 3], 7)]);
    expect(unitsOf(iosGreedy(table))).toEqual([[0], [1, 2, 3], [4]]);
    expect(iosGreedy(table).latencyMs).toBe(11);
    expect(ios(table).latencyMs).toBe(10);
    expect(() => iosGreedy(stageTable(fork, singles))).toThrow('greedy runs "u1", "u2", "u3" side by side');
  });

  /** Units that all read the graph's input. */
  const wide = (count: number) =>
    makeGraph(
      'fused',
      Array.from({ length: count }, (_, id) => bareUnit(id, { inputs: [0] })),
      Array.from({ length: count + 1 }, (_, id) => ({ name: `t${id}`, type: 'float', shape: [1], bytes: 4, graphOutput: id > 0 })), // biome-ignore format: one tensor
    );
  const each = (count: number) => Array.from({ length: count }, (_, unit) => concurrent([unit], 1));

  test('what no stage crosses is searched block by block', () => {
    const pairs = Array.from({ length: 500 }, (_, pair) => concurrent([2 * pair, 2 * pair + 1], 1.5));
    expect(ios(stageTable(wide(2000), [...each(2000), ...pairs])).latencyMs).toBe(1750);
  });

  test('a block of too many sets of units, or of too many units, is refused', () => {
    const joined = (count: number) => stageTable(wide(count), [...each(count), concurrent([0, count - 1], 1)]);
    expect(() => ios(joined(40))).toThrow('join 40 units to one block, which has more than 65536 sets of units');
    expect(() => ios(joined(20_000))).toThrow('join 20000 units to one block, which has more than 1000 units');
  });
});

describe('a table', () => {
  test.each([
    [[...singles, concurrent([1, 1], 1)], 'no units, or one of them twice'],
    [[...singles, concurrent([], 1)], 'no units, or one of them twice'],
    [[...singles, concurrent([9], 1)], "unit 9 is not one of the graph's 5"],
    [[...singles, concurrent([1, 2], 0)], 'its latency is 0 ms, not positive'],
    [[...singles, concurrent([1, 2], Number.NaN)], 'its latency is NaN ms'],
    [[...singles, concurrent([0, 4], 1)], 'unit "u1" reads from it and is read by it'],
    [[...singles, merged([0, 1], 1)], 'only convolutions that read one tensor can be merged'],
    [[...singles, merged([1], 1)], 'only convolutions'],
    [[...singles, concurrent([2, 1], 1), concurrent([1, 2], 2)], 'those of an earlier one'],
    [singles.slice(1), 'no stage of unit "u0" by itself'],
    [[], 'no stage of unit "u0" by itself'],
  ])('is refused: case %#', (stages, problem) => {
    expect(() => stageTable(fork, stages)).toThrow(problem);
  });

  const write = (content: unknown): string => {
    const path = join(folder, 'stages.json');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const named = [0, 1, 2, 3, 4].map((unit) => ({ units: [`u${unit}`], latencyMs: 2 }));

  test('is read from a file', () => {
    const stages = [...named, { units: ['u3', 'u2'], strategy: 'merge', latencyMs: 1 }];
    expect(readStageTable(write({ version: 1, stages }), fork).stages).toEqual([...singles, merged([2, 3], 1)]);
  });

  test.each([
    ['no JSON', 'cannot be read as JSON'],
    [{ version: 2, stages: named }, 'version'],
    [{ version: 1 }, 'stages'],
    [{ version: 1, stages: [{ units: 'u0', latencyMs: 1 }] }, 'stages[0].units'],
    [{ version: 1, stages: [{ units: ['u0'], latencyMs: -1 }] }, 'stages[0].latencyMs'],
    [{ version: 1, stages: [{ units: ['u0'], latencyMs: 1, stream: 2 }] }, 'stream'],
    [{ version: 1, stages: [{ units: ['conv1'], latencyMs: 1 }] }, '"conv1" is no unit of the model'],
    [{ version: 1, stages: named.slice(0, 4) }, 'no stage of unit "u4" by itself'],
  ])('of a file is refused: case %#', (content, problem) => {
    expect(() => readStageTable(write(content), fork)).toThrow(problem);
  });

  test('that is not there is refused', () => {
    expect(() => readStageTable(join(folder, 'none.json'), fork)).toThrow('none.json');
  });
});
