// The part of its inputs that a part of a unit reads: all channels, or those that its own channels are computed from.
import type { OperatorGraph } from '../graph.js';

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

/** Channels along that axis; 1 where there is none. A tensor without one counts as one: it is handed over like others. */
export function channelsOf(graph: OperatorGraph, tensor: number): number {
  const axis = channelAxisOf(graph, tensor);
  return axis === null ? 1 : Math.max(1, graph.tensors[tensor]!.shape[axis]!);
}

/**
 * What a part of a unit reads of one of its inputs. Of the fractions [from, to) of its output's channels it needs
 * [slope x from + lead, slope x to + tail) of the input's, cut off at 0 and 1.
 */
export interface ReadLaw {
  readonly slope: number;
  readonly lead: number;
  readonly tail: number;
}

const all: ReadLaw = { slope: 0, lead: 0, tail: 1 };

/** How much of its input `tensor` a part of the unit reads. */
export function readLaw(graph: OperatorGraph, unit: number, tensor: number): ReadLaw {
  const { splitAxis, channelReach, outputs } = graph.units[unit]!;
  if (channelReach === null || splitAxis === null || splitAxis !== channelAxisOf(graph, tensor)) return all;
  const size = channelsOf(graph, tensor);
  if (channelReach !== 'stacked') return { slope: 1, lead: -channelReach / size, tail: channelReach / size };
  const before = stackedBefore(graph, unit, tensor) / size;
  return { slope: channelsOf(graph, outputs[0]!) / size, lead: -before, tail: -before };
}

/** Channels that lie before those of its input `tensor` in the output of a unit whose inputs are stacked. */
export function stackedBefore(graph: OperatorGraph, unit: number, tensor: number): number {
  const { splitAxis, inputs } = graph.units[unit]!;
  let before = 0;
  for (const input of inputs.slice(0, inputs.indexOf(tensor))) before += graph.tensors[input]!.shape[splitAxis!]!;
  return before;
}

/** The channels of its input `tensor` that a unit reads for the channels [from, to) of its output; `null`: for all. */
export function channelsRead(
  graph: OperatorGraph,
  unit: number,
  tensor: number,
  range: ChannelRange | null,
): ChannelRange {
  const size = channelsOf(graph, tensor);
  if (range === null) return { from: 0, to: size };
  const law = readLaw(graph, unit, tensor);
  if (law === all) return { from: 0, to: size };
  const channels = channelsOf(graph, graph.units[unit]!.outputs[0]!);
  const [from, to] = fractionsRead(law, [range.from / channels, range.to / channels]);
  return { from: Math.floor(size * (from + fractionSlack)), to: Math.max(0, Math.ceil(size * (to - fractionSlack))) };
}

/** Fractions that differ by less mean the same channels: shares are 32-bit floats, and tensors have fewer channels than those resolve. */
export const fractionSlack = 1e-5;

/** The fractions of the input that a part reads by the law, given the part's fractions of the output; [0, 0] if none. */
export function fractionsRead({ slope, lead, tail }: ReadLaw, [from, to]: readonly [number, number]): [number, number] {
  const start = Math.min(1, Math.max(0, slope * from + lead));
  const end = Math.min(1, Math.max(0, slope * to + tail));
  return start < end ? [start, end] : [0, 0];
}

/** The fraction of its input `tensor` that a unit reads for so much of its output: the first channels on device 0, the last on device 1. */
export function fractionRead(
  graph: OperatorGraph,
  unit: number,
  tensor: number,
  device: 0 | 1,
  fraction: number,
): number {
  if (fraction === 1) return 1;
  const { slope, intercept } = readLine(readLaw(graph, unit, tensor), device);
  return Math.min(1, Math.max(0, slope * fraction + intercept));
}

/** The fraction that a part reads, as a line in the size of the part: cut off at 0 and 1. */
export interface ReadLine {
  readonly slope: number;
  readonly intercept: number;
}

/** @param device 0 has the first channels, 1 the last */
export function readLine({ slope, lead, tail }: ReadLaw, device: 0 | 1): ReadLine {
  return { slope, intercept: device === 0 ? tail : 1 - slope - lead };
}

/** Whether each part of the unit reads all of the tensor. */
export function readsAll(graph: OperatorGraph, unit: number, tensor: number): boolean {
  return readLaw(graph, unit, tensor) === all;
}

/** Whether each part of the unit reads nothing of the tensor but the channels of its own numbers. */
export function readsItsOwn(graph: OperatorGraph, unit: number, tensor: number): boolean {
  return graph.units[unit]!.channelReach === 0 && !readsAll(graph, unit, tensor);
}
