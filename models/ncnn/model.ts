// An ncnn graph as a loaded model: it is inspected, planned and simulated as any other. Without weights nothing can run it.
import { basename } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import type { LoadedModel } from '../model-facts.js';
import { formatModelUri, type ModelReference } from '../uri.js';
import { readNcnn } from './import.js';

/** @throws InputError as `readNcnn` does, and when a batch other than 1 or values of inputs are given */
export function ncnnModel({ name, batch, shape, inputs: values }: ModelReference): LoadedModel {
  const label = basename(name);
  if (batch !== null && batch !== 1)
    throw new InputError(
      `models: ${label}: the batch is ${batch}, and ncnn runs one picture at a time.`,
      'Leave out batch.',
    );
  if (Object.keys(values).length > 0)
    throw new InputError(
      `models: ${label}: the values of an input say nothing of a graph without weights.`,
      'Leave out --input; --shape gives the shape of an input.',
    );
  const { path, hash, inputs, chosen, analysis } = readNcnn(name, shape);
  const shapes = inputs.filter((input) => chosen.includes(input.name));
  return {
    uri: formatModelUri('file', path, [
      ['batch', 1],
      ...shapes.map((input) => [`shape.${input.name}`, input.shape] as const),
    ]),
    path,
    get basicPath(): string {
      throw new InputError(
        `models: ${label}: an ncnn graph holds no weights, so it cannot be executed.`,
        'Simulate it on a profile (sparoa-gym list profiles), or give the ONNX file of the model.',
      );
    },
    modelHash: hash,
    randomWeights: false,
    batch: 1,
    batchIsFree: false,
    inputs,
    totals: analysis.totals,
    warnings: analysis.warnings,
    graph: (granularity) => analysis[granularity],
  };
}
