// The provable optimum over placements in serial execution, where the makespan is a sum of unit times and of one
// transfer per (tensor, destination): a minimum s-t cut (Stone, "Multiprocessor scheduling with the aid of network flow
// algorithms", IEEE TSE 1977), with two auxiliary nodes per tensor so that fan-out pays a move once in each direction.
// Energy is such a sum too, and so is a weighted sum of both. A product of them is least at a corner of the convex hull of what
// placements reach, because it is quasi-concave; minimum cuts of weighted sums find the corners.

import { Schedule } from '../../engine/schedule.js';
import { SerialKernel } from '../../engine/simulator/serial-kernel.js';
import type { OperatorGraph } from '../../models/graph.js';
import { type CostTable, wholeUnitMs } from '../../predictor/cost-table.js';
import { costOf, type EnergyGoal, pricedCosts } from '../baselines/objective.js';
import type { Planner } from '../baselines/planner.js';
import { FlowNetwork } from './max-flow.js';

export const optimum: Planner = ({ graph, costs, goal }) =>
  goal && goal.reward.weights['energy-delay'] > 0 ? leastOnHull(graph, goal) : leastCut(graph, costs);

/**
 * Nodes on the source's side are on device 0. Node layout: source, sink, units, then per tensor `to1` and `to0`.
 *
 * - source -> unit costs the unit's time on device 1 (cut when the unit is on the sink's side), unit -> sink that on 0;
 * - producer -> to1 costs the move to device 1, to1 -> consumer is uncuttable: the producer on device 0 with any
 *   consumer on device 1 drags to1 over and pays once, however many consumers;
 * - consumer -> to0 is uncuttable, to0 -> producer costs the move to device 0: the other direction, likewise.
 *
 * Graph inputs are produced, and graph outputs consumed, by the source: device 0.
 */
function leastCut(graph: OperatorGraph, costs: CostTable): Schedule {
  const { units, tensors } = graph;
  const source = 0;
  const sink = 1;
  const unitNode = (unit: number) => 2 + unit;
  const network = new FlowNetwork(2 + units.length + 2 * tensors.length);
  for (const { id, onlyOn } of units) {
    const on = (device: 0 | 1) => (onlyOn === 1 - device ? Number.POSITIVE_INFINITY : wholeUnitMs(costs, id, device));
    network.addEdge(source, unitNode(id), on(1));
    network.addEdge(unitNode(id), sink, on(0));
  }
  for (const { id, producer, consumers, graphOutput } of tensors) {
    const to1 = 2 + units.length + 2 * id;
    const to0 = to1 + 1;
    const producerNode = producer === null ? source : unitNode(producer);
    const consumerNodes = [...consumers.map(unitNode), ...(graphOutput ? [source] : [])];
    network.addEdge(producerNode, to1, costs.transferMs(id, 1));
    network.addEdge(to0, producerNode, costs.transferMs(id, 0));
    for (const consumer of consumerNodes) {
      network.addEdge(to1, consumer, Number.POSITIVE_INFINITY);
      network.addEdge(consumer, to0, Number.POSITIVE_INFINITY);
    }
  }
  const onDevice0 = network.minCut(source, sink);
  return Schedule.of(
    graph,
    units.map(({ id }) => 1 - onDevice0[unitNode(id)]!),
  );
}

/** A placement with its latency in ms and its energy in mJ. */
interface Corner {
  readonly schedule: Schedule;
  readonly ms: number;
  readonly mj: number;
}

/** Under this part of a weighted sum a cut is no better than the line that it should be below. */
const tolerance = 1e-12;

function leastOnHull(graph: OperatorGraph, goal: EnergyGoal): Schedule {
  const { costs, power } = goal;
  const energies = pricedCosts(costs, power, 0, 1);
  const cornerOf = (schedule: Schedule): Corner => ({
    schedule,
    ms: serialSum(graph, costs, schedule),
    mj: serialSum(graph, energies, schedule),
  });
  const value = ({ ms, mj }: Pick<Corner, 'ms' | 'mj'>) => costOf(goal, ms, mj);
  const fastest = cornerOf(leastCut(graph, costs));
  const thriftiest = cornerOf(leastCut(graph, energies));
  let best = value(thriftiest) < value(fastest) ? thriftiest : fastest;
  const pairs = [[fastest, thriftiest] as const];
  for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
    const [fast, thrifty] = pair;
    // Nothing between two corners is better than both at their best.
    if (value({ ms: fast.ms, mj: thrifty.mj }) >= value(best)) continue;
    const [perMs, perMj] = [fast.mj - thrifty.mj, thrifty.ms - fast.ms];
    if (!(perMs > 0 && perMj > 0)) continue;
    const found = cornerOf(leastCut(graph, pricedCosts(costs, power, perMs, perMj)));
    const sum = ({ ms, mj }: Corner) => perMs * ms + perMj * mj;
    if (sum(found) >= sum(fast) * (1 - tolerance)) continue;
    if (value(found) < value(best)) best = found;
    pairs.push([fast, found], [found, thrifty]);
  }
  return best.schedule;
}

/** What a placement costs in serial execution. */
function serialSum(graph: OperatorGraph, costs: CostTable, { order, share }: Schedule): number {
  const kernel = new SerialKernel(graph, costs);
  const state = new Float64Array(kernel.rowLength);
  kernel.reset(state);
  return order.reduce((_, unit) => kernel.decide(state, unit, share[unit]!), 0);
}
