// The optimised model whose nodes and tensors the graphs name: ONNX Runtime's basic level, with the model's own types, which
// the CPU provider would otherwise change.
import { decodeModel, encodeModel, type ModelProto } from '../../base/onnx/proto.js';
import { nameNodes } from '../files/onnx-file.js';
import { rewrite } from './optimize.js';
import { hasTwin, isHalfModel, toFloatTwin, toHalfModel } from './precision.js';
import { holdDequantisers, isQuantised, separateQuantisers } from './quantised-groups.js';

export interface Optimised {
  readonly basic: ModelProto;
  readonly bytes: Uint8Array;
  /** The same graph in float32 where the model is in half precision. */
  readonly twin: Uint8Array;
}

/** Optimises `model`, which changes. Throws ONNX Runtime's own error. */
export async function optimised(model: ModelProto): Promise<Optimised> {
  const isHalf = isHalfModel(model);
  if (isHalf && !hasTwin(model)) return asItIs(model);
  const types = isHalf ? await toFloatTwin(model) : null;
  const quantised = isQuantised(model);
  const release = quantised ? holdDequantisers(model) : null;
  let bytes = await rewrite(encodeModel(model), 'basic', quantised);
  const basic = decodeModel(bytes);
  release?.(basic);
  if (quantised) separateQuantisers(basic.graph!);
  if (nameNodes(basic.graph!) || quantised) bytes = encodeModel(basic);
  if (!types) return { basic, bytes, twin: bytes };
  const twin = bytes;
  toHalfModel(basic, types);
  return { basic, bytes: encodeModel(basic), twin };
}

function asItIs(model: ModelProto): Optimised {
  if (isQuantised(model)) separateQuantisers(model.graph!);
  const bytes = encodeModel(model);
  return { basic: model, bytes, twin: bytes };
}
