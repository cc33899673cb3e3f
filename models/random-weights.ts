// Published test models often come with constant weights, and then their outputs are constant whatever happens to the
// channels on the way. For tests and benchmarks: the same model with weights drawn at random.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataType, decodeModel, encodeModel } from '../base/onnx/proto.js';
import { elementCount, float32Tensor } from '../base/onnx/tensor-data.js';
import { Stream } from '../base/random/stream.js';
import { type LoadedModel, loadModel } from './load.js';

/** The model at `path` with random weights, written to `folder`: normal, scaled by the fan-in (He et al., 2015). */
export async function withRandomWeights(path: string, folder: string): Promise<LoadedModel> {
  const light = await loadModel(path);
  const model = decodeModel(readFileSync(light.basicPath));
  const random = Stream.of(0, 'weights', path);
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
  const target = join(folder, `${Stream.of(0, path).seed()}.onnx`);
  writeFileSync(target, encodeModel(model));
  return loadModel(target);
}
