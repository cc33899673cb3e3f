// A model of small units in a row for tests of real devices: quick to compile, and nothing in it is worth a move.
import { writeFileSync } from 'node:fs';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../base/onnx/proto.js';

/** x [1, 8, 16, 16] -> Tanh, Sigmoid, ... -> y, written to `path`. */
export function writeChain(path: string, length: number): string {
  const tensor = (i: number) => (i === 0 ? 'x' : i === length ? 'y' : `t${i}`);
  const nodes = Array.from({ length }, (_, i) => makeNode(i % 2 ? 'Sigmoid' : 'Tanh', [tensor(i)], [tensor(i + 1)]));
  const value = (name: string) => makeValueInfo(name, DataType.FLOAT, [1, 8, 16, 16]);
  const graph = { name: 'chain', nodes, inputs: [value('x')], outputs: [value('y')], initializers: [] };
  writeFileSync(path, encodeModel(makeModel(graph, { '': 17 }, 8)));
  return path;
}
