// A memory budget: on random programs with lanes of any speed, and on real lanes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../../../base/onnx/proto.js';
import { float32Tensor } from '../../../base/onnx/tensor-data.js';
import { Rng } from '../../../base/random/rng.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import { type Cut, play, randomCut } from '../../../test/fixtures/random-program.js';
import { randomSchedule } from '../../../test/fixtures/random-schedule.js';
import type { Conditions } from '../../conditions.js';
import { Schedule } from '../../schedule.js';
import { budgetWaits, segmentPeakBytes } from '../../segments/budget.js';
import { compileProgram } from '../../segments/program.js';
import { segmentOf } from '../../segments/segments.js';
import { slotsOf } from '../../segments/slots.js';
import type { Trace } from '../../trace.js';
import { traceViolations } from '../../trace-invariants.js';
import { createLanesExecutor } from './executor.js';

const overlap: Conditions = { seed: 0, execution: 'overlap', mode: 'host', load: null, memoryBudgetBytes: null };
const folder = mkdtempSync(join(tmpdir(), 'sparoa-budget-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('on 300 random programs', () => {
  /** The most that segments planned for that computed at the same time, over several ways to play. */
  function together({ graph, segments, lanes }: Cut, waits: readonly (readonly number[])[], rng: Rng): number {
    const slots = slotsOf(graph);
    const slotOf = new Map(slots.map(({ name }, slot) => [name, slot]));
    const operations = compileProgram(graph, segments, slotOf, lanes.length, waits);
    const peakOf = new Map(segments.map((segment) => [segment.key, segmentPeakBytes(graph, segment)]));
    let most = 0;
    for (let round = 0; round < 10; round++) {
      play(operations, rng, (position) => {
        const computing = position.map(({ at, begun }, lane) => {
          const operation = operations[lane]![at];
          return begun && operation?.kind === 'run' ? peakOf.get(operation.key)! : 0;
        });
        most = Math.max(
          most,
          computing.reduce((sum, bytes) => sum + bytes, 0),
        );
      });
    }
    return most;
  }

  test('what computes at the same time keeps to the budget, however fast the lanes are, and every program ends', () => {
    let held = 0;
    for (let seed = 0; seed < 300; seed++) {
      const rng = Rng.of(seed, 'budget');
      const cut = randomCut(rng);
      const peaks = cut.segments.map((segment) => segmentPeakBytes(cut.graph, segment));
      const budget = Math.max(...peaks) * (1 + 0.8 * rng.uniform());
      const waits = budgetWaits(cut.graph, cut.segments, cut.lanes, budget);
      if ('error' in waits) throw new Error(`seed ${seed}: ${waits.error}`);
      expect(together(cut, waits, rng), `seed ${seed}`).toBeLessThanOrEqual(budget);
      if (together(cut, [], rng) > budget) held++;
    }
    // Without the waits, these were seen above it.
    expect(held).toBeGreaterThan(25);
  });

  test('a budget for all segments at once holds nobody back; one below a segment is an error with its unit and device', () => {
    for (let seed = 0; seed < 300; seed++) {
      const { graph, segments, lanes } = randomCut(Rng.of(seed, 'budget'));
      const peaks = segments.map((segment) => segmentPeakBytes(graph, segment));
      const sum = peaks.reduce((all, bytes) => all + bytes, 0);
      expect(budgetWaits(graph, segments, lanes, sum), `seed ${seed}`).toEqual(segments.map(() => []));
      const largest = peaks.indexOf(Math.max(...peaks));
      const { units, lane } = segments[largest]!;
      expect(budgetWaits(graph, segments, lanes, peaks[largest]! - 1), `seed ${seed}`).toMatchObject({
        error: expect.stringContaining(`${peaks[largest]} bytes planned, more than the memory budget of`),
        unit: units[0],
        device: lanes[lane]!.device,
      });
    }
  });
});

/** x -> Relu, then two chains of three convolutions side by side, and their sum. */
async function twoBranches(): Promise<LoadedModel> {
  const [channels, size] = [16, 48];
  const random = Rng.of(0, 'two branches');
  const weight = (name: string) =>
    float32Tensor(
      name,
      [channels, channels, 3, 3],
      Float32Array.from({ length: channels * channels * 9 }, () => 0.1 * random.normal()),
    );
  const chain = (branch: string) =>
    [0, 1, 2].map((i) =>
      makeNode(
        'Conv',
        [i ? `${branch}${i - 1}` : 'r', `w${branch}${i}`],
        [`${branch}${i}`],
        { pads: [1, 1, 1, 1] },
        { name: `${branch}${i}` },
      ),
    );
  const nodes = [
    makeNode('Relu', ['x'], ['r'], {}, { name: 'relu' }),
    ...chain('a'),
    ...chain('b'),
    makeNode('Mul', ['a2', 'b2'], ['y'], {}, { name: 'join' }),
  ];
  const initializers = ['a', 'b'].flatMap((branch) => [0, 1, 2].map((i) => weight(`w${branch}${i}`)));
  const inputs = [makeValueInfo('x', DataType.FLOAT, [1, channels, size, size])];
  const outputs = [makeValueInfo('y', DataType.FLOAT)];
  const path = join(folder, 'two-branches.onnx');
  writeFileSync(path, encodeModel(makeModel({ name: 'two', nodes, inputs, outputs, initializers }, { '': 13 })));
  return loadModel(path);
}

/** The most that the trace's segments planned for that computed at the same time. */
function concurrentBytes(graph: OperatorGraph, { events }: Trace): number {
  const computing = events.filter(({ kind }) => kind === 'compute');
  const peak = ({ lane, units }: (typeof computing)[number]) =>
    segmentPeakBytes(graph, segmentOf(graph, lane, units, null));
  return computing.reduce((most, { startMs }) => {
    const now = computing.filter((each) => each.startMs <= startMs && startMs < each.endMs);
    return Math.max(
      most,
      now.reduce((sum, each) => sum + peak(each), 0),
    );
  }, 0);
}

