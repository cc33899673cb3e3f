import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { AttributeProtoSchema, GraphProtoSchema } from '../../base/onnx/onnx_pb.js';
import { AttributeType, type GraphProto, makeNode, type NodeProto } from '../../base/onnx/proto.js';
import { Rng } from '../../base/random/rng.js';
import { orderNodes } from './node-order.js';

const graphOf = (node: NodeProto[]): GraphProto => create(GraphProtoSchema, { name: 'g', node });
const ordered = (nodes: readonly NodeProto[]): NodeProto[] => {
  const graph = graphOf([...nodes]);
  orderNodes(graph, 'm.onnx');
  return graph.node;
};

/** Each node reads up to three of the tensors before it. */
function randomNodes(rng: Rng): NodeProto[] {
  return Array.from({ length: 1 + rng.integer(40) }, (_, i) => {
    const reads = Array.from({ length: 1 + rng.integer(3) }, () => `t${rng.integer(i + 1)}`);
    return makeNode('Sum', i === 0 ? ['x'] : reads, [`t${i + 1}`], {}, { name: `n${i}` });
  });
}

test('shuffled nodes come after what they read, each once; nodes in order stay', () => {
  for (let seed = 0; seed < 200; seed++) {
    const rng = Rng.of(seed, 'order');
    const nodes = randomNodes(rng);
    expect(ordered(nodes), `seed ${seed}`).toEqual(nodes);
    const mixed = ordered(rng.shuffle(nodes));
    expect(mixed.map(({ name }) => name).sort()).toEqual(nodes.map(({ name }) => name).sort());
    const written = new Set(['x', 't0']);
    for (const { input, output } of mixed) {
      expect(
        input.every((name) => written.has(name)),
        `seed ${seed}`,
      ).toBe(true);
      for (const name of output) written.add(name);
    }
  }
});

test('a body is sorted too, and what it reads from around it counts', () => {
  const body = graphOf([makeNode('Neg', ['b'], ['c']), makeNode('Add', ['outer', 'x'], ['b'])]);
  const node = makeNode('If', ['x'], ['y']);
  node.attribute.push(create(AttributeProtoSchema, { name: 'then_branch', type: AttributeType.GRAPH, g: body }));
  const nodes = ordered([node, makeNode('Relu', ['x'], ['outer'])]);
  expect(nodes.map(({ opType }) => opType)).toEqual(['Relu', 'If']);
  expect(body.node.map(({ opType }) => opType)).toEqual(['Add', 'Neg']);
});

test('a circle is an error that names its nodes and no others', () => {
  const tail = makeNode('Tanh', ['a'], ['z'], {}, { name: 'tail' });
  const circle = [
    makeNode('Relu', ['b'], ['a'], {}, { name: 'first' }),
    makeNode('Neg', ['a'], ['b'], {}, { name: '' }),
  ];
  expect(() => ordered([tail, ...circle])).toThrow(
    /^models: m\.onnx: nodes wait for each other in a circle: "first" \(Relu\), the Neg that writes "b"\.\n/,
  );
  expect(() => ordered([makeNode('Relu', ['a'], ['a'], {}, { name: 'self' })])).toThrow(
    /a node reads what it writes: "self" \(Relu\)\./,
  );
  const ring = Array.from({ length: 8 }, (_, i) => makeNode('Relu', [`t${(i + 7) % 8}`], [`t${i}`]));
  expect(() => ordered(ring)).toThrow(/and 3 more\.$/m);
});

test('a chain of 100,000 nodes written backwards is sorted without deep calls', () => {
  const chain = Array.from({ length: 100_000 }, (_, i) => makeNode('Relu', [`t${i}`], [`t${i + 1}`]));
  expect(ordered(chain.toReversed())).toEqual(chain);
});
