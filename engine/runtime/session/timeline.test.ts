import { describe, expect, test } from 'vitest';
import { makeGraph, type OperatorGraph } from '../../../models/graph.js';
import { bareUnit } from '../../../test/fixtures/bare-unit.js';
import type { Conditions } from '../../conditions.js';
import { Schedule } from '../../schedule.js';
import { traceViolations } from '../../trace-invariants.js';
import { attest, misplaced, unitNames, unitOfKernel } from './attest.js';
import { copiedTensors } from './copies.js';
import { fastestRun, type Kernel, lastRun, type ProfileEvent } from './profile.js';
import { type Timeline, timeline } from './timeline.js';

const conditions: Conditions = { seed: 0, execution: 'serial', mode: 'measured', load: null, memoryBudgetBytes: null };

/** A chain of units a, b, c, ...: unit i reads tensor i and writes tensor i + 1. */
function chain(names: readonly string[], groups: readonly (readonly string[])[] = names.map((name) => [name])) {
  const unit = (id: number, nodes: readonly string[]) =>
    bareUnit(id, { name: nodes[0]!, opClass: 'other', nodes, opTypes: nodes.map(() => 'Relu') });
  const tensors = ['input', ...groups.map((group) => `${group.at(-1)}_out`)];
  const drafts = tensors.map((name, i) => ({
    name,
    type: 'float',
    shape: [1],
    bytes: 4,
    graphOutput: i === tensors.length - 1,
  }));
  return makeGraph(
    'operator',
    groups.map((group, id) => unit(id, group)),
    drafts,
  );
}

const kernel = (node: string, device: 0 | 1, startMs: number, endMs: number, more: Partial<Kernel> = {}): Kernel => ({
  node,
  opType: 'Relu',
  device,
  startMs,
  endMs,
  deviceMs: null,
  ...more,
});

function violations(graph: OperatorGraph, share: readonly number[], made: Timeline): string[] {
  return traceViolations(graph, {
    version: 1,
    kind: 'measured',
    resolution: made.resolution,
    intervals: 'scaled',
    graphHash: graph.hash,
    profileHash: null,
    schedule: Schedule.of(graph, share),
    conditions,
    lanes: [
      { id: 'cpu:1', device: 0 },
      { id: 'gpu', device: 1 },
    ],
    makespanMs: made.durationMs,
    energyMj: null,
    memory: [],
    events: made.events,
  });
}

describe('names of kernels', () => {
  test('suffixes of ONNX Runtime are taken off; its own copies and layout changes are no units', () => {
    const names = unitNames(chain(['a', 'b']), chain(['a', 'b']));
    expect(unitOfKernel(names, { node: 'a_token_12', opType: 'Conv' })).toBe(0);
    expect(unitOfKernel(names, { node: 'b_out_nchwc', opType: 'Conv' })).toBe(1);
    expect(unitOfKernel(names, { node: 'Transpose_token_4', opType: 'Transpose' })).toBeNull();
    expect(unitOfKernel(names, { node: 'a', opType: 'MemcpyToHost' })).toBeNull();
  });
});

describe('attestation', () => {
  const graph = chain(['a', 'b', 'c']);
  const names = unitNames(graph, chain(['a', 'b', 'c'], [['a', 'b'], ['c']]));

  test('a unit fused away is booked to the kernel of its group, else to its neighbour on the same device', () => {
    expect(attest(names, [kernel('a', 0, 0, 1), kernel('c', 0, 1, 2)], () => 0)).toEqual({ unitsOf: [[0, 1], [2]] });
    expect(attest(names, [kernel('a', 0, 0, 1)], () => 0)).toEqual({ unitsOf: [[0, 1, 2]] });
  });

  test('a unit that ran elsewhere, or is missing in the profile, is an error naming it and its device', () => {
    const kernels = [kernel('a', 0, 0, 1), kernel('b', 0, 1, 2), kernel('c', 0, 2, 3)];
    const onGpu = (unit: number) => (unit === 1 ? 1 : 0);
    expect(misplaced(names, kernels, onGpu)).toEqual([{ unit: 1, ranOn: 0 }]);
    expect(attest(names, kernels, onGpu)).toMatchObject({ unit: 1, device: 1, error: expect.stringContaining('"b"') });
    const without = [kernels[0]!, kernels[2]!];
    expect(attest(names, without, onGpu)).toMatchObject({ unit: 1, error: expect.stringContaining('cannot be found') });
  });
});