test('two branches compute at the same time within an ample budget, and never within one for either alone', async () => {
  const model = await twoBranches();
  const graph = model.graph('operator');
  const named = (names: readonly string[]) => names.map((name) => graph.units.find((unit) => unit.name === name)!.id);
  const order = named(['relu', 'b0', 'a0', 'b1', 'a1', 'b2', 'a2', 'join']);
  const lane = graph.units.map(({ name }) => Number(name.startsWith('b')));
  const schedule = Schedule.of(graph, Schedule.onDevice(graph, 0).share, { order, lane });
  const executor = createLanesExecutor({ model, pair: 'cpu:2+cpu:1', cpuLanes: 2 });
  const run = (memoryBudgetBytes: number): Trace => {
    const trace = executor.run(graph, schedule, { ...overlap, memoryBudgetBytes });
    if ('error' in trace) throw new Error(trace.error);
    expect(traceViolations(graph, trace)).toEqual([]);
    return trace;
  };
  // A branch hands out one tensor and has two more inside, of which two live at a time.
  const branchBytes = 3 * 16 * 48 * 48 * 4;
  let both = 0;
  for (let turn = 0; turn < 100 || (turn < 2000 && both === 0); turn++)
    if (concurrentBytes(graph, run(2 * branchBytes)) === 2 * branchBytes) both++;
  expect(both).toBeGreaterThan(0);
  for (let turn = 0; turn < 300; turn++)
    expect(concurrentBytes(graph, run(2 * branchBytes - 1))).toBeLessThanOrEqual(branchBytes);

  for (const execution of ['overlap', 'serial'] as const) {
    const tight = { ...overlap, execution, memoryBudgetBytes: 1000 };
    expect(executor.run(graph, schedule, tight)).toMatchObject({
      error: expect.stringMatching(
        /^unit 0 "relu".* on device 0 \(cpu:1 #0\): \d+ bytes planned, more than .* of 1000$/,
      ),
      unit: 0,
      device: 0,
    });
  }
  executor.close();
});

test('random schedules on three lanes give the outputs of the plain session within a budget, and keep to it', async () => {
  const model = await loadModel('model://mobilenetv3-small?size=64');
  const graph = model.graph('fused');
  const executor = createLanesExecutor({ model, pair: 'cpu:2+cpu:1', cpuLanes: 2, maxSegmentUnits: 3, cachedPlans: 1 });
  const largest = (trace: Trace): number =>
    Math.max(
      ...trace.events
        .filter(({ kind }) => kind === 'compute')
        .map(({ lane, units }) => segmentPeakBytes(graph, segmentOf(graph, lane, units, null))),
    );
  for (let seed = 0; seed < 6; seed++) {
    const schedule = randomSchedule(graph, Rng.of(seed, 'budget'), { cpuLanes: 2, splits: 0 });
    const free = executor.run(graph, schedule, overlap);
    if ('error' in free) throw new Error(free.error);
    const memoryBudgetBytes = Math.round(1.1 * largest(free));
    for (const execution of ['overlap', 'serial'] as const) {
      const trace = executor.run(graph, schedule, { ...overlap, execution, memoryBudgetBytes });
      if ('error' in trace) throw new Error(`seed ${seed}: ${trace.error}`);
      expect(traceViolations(graph, trace), `seed ${seed}`).toEqual([]);
      expect(concurrentBytes(graph, trace), `seed ${seed}`).toBeLessThanOrEqual(memoryBudgetBytes);
    }
  }
  executor.close();
});

test('the parts of a split unit that do not fit together run one after the other, unit by unit too', async () => {
  const [channels, size] = [16, 48];
  const path = join(folder, 'conv.onnx');
  const node = makeNode('Conv', ['x', 'w'], ['y'], { pads: [1, 1, 1, 1] }, { name: 'conv' });
  const random = Rng.of(0, 'one convolution');
  const weights = Float32Array.from({ length: channels * channels * 9 }, () => random.normal());
  const initializers = [float32Tensor('w', [channels, channels, 3, 3], weights)];
  const inputs = [makeValueInfo('x', DataType.FLOAT, [1, channels, size, size])];
  const outputs = [makeValueInfo('y', DataType.FLOAT)];
  writeFileSync(
    path,
    encodeModel(makeModel({ name: 'conv', nodes: [node], inputs, outputs, initializers }, { '': 13 })),
  );
  const model = await loadModel(path);
  const graph = model.graph('operator');
  const executor = createLanesExecutor({ model });
  const wholeBytes = channels * size * size * 4;
  for (const memoryBudgetBytes of [wholeBytes, wholeBytes - 1]) {
    for (const execution of ['overlap', 'serial'] as const) {
      const trace = executor.run(graph, Schedule.of(graph, [0.5]), { ...overlap, execution, memoryBudgetBytes });
      if ('error' in trace) throw new Error(trace.error);
      expect(traceViolations(graph, trace)).toEqual([]);
      const [first, second, ...others] = trace.events.filter(({ kind }) => kind === 'compute');
      expect(others).toEqual([]);
      const waited = trace.events.some(({ kind, tensor }) => kind === 'sync' && tensor === undefined);
      expect(waited, `${memoryBudgetBytes} bytes, ${execution}`).toBe(memoryBudgetBytes < wholeBytes);
      if (waited) expect(second!.startMs).toBeGreaterThanOrEqual(first!.endMs);
    }
  }
  executor.close();
});
