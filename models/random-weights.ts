// Published test models often come with constant weights, and then their outputs are constant whatever happens to the
// channels on the way. For tests and benchmarks: the same model with weights drawn at random.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DataType, decodeModel, encodeModel, type ModelProto } from '../base/onnx/proto.js';
import { openSession } from '../base/onnx/session.js';
import { elementCount, float32Tensor, numbersOf } from '../base/onnx/tensor-data.js';
import { Stream } from '../base/random/stream.js';
import { seededFeeds } from './feeds.js';
import { type LoadedModel, loadModel } from './load.js';

/**
 * The model at `path` with random weights, written to `folder`: normal, scaled by the fan-in (He et al., 2015), the same
 * wherever the file lies. The logits of a final softmax have a standard deviation of 1: a saturated softmax hides every
 * difference before it but the one that changes the largest logit.
 */
export async function withRandomWeights(path: string, folder: string): Promise<LoadedModel> {
  const light = await loadModel(path);
  const model = decodeModel(readFileSync(light.basicPath));
  const random = Stream.of(0, 'weights', basename(path));
  model.graph!.initializer = model.graph!.initializer.map((tensor) => {
    const count = elementCount(tensor.dims);
    if (tensor.dataType !== DataType.FLOAT || count < 2) return tensor;
    const dims = tensor.dims.map(Number);
    const fanIn = dims.length > 1 ? count / dims[0]! : 1;
    // One-dimensional constants may be variances, which are positive.
    const draw = (): number =>
      dims.length > 1 ? random.normal() * Math.sqrt(2 / fanIn) : 0.1 + 0.1 * random.uniform();
    return float32Tensor(tensor.name, dims, Float32Array.from({ length: count }, draw));
  });
  await standardiseLogits(model, light);
  const target = join(folder, basename(path));
  writeFileSync(target, encodeModel(model));
  return loadModel(target);
}

/** Scales weights and bias of the last layer before a final softmax, from which it is linear, so that its logits are. */
async function standardiseLogits(model: ModelProto, { inputs }: LoadedModel): Promise<void> {
  const graph = model.graph!;
  const outputNames = new Set(graph.output.map(({ name }) => name));
  const softmax = graph.node.find(({ opType, output }) => opType === 'Softmax' && outputNames.has(output[0]!));
  if (!softmax) return;
  const logits = softmax.input[0]!;
  const weights = new Map(graph.initializer.map((tensor, at) => [tensor.name, at]));
  let layer = graph.node.find(({ output }) => output[0] === logits)!;
  while (!weights.has(layer.input[1]!) || !['Conv', 'Gemm', 'MatMul'].includes(layer.opType))
    layer = graph.node.find(({ output }) => output[0] === layer.input[0])!;

  const shown = { ...model, graph: { ...graph, output: [{ ...graph.output[0]!, name: logits }] } };
  const session = await openSession(encodeModel(shown as ModelProto), { level: 'disabled' });
  const result = await session.run(seededFeeds(inputs, 0));
  await session.release();
  const values = result[logits]!.data as Float32Array;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  for (const name of layer.input.slice(1)) {
    const at = weights.get(name)!;
    const tensor = graph.initializer[at]!;
    const scaled = Float32Array.from(numbersOf(tensor) as Float32Array, (value) => value / deviation);
    graph.initializer[at] = float32Tensor(name, tensor.dims.map(Number), scaled);
  }
}
