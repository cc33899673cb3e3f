// The conformance suite of tasks: what a run takes for granted of every environment. A new task joins by being registered.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { free } from '../../agents/baselines/registry.js';
import { writeCsv } from '../../base/files/csv.js';
import { evaluate } from '../evaluate.js';
import { playActions, playBaseline, type TimedOutcome } from '../play.js';
import { trajectoryColumns } from '../results/trajectories.js';
import { validateTrajectories } from '../validate.js';
import { type Cell, type Task, taskIds, taskNamed } from './registry.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-tasks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cell: Cell = {
  models: ['model://mobilenetv3-small?size=32'],
  platform: 'profile://jetson-orin-nano?mode=15w&precision=fp32&launch=eager&transfer=copy',
};
const streamCell: Cell = {
  models: [...cell.models, 'model://resnet18?size=32'],
  platform: 'profile://jetson-orin-nano',
};
const settings: Readonly<Record<string, { cell: Cell; options: object }[]>> = {
  'SparOA/Share-v0': [
    { cell, options: {} },
    { cell, options: { execution: 'overlap', shares: 'split' } },
  ],
  'SparOA/Placement-v0': [
    { cell, options: {} },
    { cell, options: { execution: 'overlap' } },
  ],
  'SparOA/Branches-v0': [{ cell, options: {} }],
  'SparOA/Stream-v0': [{ cell: streamCell, options: { requests: 3, modes: ['15w', '7w'] } }],
};

describe.each(taskIds().flatMap((id) => (settings[id] ?? []).map((setting) => ({ id, ...setting }))))(
  '$id $options',
  ({ id, cell: own, options }) => {
    let task: Task;
    let played: { name: string; outcomes: TimedOutcome[] }[];
    beforeAll(async () => {
      task = await taskNamed(id).open(own, options);
      const seeds = task.episodes(2);
      // What searches plays hundreds of episodes for one: agents/baselines/search/ has its tests.
      const quick = [...task.baselines].filter(([, { searches }]) => !searches);
      played = quick.map(([name, baseline]) => ({
        name,
        outcomes: seeds.map((seed) => playBaseline(task, name, baseline, seed, 0)),
      }));
    });
    afterAll(() => task.close());

    test('has three baselines at least, a reference and metrics that hold the objective', () => {
      expect(played.length).toBeGreaterThanOrEqual(3);
      for (const seed of task.episodes(2)) expect(task.reference(seed).objective).toBeGreaterThan(0);
      for (const { outcomes } of played)
        for (const outcome of outcomes) expect(task.metrics(outcome)[task.objective]).toBeGreaterThan(0);
    });

    test('no baseline is below the bound, and a known optimum is reached', () => {
      for (const seed of task.episodes(2)) {
        const bound = task.bound(seed);
        if (!bound) continue;
        const values = played.map(
          ({ outcomes }) => task.metrics(outcomes.find((outcome) => outcome.seed === seed)!)[task.objective]!,
        );
        expect(Math.min(...values)).toBeGreaterThanOrEqual(bound.objective * (1 - 1e-12));
        if (bound.kind === 'optimum') expect(Math.min(...values) / bound.objective).toBeCloseTo(1, 12);
        expect(task.reference(seed).objective).toBeGreaterThanOrEqual(bound.objective * (1 - 1e-12));
      }
    });

    test('actions played again give the same outcome, to the bit', () => {
      for (const { outcomes } of played)
        for (const outcome of outcomes) {
          const again = playActions(task, outcome);
          expect(again.return).toBe(outcome.return);
          expect(task.metrics(again)).toEqual(task.metrics(outcome));
        }
    });

    test('too few actions, or too many, are refused', () => {
      const [outcome] = played[0]!.outcomes;
      const { actions } = outcome!;
      expect(() => playActions(task, { ...outcome!, actions: actions.slice(1) })).toThrow(/goes on/);
      expect(() => playActions(task, { ...outcome!, actions: [...actions, actions[0]!] })).toThrow(/is over after/);
    });

    test('its rows replay, and a changed return or latency is found', async () => {
      const rows = played.flatMap(({ name, outcomes }) =>
        outcomes.map((outcome) => task.row(outcome, { scheduler: name, phase: 'final' })),
      );
      const path = join(folder, 'trajectories.csv');
      writeCsv(path, trajectoryColumns, rows);
      expect(await validateTrajectories(path)).toEqual({ rows: rows.length, measured: 0, failures: [] });
      const [first, second, ...others] = rows;
      writeCsv(path, trajectoryColumns, [
        { ...first!, return: first!.return * (1 + 1e-9) },
        { ...second!, modelHash: '0' },
        ...others,
      ]);
      const { failures } = await validateTrajectories(path);
      expect(failures).toHaveLength(2);
      expect(failures[0]).toMatch(/:2: result differs: return/);
      expect(failures[1]).toMatch(/:3: model changed/);
    });

    test('decisions that take time make no episode faster, where they are charged', () => {
      const charge = task.learnerCharge;
      if (!charge) return;
      const { outcomes } = played.find(({ name }) => task.baselines.get(name)!.charge === free)!;
      for (const outcome of outcomes) {
        const slower = playActions(task, { ...outcome, charge });
        expect(task.metrics(slower)[task.objective]!).toBeGreaterThan(task.metrics(outcome)[task.objective]!);
      }
    });
  },
);

test('every task of the package is held to this', () => {
  // Tests in this process register others.
  expect(Object.keys(settings).sort()).toEqual(taskIds().filter((id) => id.startsWith('SparOA/')));
});

test.each([
  { launch: 'eager', defined: 'framework-gpu', other: 'compiler-gpu' },
  { launch: 'graph', defined: 'compiler-gpu', other: 'framework-gpu' },
])('$defined is gpu-only where launch=$launch, and $other is not defined there', async ({ launch, defined, other }) => {
  const platform = cell.platform.replace('launch=eager', `launch=${launch}`).replace('&transfer=copy', '');
  const task = await taskNamed('SparOA/Share-v0').open({ ...cell, platform }, {});
  const spec = (name: string) => ({ name, use: name, agent: null });
  const latencies = (names: readonly string[]) =>
    evaluate(task, names.map(spec), () => [], { seeds: 1, episodes: null, measurements: 1 }).map(
      ({ scheduler, runs }) => [scheduler, task.metrics(runs[0]!.episodes[0]!.outcomes[0]!).latencyMs],
    );
  const [single, ...others] = latencies(['gpu-only', defined, other]);
  expect(others).toEqual([[defined, single![1]]]);
  expect(() => latencies([other])).toThrow(/none of the schedulers is defined/);
  const baseline = taskNamed('SparOA/Share-v0').baselines().get(other)!;
  expect(() => playBaseline(task, other, baseline, 0, 0)).toThrow(/launched otherwise/);
  task.close();
});
