// A network of ten operators for tests of real devices, one of which WebGPU cannot run.
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../base/onnx/proto.js';
import { float32Tensor } from '../base/onnx/tensor-data.js';
import { Stream } from '../base/random/stream.js';

/** Two branches of convolutions on 16x16, a sum with three operands (which WebGPU has no kernel for), pooling, Gemm. */
export function tinyModel(): Uint8Array {
  const stream = Stream.of(1, 'tiny');
  const weight = (name: string, dims: number[]) =>
    float32Tensor(
      name,
      dims,
      Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 0.3 * stream.normal()),
    );
  const conv = (x: string, w: string, y: string) =>
    makeNode('Conv', [x, w], [y], { pads: [1, 1, 1, 1], kernel_shape: [3, 3] }, { name: `node_${y}` });
  const nodes = [
    conv('x', 'w1', 'c1'),
    makeNode('Relu', ['c1'], ['r1'], {}, { name: 'node_r1' }),
    conv('r1', 'w2', 'c2'),
    conv('r1', 'w3', 'c3'),
    makeNode('Sigmoid', ['c3'], ['s3'], {}, { name: 'node_s3' }),
    makeNode('Mul', ['c2', 's3'], ['m'], {}, { name: 'node_m' }),
    makeNode('Sum', ['m', 'c2', 's3'], ['sum'], {}, { name: 'node_sum' }),
    makeNode('GlobalAveragePool', ['sum'], ['pool'], {}, { name: 'node_pool' }),
    makeNode('Flatten', ['pool'], ['flat'], {}, { name: 'node_flat' }),
    makeNode('Gemm', ['flat', 'w4', 'b4'], ['y'], {}, { name: 'node_y' }),
  ];
  const initializers = [
    weight('w1', [8, 3, 3, 3]),
    weight('w2', [8, 8, 3, 3]),
    weight('w3', [8, 8, 3, 3]),
    weight('w4', [8, 5]),
    weight('b4', [5]),
  ];
  return encodeModel(
    makeModel(
      {
        name: 'tiny',
        nodes,
        inputs: [makeValueInfo('x', DataType.FLOAT, [1, 3, 16, 16])],
        outputs: [makeValueInfo('y', DataType.FLOAT, [1, 5])],
        initializers,
      },
      { '': 17 },
    ),
  );
}
