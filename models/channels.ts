// What part of its inputs a part of a unit reads: all of them, or the channels that its own are computed from.
import type { OperatorGraph } from './graph.js';

/** Channels [from, to) of a tensor. */
export interface ChannelRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The axis along which parts of the tensor lie on different devices: that of the unit which writes it in parts, else the
 * second one, which pooling and depthwise convolutions read in parts; null where there is none.
 */
export function channelAxisOf(graph: OperatorGraph, tensor: number): number | null {
  const { producer, shape } = graph.tensors[tensor]!;
  const written = producer === null ? null : graph.units[producer]!.splitAxis;
  return written ?? (shape.length > 1 ? 1 : null);
}

/** Channels along that axis; 1 where there is none. */
export function channelsOf(graph: OperatorGraph, tensor: number): number {
  const axis = channelAxisOf(graph, tensor);
  return axis === null ? 1 : graph.tensors[tensor]!.shape[axis]!;
}

/** The channels of its input `tensor` that a unit reads for the channels [from, to) of its output; `null`: for all. */
export function channelsRead(
  graph: OperatorGraph,
  unit: number,
  tensor: number,
  range: ChannelRange | null,
): ChannelRange {
  const size = channelsOf(graph, tensor);
  const reach = reachInto(graph, unit, tensor);
  if (range === null || reach === null) return { from: 0, to: size };
  const scale = size / outputChannels(graph, unit);
  return {
    from: Math.max(0, Math.floor(range.from * scale) - reach),
    to: Math.min(size, Math.ceil(range.to * scale) + reach),
  };
}

/** The fraction of its input `tensor` that a unit reads for the first, or the last, `fraction` of its output's channels. */
export function fractionRead(graph: OperatorGraph, unit: number, tensor: number, fraction: number): number {
  const reach = reachInto(graph, unit, tensor);
  return fraction === 1 || reach === null ? 1 : Math.min(1, fraction + reach / channelsOf(graph, tensor));
}

/** Channels to either side that the unit reads of the tensor for one of its own; null: all of them. */
export function reachInto(graph: OperatorGraph, unit: number, tensor: number): number | null {
  const { splitAxis, channelReach } = graph.units[unit]!;
  return splitAxis === channelAxisOf(graph, tensor) ? channelReach : null;
}

const outputChannels = (graph: OperatorGraph, unit: number): number => {
  const { outputs, splitAxis } = graph.units[unit]!;
  return graph.tensors[outputs[0]!]!.shape[splitAxis!]!;
};
