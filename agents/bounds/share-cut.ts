// The share of each unit in serial execution, where the makespan is a sum of unit times and moves: one minimum s-t cut
// (Stone, IEEE TSE 1977) whose units have several levels (Ishikawa, "Exact optimization for Markov random fields with convex
// priors", IEEE PAMI 2003). Where parts read whole inputs, the cut is the optimum; where they read their own channels, moves
// are not submodular, and the cut of an under-estimate is a lower bound.
import type { OperatorGraph } from '../../models/graph.js';
import { type CostTable, wholeUnitMs } from '../../predictor/cost-table.js';
import { FlowNetwork } from './max-flow.js';
import { isOnly, leastPart, leastRead, mostWritten, rangesOf, type ShareRange, snapped } from './share-ranges.js';

export interface ShareCut {
  /** At most the makespan of every schedule whose shares are in the ranges, ms. */
  readonly boundMs: number;
  /** Per unit, the range of the cut. */
  readonly range: readonly ShareRange[];
}

/**
 * Node (unit, k), for k of 1 to the number of ranges less 1, is on the sink's side if the unit has range k or a higher one. An
 * edge from (unit, k + 1) to (unit, k) carries the time of the unit in range k; source and sink are the ends of every chain.
 *
 * A tensor lacks on a device what its readers need there less what its producer left there. Both are steps x_0 < x_1 < ...;
 * step j is paid once if a reader needs x_(j+1) and the producer left x_j at most. The prices of steps add up to a move that
 * is never dearer than the real one, as a move of two parts at once costs at most what two moves cost: `whole` for all of the
 * tensor exactly, `fresh` for a tensor of which the device has nothing.
 *
 * @param ranges ascending, 0 and 1 alone at the ends; unit times and moves must not fall as parts grow, unless each range is
 * one share
 */
export function shareCut(graph: OperatorGraph, costs: CostTable, ranges: readonly ShareRange[]): ShareCut {
  const whole = cutWith(graph, costs, ranges, 'whole');
  if (!readsParts(graph, ranges)) return whole;
  const fresh = cutWith(graph, costs, ranges, 'fresh');
  return fresh.boundMs > whole.boundMs ? fresh : whole;
}

/** Whether a split unit may need a part of an input. */
function readsParts(graph: OperatorGraph, ranges: readonly ShareRange[]): boolean {
  return graph.units.some((unit) => rangesOf(unit, ranges).length > 2 && unit.channelReach !== null);
}

type Prices = 'whole' | 'fresh';
const source = 0;
const sink = 1;

function cutWith(graph: OperatorGraph, costs: CostTable, ranges: readonly ShareRange[], prices: Prices): ShareCut {
  const chains = new Chains(graph, ranges);
  const network = new FlowNetwork();
  network.addNodes(chains.nodeCount);
  for (const { id } of graph.units) {
    const own = chains.rangesOf(id);
    own.forEach((range, k) => {
      network.addEdge(
        chains.node(id, k + 1),
        chains.node(id, k),
        leastUnitMs(costs, id, range),
        Number.POSITIVE_INFINITY,
      );
    });
  }
  for (const { id } of graph.tensors)
    for (const device of [0, 1] as const) addMoves(network, { graph, costs, chains, prices }, id, device);
  const { capacity, side } = network.minCut(source, sink);
  const range = graph.units.map(({ id }) => {
    const own = chains.rangesOf(id);
    let level = 0;
    while (level + 1 < own.length && side[chains.node(id, level + 1)] === 0) level++;
    return own[level]!;
  });
  return { boundMs: capacity, range };
}

/** The least time of a unit in serial execution, launches and synchronisation included. */
function leastUnitMs(costs: CostTable, unit: number, range: ShareRange): number {
  if (isOnly(range, 0) || isOnly(range, 1)) return wholeUnitMs(costs, unit, range.from);
  const [part0Ms, part1Ms] = ([0, 1] as const).map((device) => costs.unitMs(unit, device, leastPart(range, device)));
  return costs.launchMs(1) + Math.max(costs.launchMs(0) + part0Ms!, part1Ms!) + costs.syncMs;
}

/** Where the nodes of each unit are. */
class Chains {
  readonly nodeCount: number;
  readonly #own: readonly (readonly ShareRange[])[];
  readonly #first: readonly number[];
  readonly #whole: readonly boolean[];
  /** Per unit and device, what the unit leaves there of a tensor. */
  readonly #left: (Levels | undefined)[] = [];

  constructor({ units }: OperatorGraph, ranges: readonly ShareRange[]) {
    this.#own = units.map((unit) => rangesOf(unit, ranges));
    this.#whole = this.#own.map((own) => own.every((range) => isOnly(range, 0) || isOnly(range, 1)));
    let next = 2;
    this.#first = this.#own.map(({ length }) => (next += length - 1) - (length - 1));
    this.nodeCount = next;
  }

