// A segment as a model of its own, and where its inputs and outputs lie in shared memory: what a lane loads.
import type { OperatorGraph } from '../../../models/graph.js';
import { type ChannelRange, channelAxisOf, channelsOf, channelsRead } from '../../../models/parts/channels.js';
import { type SliceSource, sliceUnits } from '../../../models/parts/slice.js';
import { sliceChannels } from '../../../models/parts/split.js';
import type { Segment } from '../../segments/segments.js';
import { channelRegion } from '../../segments/slots.js';
import type { LoadRequest } from './lane-group.js';
import type { Place } from './protocol.js';

/** @param slotOf the slot of a tensor's name */
export function cutOut(
  graph: OperatorGraph,
  { units, range }: Segment,
  source: SliceSource,
  slotOf: ReadonlyMap<string, number>,
): LoadRequest {
  const [first] = units;
  const part = range ? sliceChannels(source, graph, units, range) : sliceUnits(source, graph, units);
  const place = (name: string, channelsFor: (tensor: number) => ChannelRange | null): Place => {
    const { id, shape } = graph.tensors.find((each) => each.name === name)!;
    const slot = slotOf.get(name)!;
    const axis = channelAxisOf(graph, id);
    const channels = channelsFor(id);
    if (axis === null || !channels || channels.to - channels.from === channelsOf(graph, id))
      return { slot, shape, region: null };
    const region = channelRegion(graph, id, channels);
    return { slot, shape: shape.with(axis, channels.to - channels.from), region };
  };
  return {
    model: part.bytes as Uint8Array<ArrayBuffer>,
    inputs: part.inputs.map((name) => place(name, (tensor) => channelsRead(graph, first!, tensor, range))),
    outputs: part.outputs.map((name) => place(name, () => range)),
  };
}
