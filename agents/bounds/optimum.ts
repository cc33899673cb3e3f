// The provable optimum over placements in serial execution, where the makespan is a sum of unit times and of one
// transfer per (tensor, destination): a minimum s-t cut (Stone, "Multiprocessor scheduling with the aid of network flow
// algorithms", IEEE TSE 1977), with two auxiliary nodes per tensor so that fan-out pays a move once in each direction.

import { Schedule } from '../../engine/schedule.js';
import { wholeUnitMs } from '../../predictor/cost-table.js';
import type { Planner } from '../baselines/planner.js';
import { FlowNetwork } from './max-flow.js';

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
export const optimum: Planner = ({ graph, costs }) => {
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
};