  rangesOf(unit: number): readonly ShareRange[] {
    return this.#own[unit]!;
  }

  /** On the sink's side if the unit has range `k` or a higher one. */
  node(unit: number, k: number): number {
    return k === 0 ? sink : k === this.#own[unit]!.length ? source : this.#first[unit]! + k - 1;
  }

  /** A quantity of each range. Towards device 0 it falls as the share grows: indices count from the other end. */
  levels(unit: number, device: 0 | 1, of: (range: ShareRange) => number): Levels {
    const own = this.#own[unit]!;
    const values: number[] = [];
    const nodes: number[] = [];
    for (let k = 0; k <= own.length; k++) {
      const at = device === 1 ? k : own.length - k;
      nodes.push(this.node(unit, at));
      if (k < own.length) values.push(of(own[device === 1 ? k : at - 1]!));
    }
    return { values, nodes };
  }

  /** What a unit leaves of each of its outputs on a device. */
  left(unit: number, device: 0 | 1): Levels {
    return (this.#left[2 * unit + device] ??= this.levels(unit, device, (range) => mostWritten(range, device)));
  }

  /** Whether the unit is on either device as a whole: there it needs whole inputs, as it leaves whole outputs. */
  isWhole(unit: number): boolean {
    return this.#whole[unit]!;
  }
}

interface Problem {
  readonly graph: OperatorGraph;
  readonly costs: CostTable;
  readonly chains: Chains;
  readonly prices: Prices;
}

/** A quantity of each range of a unit, ascending, and for each index the node that says whether it is at least that. */
interface Levels {
  readonly values: readonly number[];
  /** One more than values: the last says that it is larger than all. */
  readonly nodes: readonly number[];
}

const constant = (value: number, device: 0 | 1): Levels => ({
  values: [value],
  nodes: device === 1 ? [sink, source] : [source, sink],
});

function addMoves(
  network: FlowNetwork,
  { graph, costs, chains, prices }: Problem,
  tensor: number,
  device: 0 | 1,
): void {
  const { producer, consumers, graphOutput } = graph.tensors[tensor]!;
  const left = producer === null ? constant(1 - device, device) : chains.left(producer, device);
  const needs = consumers.map((unit) =>
    chains.isWhole(unit)
      ? chains.left(unit, device)
      : chains.levels(unit, device, (range) => snapped(leastRead(graph, unit, tensor, device, range), left.values)),
  );
  if (graphOutput && device === 0) needs.push(constant(1, device));
  const moveMs = (fraction: number): number => (fraction === 0 ? 0 : costs.transferMs(tensor, device, fraction));
  const steps = ascending(left.values, needs);
  /** Readers by the nodes that say whether they need a step; several have a node of their own, which is what one of them needs. */
  let readers: Map<string, number> | null = null;
  for (let j = 0; j + 1 < steps.length; j++) {
    const [from, to] = [steps[j]!, steps[j + 1]!];
    const lacks = left.values.findIndex((value) => value > from);
    if (lacks === 0) continue;
    const nodes: number[] = [];
    for (const { values, nodes: own } of needs) {
      const k = values.findIndex((value) => value >= to);
      if (k >= 0) nodes.push(own[k]!);
    }
    if (nodes.length === 0) continue;
    const priceMs = prices === 'whole' ? moveMs(1 - from) - moveMs(1 - to) : moveMs(to) - moveMs(from);
    let reader = nodes[0]!;
    if (nodes.length > 1) {
      const key = nodes.join();
      const known = readers?.get(key);
      reader = known ?? network.addNodes(1);
      if (known === undefined) {
        (readers ??= new Map()).set(key, reader);
        for (const node of nodes) join(network, reader, node, Number.POSITIVE_INFINITY, device);
      }
    }
    const holder = left.nodes[lacks < 0 ? left.values.length : lacks]!;
    join(network, holder, reader, Math.max(0, priceMs), device);
  }
}

/** The different values, ascending. */
function ascending(left: readonly number[], needs: readonly Levels[]): number[] {
  const steps = [...left];
  for (const { values } of needs) for (const value of values) if (!steps.includes(value)) steps.push(value);
  return steps.sort((a, b) => a - b);
}

/** An edge that is cut if the first node says that its producer lacks a step, and the second that a reader needs it. */
function join(network: FlowNetwork, holder: number, reader: number, ms: number, device: 0 | 1): void {
  if (device === 1) network.addEdge(holder, reader, ms);
  else network.addEdge(reader, holder, ms);
}