describe('timelines', () => {
  const graph = chain(['a', 'b', 'c', 'd']);
  const share = [0, 1, 1, 0];
  const deviceOf = (unit: number) => share[unit] as 0 | 1;
  const kernels = (deviceMs: number | null) => [
    kernel('a', 0, 1, 2),
    kernel('Memcpy', 1, 2, 2.5, { opType: 'MemcpyFromHost', deviceMs: deviceMs === null ? null : 0 }),
    kernel('b', 1, 2.5, 2.6, { deviceMs }),
    kernel('c', 1, 2.6, 2.7, { deviceMs }),
    kernel('Memcpy_1', 1, 2.7, 9, { opType: 'MemcpyToHost', deviceMs: deviceMs === null ? null : 0 }),
    kernel('d', 0, 9, 10),
  ];
  const profile = (deviceMs: number | null) => ({
    kernels: kernels(deviceMs),
    executeStartMs: 1,
    executeEndMs: 10,
    endMs: 11,
  });
  const names = unitNames(graph, graph);
  const made = (deviceMs: number | null) => {
    const all = kernels(deviceMs);
    const booked = attest(names, all, deviceOf);
    if ('error' in booked) throw new Error(booked.error);
    const copied = [null, ['a_out'], null, null, ['c_token_3_WebGpuExecutionProvider'], null];
    const copies = copiedTensors({ ...names, unitsOf: booked.unitsOf, deviceOf }, all, copied);
    expect(copies).toEqual([null, 1, null, null, 3, null]);
    return timeline(graph, { profile: profile(deviceMs), unitsOf: booked.unitsOf, copies, deviceOf });
  };

  test('kernels with device times are units, and the host waits for the device before it copies', () => {
    const line = made(2);
    expect(line.resolution).toBe('unit');
    expect(violations(graph, share, line)).toEqual([]);
    expect(line.durationMs).toBe(11);
    const sync = line.events.find(({ kind }) => kind === 'sync')!;
    expect([sync.lane, sync.startMs]).toEqual([0, 2.7]);
    expect(sync.endMs).toBeCloseTo(2.6 + 2 + 2, 9);
    const back = line.events.find(({ kind, lane }) => kind === 'copy' && lane === 0)!;
    expect(back).toMatchObject({ tensor: 3, bytes: 4, endMs: 9 });
  });

  test('a device that works longer than the host waited puts the host off', () => {
    const line = made(5);
    expect(violations(graph, share, line)).toEqual([]);
    expect(line.durationMs).toBeCloseTo(11 + (12.6 - 9), 9);
  });

  test('a device without times gives one event for what ran between two waits', () => {
    const line = made(null);
    expect(line.resolution).toBe('segment');
    expect(violations(graph, share, line)).toEqual([]);
    const onGpu = line.events.filter(({ kind, lane }) => kind === 'compute' && lane === 1);
    expect(onGpu.map(({ units }) => units)).toEqual([[1, 2]]);
  });

  test('a change to blocks is booked to the kernel that reads them, one back to the kernel that wrote them', () => {
    const all = [
      kernel('ReorderInput', 0, 0, 1, { opType: 'ReorderInput' }),
      kernel('a', 0, 1, 2),
      kernel('ReorderOutput', 0, 2, 3, { opType: 'ReorderOutput' }),
      kernel('ReorderInput_1', 0, 3, 4, { opType: 'ReorderInput' }),
      kernel('c', 0, 4, 5),
      kernel('ReorderOutput_1', 0, 5, 6, { opType: 'ReorderOutput' }),
    ];
    const line = timeline(chain(['a', 'b', 'c']), {
      profile: { kernels: all, executeStartMs: 0, executeEndMs: 6, endMs: 6 },
      // The second unit is fused into the first's kernel.
      unitsOf: [[], [0, 1], [], [], [2], []],
      copies: all.map(() => null),
      deviceOf: () => 0,
    });
    const reorders = line.events.filter(({ kind }) => kind === 'reorder');
    expect(reorders.map(({ units, startMs }) => [startMs, units])).toEqual([
      [0, [0, 1]],
      [2, [0, 1]],
      [3, [2]],
      [5, [2]],
    ]);
  });
});

describe('profiles', () => {
  test('of several runs the last or the fastest is read, with the device times that belong to it', () => {
    const event = (cat: string, name: string, ts: number, dur: number, provider?: string): ProfileEvent => ({
      cat,
      name,
      ts,
      dur,
      ...(provider && { args: { op_name: 'Conv', provider } }),
    });
    const run = (ts: number, ms: number, durUs = 1000) => [
      event('Node', 'c_kernel_time', ts + 100, durUs / 20, 'WebGpuExecutionProvider'),
      event('Session', 'SequentialExecutor::Execute', ts + 50, durUs - 100),
      event('Session', 'model_run', ts, durUs),
      event('Api', 'c&Conv&Transpose', ts + 10_000, ms * 1000),
      event('Api', 'c&Conv&Conv2dMM', ts + 11_000, ms * 1000),
    ];
    expect(lastRun([...run(0, 9), ...run(5000, 2)])).toEqual({
      kernels: [{ node: 'c', opType: 'Conv', device: 1, startMs: 0.1, endMs: 0.15, deviceMs: 4 }],
      executeStartMs: 0.05,
      executeEndMs: 0.95,
      endMs: 1,
    });
    // The very fastest warms up.
    expect(fastestRun([run(0, 9, 200), run(5000, 3, 1400), run(10_000, 2), run(15_000, 7, 1600)].flat(), 1)).toEqual({
      kernels: [{ node: 'c', opType: 'Conv', device: 1, startMs: 0.1, endMs: 0.15, deviceMs: 4 }],
      executeStartMs: 0.05,
      executeEndMs: 0.95,
      endMs: 1,
    });
  });
});
