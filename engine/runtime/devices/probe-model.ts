// The model that devices are tried with: one small convolution over ones.
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../../../base/onnx/proto.js';
import { float32Tensor } from '../../../base/onnx/tensor-data.js';

const ones = (count: number) => new Float32Array(count).fill(1);

export const probeModel = (): Uint8Array =>
  encodeModel(
    makeModel(
      {
        name: 'probe',
        nodes: [makeNode('Conv', ['x', 'w'], ['y'], { kernel_shape: [3, 3] })],
        inputs: [makeValueInfo('x', DataType.FLOAT, [1, 1, 4, 4])],
        outputs: [makeValueInfo('y', DataType.FLOAT, [1, 1, 2, 2])],
        initializers: [float32Tensor('w', [1, 1, 3, 3], ones(9))],
      },
      { '': 17 },
    ),
  );

export const probeInput = { name: 'x', type: 'float32', data: ones(16), dims: [1, 1, 4, 4] } as const;

/** Whether the output is the sum of the nine ones under the kernel, up to half precision. */
export const probeOutputIsRight = (y: ArrayLike<number>): boolean =>
  y.length === 4 && Array.from(y).every((value) => Math.abs(value - 9) < 1e-2);
