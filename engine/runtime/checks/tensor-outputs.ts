// Outputs that an executor supports: tensors of numbers. Sequences, maps (ZipMap of scikit-learn's converter) and strings have
// no bytes that could be handed over or compared.
import { InputError } from '../../../base/errors/input-error.js';
import { DataType } from '../../../base/onnx/proto.js';
import { elementBytes } from '../../../base/onnx/tensor-data.js';
import type { LoadedModel } from '../../../models/load.js';

/**
 * @param executor as configs call it
 * @throws InputError when an output of the model is no tensor of numbers
 */
export function requireTensorOutputs(model: LoadedModel, executor: string): void {
  const wrong = model
    .graph('operator')
    .tensors.filter(({ graphOutput, type }) => graphOutput && elementBytes(elementType(type)) === 0);
  if (wrong.length === 0) return;
  const named = wrong.map(({ name, type }) => `"${name}" (${type === 'string' ? 'strings' : 'a sequence or map'})`);
  throw new InputError(
    `${executor}: ${model.uri}: executors on devices give tensors of numbers, which ${named.join(' and ')} ${wrong.length === 1 ? 'is' : 'are'} not.`,
    'Export the model without that output (skl2onnx: options={"zipmap": False}), or simulate it: inspect and profile:// take it.',
  );
}

const elementType = (type: string): number =>
  DataType[type.toUpperCase() as keyof typeof DataType] ?? DataType.UNDEFINED;
