// IOS: Ding, Zhu, Jia, Pekhimenko, Han, "IOS: Inter-Operator Scheduler for CNN Acceleration", MLSys 2021. All operators run on one
// GPU, stage after stage; the operators of a stage run side by side, or are merged into one.
import { InputError } from '../../../base/errors/input-error.js';
import type { OperatorGraph } from '../../../models/graph.js';
import { connectedParts } from '../stages.js';
import type { Stage, StageTable } from './stage-table.js';

export interface StageSchedule {
  /** In order of execution. */
  readonly stages: readonly Stage[];
  readonly latencyMs: number;
}

export interface IosOptions {
  /** The paper's pruning: groups that a stage runs side by side at most; default 8. */
  readonly mostGroups?: number;
  /** Operators of a group at most; default 3. */
  readonly mostOperators?: number;
}

/** Sets of units of a block that are looked at; the paper's search takes over an hour on its widest networks. */
const mostSets = 2 ** 16;
/** Units of a block; the search goes this deep. */
const mostUnits = 1000;

/** A stage as sets of units: bit i is unit i. */
interface MaskedStage {
  readonly stage: Stage;
  readonly units: bigint;
  /** Units that read from it. */
  readonly readers: bigint;
}

/**
 * dp[S] = min over endings E of S of dp[S - E] + latency(E): an ending is a stage that no other unit of S reads from. Endings are
 * the stages of the table. Blocks of units that no stage crosses are searched one by one, which loses nothing.
 * @throws InputError when a block has more than 1,000 units, or more than 65,536 sets of units that stages can leave
 */
export function ios(
  { graph, stages }: StageTable,
  { mostGroups = 8, mostOperators = 3 }: IosOptions = {},
): StageSchedule {
  const allowed = stages.filter(
    ({ units, strategy }) => strategy === 'merge' || isNarrow(graph, units, mostGroups, mostOperators),
  );
  const startingAt: Stage[][] = graph.units.map(() => []);
  for (const stage of allowed) startingAt[stage.units[0]!]!.push(stage);
  const chosen = blocksOf(graph, allowed).flatMap(({ from, to }) => {
    const own = startingAt.slice(from, to).flat();
    return bestOfBlock(
      (1n << BigInt(to)) - (1n << BigInt(from)),
      to - from,
      own.map((stage) => masked(graph, stage)),
    );
  });
  return scheduleOf(chosen);
}

function bestOfBlock(block: bigint, units: number, endings: readonly MaskedStage[]): Stage[] {
  const refuse = (what: string): never => {
    throw new InputError(
      `IOS: the stages of the table join ${units} units to one block, which has more than ${what}.`,
      'Leave out stages of units that lie far from each other.',
    );
  };
  if (units > mostUnits) refuse(`${mostUnits} units`);
  /** By set: its least latency, and the last stage with which it is reached. */
  const known = new Map<bigint, { readonly ms: number; readonly last: MaskedStage | null }>([
    [0n, { ms: 0, last: null }],
  ]);
  const least = (set: bigint): number => {
    const before = known.get(set);
    if (before) return before.ms;
    let [ms, last]: [number, MaskedStage | null] = [Number.POSITIVE_INFINITY, null];
    for (const ending of endings) {
      const rest = set & ~ending.units;
      if ((set & ending.units) !== ending.units || (rest & ending.readers) !== 0n) continue;
      const withMs = least(rest) + ending.stage.latencyMs;
      if (withMs < ms) [ms, last] = [withMs, ending];
    }
    if (known.size > mostSets) refuse(`${mostSets} sets of units that stages can leave`);
    known.set(set, { ms, last });
    return ms;
  };
  least(block);
  const chosen: Stage[] = [];
  for (let set = block; set !== 0n; ) {
    const { last } = known.get(set)!;
    chosen.unshift(last!.stage);
    set &= ~last!.units;
  }
  return chosen;
}

/**
 * The paper's greedy baseline: every operator that is ready joins the next stage.
 * @throws InputError when the table lacks one of these stages
 */
export function iosGreedy({ graph, stages }: StageTable): StageSchedule {
  const byUnits = new Map(stages.map((stage) => [`${stage.strategy}:${stage.units}`, stage]));
  const done = new Set<number>();
  const chosen: Stage[] = [];
  while (done.size < graph.units.length) {
    const isThere = (tensor: number): boolean => {
      const { producer } = graph.tensors[tensor]!;
      return producer === null || done.has(producer);
    };
    const ready = graph.units.filter(({ id, inputs }) => !done.has(id) && inputs.every(isThere));
    const stage = byUnits.get(`concurrent:${ready.map(({ id }) => id)}`);
    if (!stage)
      throw new InputError(
        `IOS: greedy runs ${ready.map(({ name }) => `"${name}"`).join(', ')} side by side, a stage that the table lacks.`,
        'Measure it, or leave greedy out.',
      );
    chosen.push(stage);
    for (const { id } of ready) done.add(id);
  }
  return scheduleOf(chosen);
}

const scheduleOf = (stages: readonly Stage[]): StageSchedule => ({
  stages,
  latencyMs: stages.reduce((sum, { latencyMs }) => sum + latencyMs, 0),
});

/** Runs of units [from, to) as short as they can be with each stage inside one of them. */
function blocksOf({ units }: OperatorGraph, stages: readonly Stage[]): { from: number; to: number }[] {
  const reach = units.map(({ id }) => id);
  for (const { units: own } of stages) reach[own[0]!] = Math.max(reach[own[0]!]!, own.at(-1)!);
  const blocks: { from: number; to: number }[] = [];
  let from = 0;
  let last = 0;
  for (const { id } of units) {
    last = Math.max(last, reach[id]!);
    if (id < last) continue;
    blocks.push({ from, to: id + 1 });
    from = id + 1;
  }
  return blocks;
}

const setOf = (units: readonly number[]): bigint => units.reduce((set, unit) => set | (1n << BigInt(unit)), 0n);

function masked({ units, tensors }: OperatorGraph, stage: Stage): MaskedStage {
  const readers = stage.units.flatMap((unit) => units[unit]!.outputs.flatMap((tensor) => tensors[tensor]!.consumers));
  return { stage, units: setOf(stage.units), readers: setOf(readers) };
}

/** Whether the stage has few groups, each of few operators. Units that read from each other, directly or not, are one group. */
function isNarrow(graph: OperatorGraph, stage: readonly number[], mostGroups: number, mostOperators: number): boolean {
  const groups = connectedParts(graph, stage);
  return groups.length <= mostGroups && groups.every((group) => group.length <= mostOperators);
}
