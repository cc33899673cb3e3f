// Measured latencies of stages, which IOS chooses from: sets of units that a GPU runs side by side, or convolutions merged into
// one. The simulator has no kernels side by side on one GPU, so these times cannot come from a cost table.
import { z } from 'zod';
import { InputError } from '../../../base/errors/input-error.js';
import { list, ownVersion, readJson } from '../../../base/files/json.js';
import type { OperatorGraph } from '../../../models/graph.js';

export const strategies = ['concurrent', 'merge'] as const;

export interface Stage {
  /** Ids, ascending. */
  readonly units: readonly number[];
  /** Groups of units that read from each other run side by side; or all are merged into one convolution. */
  readonly strategy: (typeof strategies)[number];
  readonly latencyMs: number;
}

/** Checked: every stage can be one, none stands twice, and each unit has one by itself. */
export interface StageTable {
  readonly graph: OperatorGraph;
  readonly stages: readonly Stage[];
}

const fileSchema = z.strictObject({
  version: ownVersion(1),
  stages: list(
    z.strictObject({
      units: z.array(z.string()).min(1),
      strategy: z.enum(strategies).default('concurrent'),
      latencyMs: z.number().positive().max(1e9),
    }),
  ),
});

const remedy = 'Give a table as docs/schedulers.md describes it.';

/**
 * Reads `{ "version": 1, "stages": [{ "units": [names], "strategy": "concurrent" or "merge", "latencyMs": number }] }`.
 * @throws InputError when the file cannot be read, breaks the format, names other units than the graph's, or its stages are
 * none (`stageTable`)
 */
export function readStageTable(path: string, graph: OperatorGraph): StageTable {
  const ids = new Map<string, number>();
  for (const { id, name } of graph.units) {
    if (ids.has(name))
      throw new InputError(
        `${path}: two units of the model are named "${name}".`,
        'Give its nodes names of their own.',
      );
    ids.set(name, id);
  }
  const { stages } = readJson(path, fileSchema, remedy);
  const idOf = (name: string, at: number): number => {
    const id = ids.get(name);
    if (id !== undefined) return id;
    throw new InputError(
      `${path}: stages[${at}]: "${name}" is no unit of the model.`,
      'Name units as `sparoa-gym inspect` does, in the granularity that the stages were measured in.',
    );
  };
  return stageTable(
    graph,
    stages.map(({ units, ...stage }, at) => ({ ...stage, units: units.map((name) => idOf(name, at)) })),
    path,
  );
}

/**
 * @param origin how messages call the table
 * @throws InputError when a stage repeats a unit or another stage, reads from itself through a unit outside of it, merges what
 * are not convolutions of one tensor, or takes no time; or a unit has no stage by itself
 */
export function stageTable(graph: OperatorGraph, given: readonly Stage[], origin = 'stage table'): StageTable {
  const known = new Set<string>();
  const stages = given.map(({ units, strategy, latencyMs }, at): Stage => {
    const refuse = (problem: string): never => {
      throw new InputError(`${origin}: stages[${at}]: ${problem}.`, remedy);
    };
    const sorted = [...new Set(units)].sort((a, b) => a - b);
    const stray = units.find((unit) => graph.units[unit] === undefined);
    if (stray !== undefined) refuse(`unit ${stray} is not one of the graph's ${graph.units.length}`);
    if (sorted.length === 0 || sorted.length < units.length) refuse('it has no units, or one of them twice');
    if (!(latencyMs > 0 && Number.isFinite(latencyMs))) refuse(`its latency is ${latencyMs} ms, not positive`);
    const between = unitBetween(graph, sorted);
    if (between !== null) refuse(`unit "${between}" reads from it and is read by it, but is not part of it`);
    if (strategy === 'merge' && !mergeable(graph, sorted))
      refuse('only convolutions that read one tensor can be merged');
    const key = `${strategy}:${sorted}`;
    if (known.has(key)) refuse('its units and strategy are those of an earlier one');
    known.add(key);
    return { units: sorted, strategy, latencyMs };
  });
  const alone = graph.units.find(({ id }) => !known.has(`concurrent:${id}`));
  if (alone)
    throw new InputError(
      `${origin}: there is no stage of unit "${alone.name}" by itself.`,
      'Measure every unit by itself.',
    );
  return { graph, stages };
}

/** The name of a unit outside that lies on a path from the stage back to it; null if there is none. */
function unitBetween({ units, tensors }: OperatorGraph, stage: readonly number[]): string | null {
  const inside = new Set(stage);
  const after = new Set<number>();
  for (const { id, inputs } of units.slice(stage[0], stage.at(-1)! + 1)) {
    const producers = inputs.map((tensor) => tensors[tensor]!.producer ?? -1);
    if (inside.has(id)) {
      const through = producers.find((producer) => after.has(producer));
      if (through !== undefined) return units[through]!.name;
    } else if (producers.some((producer) => inside.has(producer) || after.has(producer))) after.add(id);
  }
  return null;
}

const mergeable = ({ units }: OperatorGraph, stage: readonly number[]): boolean =>
  stage.length > 1 &&
  stage.every((unit) => {
    const { opClass, inputs } = units[unit]!;
    return opClass === 'conv' && inputs.length === 1 && inputs[0] === units[stage[0]!]!.inputs[0];
  });
