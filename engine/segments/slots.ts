// Where tensors lie in the memory that lanes share.
import { DataType } from '../../base/onnx/proto.js';
import { elementBytes } from '../../base/onnx/tensor-data.js';
import type { OperatorGraph } from '../../models/graph.js';
import { type ChannelRange, channelAxisOf, channelsOf } from '../../models/parts/channels.js';
import type { Region, TensorSlot } from './operations.js';

/** Where channels of a tensor lie in its bytes. */
export function channelRegion(graph: OperatorGraph, tensor: number, { from, to }: ChannelRange): Region {
  const { shape, bytes } = graph.tensors[tensor]!;
  const channels = channelsOf(graph, tensor);
  if (to - from === channels) return { rows: 1, stride: bytes, offset: 0, length: bytes };
  const rows = shape.slice(0, channelAxisOf(graph, tensor)!).reduce((a, b) => a * b, 1);
  const stride = bytes / rows;
  return { rows, stride, offset: (from * stride) / channels, length: ((to - from) * stride) / channels };
}

const ortTypes: Readonly<Record<string, string>> = { float: 'float32', double: 'float64' };

/**
 * A slot for every tensor of the model, one after the other in the arena; strings and sequences, which cannot lie in
 * shared memory, have none.
 */
export function slotsOf(graph: OperatorGraph): TensorSlot[] {
  let offset = 0;
  const slots: TensorSlot[] = [];
  for (const { name, type, shape, bytes } of graph.tensors) {
    const elementType = DataType[type.toUpperCase() as keyof typeof DataType] ?? DataType.UNDEFINED;
    if (elementBytes(elementType) === 0) continue;
    slots.push({ name, type: ortTypes[type] ?? type, shape, bytes, offset });
    // Starts aligned to a cache line: lanes write neighbouring tensors at the same time.
    offset += Math.ceil(bytes / 64) * 64;
  }
  return slots;
}
