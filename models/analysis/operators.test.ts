import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { AttributeProtoSchema } from '../../base/onnx/onnx_pb.js';
import { type AttributeValue, float, makeNode } from '../../base/onnx/proto.js';
import { classOf, isCounted, type Shape, splitOf, workOf } from './operators.js';

function shaped(
  opType: string,
  inputs: readonly Shape[],
  outputs: readonly Shape[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
) {
  const node = makeNode(
    opType,
    inputs.map((_, i) => `in${i}`),
    outputs.map((_, i) => `out${i}`),
    attributes,
  );
  return { node, inputs, outputs };
}

describe('work follows the closed forms', () => {
  const cases: readonly [string, ReturnType<typeof shaped>, { macs: number; flops: number }][] = [
    [
      'Conv: N Cout Hout Wout Cin Kh Kw',
      shaped('Conv', [[2, 3, 224, 224], [64, 3, 7, 7], [64]], [[2, 64, 112, 112]]),
      { macs: 2 * 64 * 112 * 112 * 3 * 49, flops: 2 * 2 * 64 * 112 * 112 * 3 * 49 },
    ],
    [
      'grouped Conv: Cin of one group',
      shaped(
        'Conv',
        [
          [1, 32, 10, 10],
          [64, 8, 3, 3],
        ],
        [[1, 64, 10, 10]],
        { group: 4 },
      ),
      { macs: 64 * 100 * 8 * 9, flops: 2 * 64 * 100 * 8 * 9 },
    ],
    [
      'ConvTranspose: N Cin Hin Win Cout Kh Kw',
      shaped(
        'ConvTranspose',
        [
          [1, 8, 5, 5],
          [8, 4, 2, 2],
        ],
        [[1, 4, 10, 10]],
      ),
      { macs: 8 * 25 * 4 * 4, flops: 2 * 8 * 25 * 4 * 4 },
    ],
    [
      'Gemm: M N K',
      shaped('Gemm', [[4, 512], [1000, 512], [1000]], [[4, 1000]], { transB: 1 }),
      { macs: 4e3 * 512, flops: 8e3 * 512 },
    ],
    [
      'Gemm with transA: K is the first dimension',
      shaped(
        'Gemm',
        [
          [512, 4],
          [512, 10],
        ],
        [[4, 10]],
        { transA: 1 },
      ),
      { macs: 40 * 512, flops: 80 * 512 },
    ],
    [
      'batched MatMul: B M N K',
      shaped(
        'MatMul',
        [
          [12, 197, 64],
          [12, 64, 197],
        ],
        [[12, 197, 197]],
      ),
      { macs: 12 * 197 * 197 * 64, flops: 24 * 197 * 197 * 64 },
    ],
    [
      'Einsum: the product of its index letters',
      shaped(
        'Einsum',
        [
          [2, 3, 4],
          [4, 5],
        ],
        [[2, 3, 5]],
        { equation: 'bij,jk->bik' },
      ),
      { macs: 2 * 3 * 4 * 5, flops: 2 * 2 * 3 * 4 * 5 },
    ],
    [
      'LSTM: steps x batch x (W + R)',
      shaped(
        'LSTM',
        [
          [7, 2, 16],
          [1, 32, 16],
          [1, 32, 8],
        ],
        [[7, 1, 2, 8]],
      ),
      { macs: 14 * (512 + 256), flops: 28 * (512 + 256) },
    ],
    [
      'MaxPool: Hout Wout Kh Kw C',
      shaped('MaxPool', [[1, 64, 112, 112]], [[1, 64, 56, 56]], { kernel_shape: [3, 3] }),
      { macs: 0, flops: 64 * 56 * 56 * 9 },
    ],
    [
      'GlobalAveragePool: every input element',
      shaped('GlobalAveragePool', [[1, 8, 7, 7]], [[1, 8, 1, 1]]),
      { macs: 0, flops: 8 * 49 },
    ],
    ['Relu: one per element', shaped('Relu', [[3, 5]], [[3, 5]]), { macs: 0, flops: 15 }],
    [
      'Add broadcasts: one per output element',
      shaped(
        'Add',
        [
          [3, 1],
          [1, 5],
        ],
        [[3, 5]],
      ),
      { macs: 0, flops: 15 },
    ],
    ['Sum of three: two additions per element', shaped('Sum', [[4], [4], [4]], [[4]]), { macs: 0, flops: 8 }],
    ['Softmax: five per element', shaped('Softmax', [[2, 10]], [[2, 10]]), { macs: 0, flops: 100 }],
    [
      'LayerNormalization: five per element',
      shaped('LayerNormalization', [[2, 10], [10], [10]], [[2, 10]]),
      { macs: 0, flops: 100 },
    ],
    [
      'BatchNormalization: a scale and a shift',
      shaped('BatchNormalization', [[1, 4, 2, 2], [4], [4], [4], [4]], [[1, 4, 2, 2]]),
      { macs: 0, flops: 32 },
    ],
    ['Reshape moves nothing', shaped('Reshape', [[2, 8], [1]], [[16]]), { macs: 0, flops: 0 }],
    [
      'nearest Resize copies',
      shaped('Resize', [[1, 1, 2, 2]], [[1, 1, 4, 4]], { mode: 'nearest' }),
      { macs: 0, flops: 0 },
    ],
    [
      'an unknown operator: one per output element',
      shaped('Frobnicate', [[9]], [[3, 3]], { alpha: float(1) }),
      { macs: 0, flops: 9 },
    ],
  ];
  test.each(cases)('%s', (_, node, expected) => {
    expect(workOf(node)).toEqual(expected);
  });
});

test('a convolution is depthwise when its groups are its input channels', () => {
  const depthwise = shaped(
    'Conv',
    [
      [1, 16, 8, 8],
      [16, 1, 3, 3],
    ],
    [[1, 16, 8, 8]],
    { group: 16 },
  );
  const grouped = shaped(
    'Conv',
    [
      [1, 16, 8, 8],
      [16, 8, 3, 3],
    ],
    [[1, 16, 8, 8]],
    { group: 2 },
  );
  const singleChannel = shaped(
    'Conv',
    [
      [1, 1, 8, 8],
      [16, 1, 3, 3],
    ],
    [[1, 16, 8, 8]],
  );
  expect([depthwise, grouped, singleChannel].map(classOf)).toEqual(['depthwise-conv', 'conv', 'conv']);
});

describe('an operator splits along its output channels', () => {
  const constant = (name: string): boolean => name === 'in1';
  const axis = (node: ReturnType<typeof shaped>, isConstant = constant): number | null =>
    splitOf(node, isConstant)?.axis ?? null;

  test.each([
    [
      'a dense convolution reads all channels',
      'Conv',
      [
        [1, 16, 8, 8],
        [16, 16, 3, 3],
      ],
      {},
      null,
    ],
    [
      'a depthwise one its own',
      'Conv',
      [
        [1, 16, 8, 8],
        [16, 1, 3, 3],
      ],
      { group: 16 },
      0,
    ],
    ['so does pooling', 'MaxPool', [[1, 16, 8, 8]], { kernel_shape: [1, 1] }, 0],
    ['LRN over 5 channels reads two on either side', 'LRN', [[1, 16, 8, 8]], { size: 5 }, 2],
  ] as const)('%s', (_name, opType, shapes, attributes, reach) => {
    expect(splitOf(shaped(opType, shapes, [[1, 16, 8, 8]], attributes), constant)).toEqual({ axis: 1, reach });
  });

  test('pooling that outputs the indices of its maxima does not split', () => {
    const outputs: readonly Shape[] = [
      [1, 16, 4, 4],
      [1, 16, 4, 4],
    ];
    expect(axis(shaped('MaxPool', [[1, 16, 8, 8]], outputs, { kernel_shape: [2, 2] }))).toBeNull();
  });

  test('Conv with one group, or depthwise: axis 1; other groups: not', () => {
    const shapes: readonly Shape[] = [
      [1, 16, 8, 8],
      [16, 4, 3, 3],
    ];
    expect(axis(shaped('Conv', shapes, [[1, 16, 8, 8]]))).toBe(1);
    expect(axis(shaped('Conv', shapes, [[1, 16, 8, 8]], { group: 16 }))).toBe(1);
    expect(axis(shaped('Conv', shapes, [[1, 16, 8, 8]], { group: 4 }))).toBeNull();
  });

  test('Gemm and MatMul with a constant right side: the last axis; with a computed one: not', () => {
    expect(
      axis(
        shaped(
          'Gemm',
          [
            [1, 8],
            [8, 4],
          ],
          [[1, 4]],
        ),
      ),
    ).toBe(1);
    expect(
      axis(
        shaped(
          'MatMul',
          [
            [2, 3, 8],
            [8, 4],
          ],
          [[2, 3, 4]],
        ),
      ),
    ).toBe(2);
    expect(
      axis(
        shaped(
          'MatMul',
          [
            [2, 3, 8],
            [2, 8, 4],
          ],
          [[2, 3, 4]],
        ),
      ),
    ).toBeNull();
    expect(
      axis(
        shaped(
          'MatMul',
          [
            [3, 8],
            [8, 4],
          ],
          [[3, 4]],
        ),
        () => false,
      ),
    ).toBeNull();
  });

  test('a single channel, or anything elementwise, does not', () => {
    expect(
      axis(
        shaped(
          'Conv',
          [
            [1, 3, 8, 8],
            [1, 3, 3, 3],
          ],
          [[1, 1, 8, 8]],
        ),
      ),
    ).toBeNull();
    expect(axis(shaped('Relu', [[1, 8]], [[1, 8]]))).toBeNull();
  });
});

test('operators of other domains with a closed form: a linear model, a quantised LSTM', () => {
  const linear = shaped('LinearClassifier', [[5, 3]], [[5], [5, 2]]);
  linear.node.attribute.push(create(AttributeProtoSchema, { name: 'coefficients', floats: [1, 2, 3, 4, 5, 6] }));
  expect(workOf(linear).macs).toBe(5 * 3 * 2);
  const lstm = shaped(
    'DynamicQuantizeLSTM',
    [
      [7, 1, 3],
      [1, 3, 16],
      [1, 4, 16],
    ],
    [[7, 1, 1, 4]],
  );
  expect(workOf(lstm).macs).toBe(7 * (3 * 16 + 4 * 16));
  expect(isCounted(lstm.node)).toBe(true);
  expect(isCounted(shaped('TreeEnsembleClassifier', [[1, 5]], [[1]]).node)).toBe(false);
});
