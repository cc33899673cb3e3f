import { describe, expect, test } from 'vitest';
import { makeGraph, type OperatorGraph, type Unit } from '../../models/graph.js';
import { bareUnit } from '../../test/fixtures/bare-unit.js';
import { Schedule } from '../schedule.js';
import type { Trace, TraceEvent } from '../trace.js';
import { ganttSvg } from './gantt.js';

/** A chain of units, each reading what the one before it wrote. */
function chain(units: readonly Partial<Unit>[]): OperatorGraph {
  return makeGraph(
    'operator',
    units.map((said, id) => bareUnit(id, { flops: 100, ...said })),
    Array.from({ length: units.length + 1 }, (_, id) => ({
      name: `tensor${id}`,
      type: 'float',
      shape: [1],
      bytes: 4,
      graphOutput: id === units.length,
    })),
  );
}

function traceOf(graph: OperatorGraph, makespanMs: number, events: readonly TraceEvent[]): Trace {
  return {
    version: 1,
    kind: 'simulated',
    resolution: 'unit',
    graphHash: graph.hash,
    profileHash: '0123456789abcdef',
    schedule: Schedule.onDevice(graph, 0),
    conditions: { seed: 0, execution: 'serial', mode: 'maxn', load: null, memoryBudgetBytes: null },
    lanes: [
      { id: 'cpu:0', device: 0 },
      { id: 'gpu:0', device: 1 },
    ],
    makespanMs,
    energyMj: null,
    memory: [],
    events,
  };
}

const graph = chain([{ name: 'a&<b>"' }, { opClass: 'elementwise' }, { opClass: 'gemm' }]);
const events: readonly TraceEvent[] = [
  { kind: 'compute', lane: 0, units: [0], startMs: 0, endMs: 4 },
  { kind: 'copy', lane: 1, units: [1], startMs: 4, endMs: 4.5, tensor: 1, bytes: 4 },
  { kind: 'launch', lane: 0, units: [1], startMs: 4.5, endMs: 5 },
  { kind: 'compute', lane: 1, units: [1], startMs: 5, endMs: 7 },
  { kind: 'sync', lane: 0, units: [1], startMs: 7, endMs: 7.25 },
  { kind: 'compute', lane: 0, units: [2], startMs: 7.25, endMs: 8 },
  // Costs nothing, so it is not drawn.
  { kind: 'reorder', lane: 0, units: [2], startMs: 8, endMs: 8 },
];
const trace = traceOf(graph, 8, events);

interface Box {
  readonly kind: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly fill: string;
}

function boxes(svg: string): Box[] {
  const pattern = /<rect class="(\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="\d+" fill="(#\w+)"/g;
  return [...svg.matchAll(pattern)].map(([, kind, x, y, width, fill]) => ({
    kind: kind!,
    x: Number(x),
    y: Number(y),
    width: Number(width),
    fill: fill!,
  }));
}

/** Pixels of the plot over the makespan: from the frame of a lane. */
const pixelsPerMs = (1240 - 96 - 28) / 8;

describe('ganttSvg', () => {
  const svg = ganttSvg(graph, [{ title: 'greedy', trace }]);
  const drawn = boxes(svg);

  test('draws each event of some duration once, as wide as it is long, on its lane', () => {
    const timed = events.filter(({ startMs, endMs }) => endMs > startMs);
    expect(drawn.map(({ kind }) => kind)).toEqual(timed.map(({ kind }) => kind));
    timed.forEach((event, i) => {
      expect(drawn[i]!.width).toBeCloseTo((event.endMs - event.startMs) * pixelsPerMs, 2);
      expect(drawn[i]!.x - drawn[0]!.x).toBeCloseTo(event.startMs * pixelsPerMs, 2);
    });
    expect(new Set(timed.map(({ lane }, i) => `${lane} at ${drawn[i]!.y}`)).size).toBe(2);
  });

  test('total width on a lane is its busy time, which is also written beside it', () => {
    // Lane 0: 4 + 0.5 + 0.25 + 0.75 = 5.5 of 8 ms; lane 1: 0.5 + 2 = 2.5 of 8 ms.
    const width = (y: number) => drawn.filter((box) => box.y === y).reduce((sum, box) => sum + box.width, 0);
    expect(width(drawn[0]!.y)).toBeCloseTo(5.5 * pixelsPerMs, 2);
    expect(width(drawn[1]!.y)).toBeCloseTo(2.5 * pixelsPerMs, 2);
    expect(svg).toContain('>69 % busy<');
    expect(svg).toContain('>31 % busy<');
  });

  test('colours compute by class, and launch, copy and sync differently, with a legend of what occurs', () => {
    expect(new Set(drawn.map(({ fill }) => fill)).size).toBe(6);
    const texts = [...svg.matchAll(/>([^<>]+)<\/text>/g)].map((match) => match[1]);
    expect(texts.slice(-6)).toEqual([
      'convolution',
      'matrix product',
      'elementwise, pooling, normalisation',
      'launch',
      'copy',
      'sync',
    ]);
  });

  test('says what kind of trace it is and of which profile', () => {
    expect(svg).toContain('simulated · profile 0123456789abcdef · serial execution');
    const measured = ganttSvg(graph, [{ title: 'x', trace: { ...trace, kind: 'measured', profileHash: null } }]);
    expect(measured).toContain('measured · no profile');
  });

  test('stacks traces over one time axis', () => {
    const faster = traceOf(graph, 4, [events[0]!]);
    const both = boxes(ganttSvg(graph, [{ title: 'slow', trace }, { title: 'fast', trace: faster }])); // biome-ignore format: a call
    expect(both.at(-1)!.width).toBeCloseTo(both[0]!.width, 6);
    expect(both.at(-1)!.y).toBeGreaterThan(Math.max(...drawn.map(({ y }) => y)));
  });

  test('escapes names and titles, and replaces what XML cannot hold', () => {
    const hostile = ganttSvg(graph, [{ title: '<script>&"\u0007', trace }]);
    expect(hostile).not.toContain('<script>');
    expect(hostile).toContain('&lt;script&gt;&amp;&quot;\ufffd');
    expect(hostile).toContain('a&amp;&lt;b&gt;&quot;');
    expect(hostile).not.toContain('\u0007');
  });

  test('writes the same bytes twice', () => {
    expect(ganttSvg(graph, [{ title: 'greedy', trace }])).toBe(svg);
  });

  test('puts unit ids where there is room, for a graph of 200 units', () => {
    const large = chain(Array.from({ length: 200 }, () => ({})));
    const steps = large.units.map(({ id }): TraceEvent => {
      return { kind: 'compute', lane: 0, units: [id], startMs: id, endMs: id + 1 };
    });
    const picture = ganttSvg(large, [{ title: 'all', trace: traceOf(large, 200, steps) }]);
    expect(boxes(picture)).toHaveLength(200);
    // 5.6 pixels each: no room for an id.
    expect(picture).not.toMatch(/pointer-events="none"/);
    expect(svg.match(/pointer-events="none">(\d)</g)).toHaveLength(3);
  });

  test('refuses a trace of another graph, and no trace', () => {
    expect(() => ganttSvg(chain([{}]), [{ title: 'greedy', trace }])).toThrow(/"greedy" is of graph/);
    expect(() => ganttSvg(graph, [])).toThrow('no trace');
  });
});
