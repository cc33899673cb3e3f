// For tests: boards with round numbers and graphs as lists of edges, so that a makespan can be worked out by hand.
import { bareUnit } from '../../../models/bare-unit.js';
import { makeGraph, type OperatorGraph, type Unit } from '../../../models/graph.js';
import type { Conditions } from '../../conditions.js';
import { decideAll } from '../../executor.js';
import { Schedule } from '../../schedule.js';
import type { Trace } from '../../trace.js';
import type { OverlapCosts } from './program.js';
import { type Board, overlapRun } from './run.js';

/** Units by what they read: ids of other units, or none for a graph input of their own. What nobody reads is an output. */
export function toyGraph(reads: readonly (readonly number[])[]): OperatorGraph {
  const read = new Set(reads.flat());
  const inputs = reads.flatMap((producers, id) => (producers.length === 0 ? [id] : []));
  const tensors = [
    ...reads.map((_, id) => ({ name: `t${id}`, type: 'float', shape: [1, 4], bytes: 16, graphOutput: !read.has(id) })),
    ...inputs.map((id) => ({ name: `x${id}`, type: 'float', shape: [1, 4], bytes: 16, graphOutput: false })),
  ];
  const units = reads.map((producers, id): Unit => {
    const read = producers.length > 0 ? producers : [reads.length + inputs.indexOf(id)];
    return bareUnit(id, { inputs: read, outputs: [id], splitAxis: 1 });
  });
  return makeGraph('operator', units, tensors);
}

/** Nothing but kernels takes time, unless given; four cores, 100 bytes a ms. */
export function toyBoard(unitMs: (unit: number, device: number) => number, costs: Partial<OverlapCosts> = {}): Board {
  return {
    costs: {
      unitMs: (unit, device, share) => share * unitMs(unit, device),
      transferMs: () => 0,
      launchMs: () => 0,
      syncMs: 0,
      unitTrafficBytes: () => 0,
      transferTrafficBytes: () => 0,
      plannedBytes: () => 0,
      ...costs,
    },
    shared: { cores: 4, bytesPerMs: 100 },
    kinds: ['cpu', 'gpu'],
    profileHash: '0',
  };
}

export const overlap: Conditions = { seed: 0, regime: 'overlap', mode: 'any', load: null, memoryBudgetBytes: null };

/** The trace of shares and lanes in the graph's order. */
export function toyTrace(
  graph: OperatorGraph,
  board: Board,
  share: readonly number[],
  { lane, ...conditions }: Partial<Conditions> & { readonly lane?: readonly number[] } = {},
): Trace {
  const schedule = Schedule.of(graph, share, lane ? { lane } : {});
  const trace = decideAll(overlapRun(graph, board, { ...overlap, ...conditions }), schedule);
  if ('error' in trace) throw new Error(trace.error);
  return trace;
}
