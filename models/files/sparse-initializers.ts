// Sparse initialisers become dense ones: ONNX Runtime does so when it loads them, and everything here knows one kind of weight.
import { create } from '@bufbuild/protobuf';
import { InputError } from '../../base/errors/input-error.js';
import { AttributeProtoSchema, type SparseTensorProto } from '../../base/onnx/onnx_pb.js';
import { AttributeType, type GraphProto, makeTensor, type TensorProto } from '../../base/onnx/proto.js';
import { elementBytes, numbersOf, rawBytes } from '../../base/onnx/tensor-data.js';
import { graphsWithin } from '../analysis/node-view.js';

/** What one ONNX file can hold, and so a dense weight. */
const largestBytes = 2 ** 31 - 1;

/**
 * Makes the sparse initialisers and the sparse values of Constant nodes dense, in the graph and the bodies inside it.
 * @throws InputError when one is too large, or its indices are not of its shape
 */
export function makeDense(graph: GraphProto, label: string): void {
  for (const inner of graphsWithin(graph)) {
    inner.initializer.push(...inner.sparseInitializer.map((tensor) => dense(tensor, label)));
    inner.sparseInitializer = [];
    for (const node of inner.node) {
      const at = node.attribute.findIndex(({ name, sparseTensor }) => name === 'sparse_value' && sparseTensor);
      if (at < 0 || node.opType !== 'Constant') continue;
      const t = dense(node.attribute[at]!.sparseTensor!, label);
      node.attribute[at] = create(AttributeProtoSchema, { name: 'value', type: AttributeType.TENSOR, t });
    }
  }
}

function dense({ values, indices, dims }: SparseTensorProto, label: string): TensorProto {
  const name = values?.name ?? '';
  const refuse = (what: string): InputError =>
    new InputError(`models: ${label}: the sparse weights "${name}" ${what}.`, 'Export the model again.');
  if (!values || !indices) throw refuse('lack values or indices');
  const shape = dims.map(Number);
  const size = elementBytes(values.dataType);
  const count = shape.reduce((a, b) => a * b, 1);
  if (!shape.every((dim) => dim > 0) || !(count * size <= largestBytes))
    throw refuse(`have the shape [${shape.join(', ')}], of ${count * size} bytes`);
  const entries = values.dims.reduce((a, b) => a * Number(b), 1);
  const from = rawBytes(values);
  const places = numbersOf(indices) ?? [];
  const rank = indices.dims.length > 1 ? shape.length : 1;
  if (size === 0 || from.length !== entries * size || places.length !== entries * rank)
    throw refuse(`have ${from.length} bytes of values and ${places.length} indices for ${entries} of them`);
  const bytes = new Uint8Array(count * size);
  for (let entry = 0; entry < entries; entry++) {
    // One number counts elements; several are coordinates.
    let place = 0;
    for (let axis = 0; axis < rank; axis++) {
      const index = places[entry * rank + axis]!;
      const limit = rank === 1 ? count : shape[axis]!;
      if (!(Number.isInteger(index) && index >= 0 && index < limit))
        throw refuse(`have an index of ${index}, of ${limit}`);
      place = place * (rank === 1 ? 1 : shape[axis]!) + index;
    }
    bytes.set(from.subarray(entry * size, (entry + 1) * size), place * size);
  }
  return makeTensor(name, values.dataType, shape, bytes);
}
