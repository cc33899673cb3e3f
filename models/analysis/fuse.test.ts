import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { GraphProtoSchema } from '../../base/onnx/onnx_pb.js';
import { makeNode } from '../../base/onnx/proto.js';
import { fusedGroups, orderGroups } from './fuse.js';

const wire = (...nodes: readonly [reads: string, writes: string][]) =>
  nodes.map(([reads, writes]) => ({ reads: reads.split(' '), writes: writes.split(' ') }));

test('a tensor that the extended graph lost joins its producer and its consumers', () => {
  const nodes = wire(['x', 'a'], ['a', 'b'], ['b', 'c'], ['b c', 'd']);
  const extended = create(GraphProtoSchema, {
    node: [makeNode('FusedConv', ['x'], ['b']), makeNode('Relu', ['b'], ['c']), makeNode('Add', ['b', 'c'], ['d'])],
  });
  expect(fusedGroups(nodes, extended)).toEqual([[0, 1], [2], [3]]);
});

test('nodes whose outputs one kernel hands out together are one group', () => {
  const nodes = wire(['x y', 'sum'], ['sum', 'normed']);
  const extended = create(GraphProtoSchema, {
    node: [makeNode('SkipLayerNormalization', ['x', 'y'], ['normed', '', '', 'sum'])],
  });
  expect(fusedGroups(nodes, extended)).toEqual([[0, 1]]);
});

test('a group that would close a cycle is taken apart', () => {
  // 0 -> 1 -> 2 and 0 -> 2: 0 with 2 would wait for 1, which waits for 0.
  const nodes = wire(['x', 'a'], ['a', 'b'], ['a b', 'c'], ['c', 'd']);
  expect(orderGroups(nodes, [[0, 2], [1], [3]])).toEqual([[0], [1], [2], [3]]);
  expect(orderGroups(nodes, [[0, 1, 2], [3]])).toEqual([[0, 1, 2], [3]]);
});
