// Importers: rows as published come out with their units; what is wrong is named by file, line and rule.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../base/errors/input-error.js';
import { readCsv } from '../../base/files/csv.js';
import { phoneGpu } from '../features/phone-features.js';
import { convolutionKernel } from '../features/tflite-kernels.js';
import { readOpenCvZoo } from './opencv-zoo.js';
import { readMicroBenchmarks } from './orin-microbenchmarks.js';
import { readOrinSubgraphFile, readOrinSubgraphTable } from './orin-subgraphs.js';
import { phones, readPhoneNetworks, readPhoneOperators } from './phones.js';

const scratch = mkdtempSync(join(tmpdir(), 'sparoa-measurements-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const fileOf = (name: string, text: string): string => {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
};

/** A file of phone operators in the published form, made up. */
function operatorsFile(rows: readonly (readonly [operation: string, feature: string, kernel: string, us?: string])[]) {
  const header = ['model', 'operation', 'feature', ...phones.flatMap((p) => [`${p}|gpu|float`, `${p}|gpu|kernel`])];
  const lines = rows.map(([operation, feature, kernel, us = '1500']) =>
    ['net', operation, `"${feature}"`, ...phones.flatMap(() => [us, kernel])].join(','),
  );
  return fileOf('ops.csv', [header.join(','), ...lines, ''].join('\n'));
}
const feature = (part: Record<string, string | number>) =>
  JSON.stringify({
    Input_shape: '56',
    Input_channel: 64,
    Output_shape: '28',
    Stride: '2',
    Kernel: '3',
    Filter: '128',
    Group: '1',
    FLOPS: '115605504',
    ...part,
  }).replaceAll('"', "'");

describe('phones', () => {
  test('an operator has its shape, its fused operators and times in ms', () => {
    const [conv, depthwise, concat] = readPhoneOperators(
      operatorsFile([
        ['CONV_2D', feature({}), 'convolution_2d_6_linked_:_add_7_linked_:_relu_8'],
        ['DEPTHWISE_CONV_2D', feature({ Filter: '1' }), 'depthwise_convolution_3'],
        ['CONCATENATION', feature({ Kernel: '4', Stride: '-', Filter: '256', FLOPS: '-' }), 'concat_0'],
      ]),
    );
    expect(conv).toMatchObject({
      inputSize: 56,
      inputChannels: 64,
      outputSize: 28,
      outputChannels: 128,
      kernelSize: 3,
    });
    expect(conv).toMatchObject({ stride: 2, groups: 1, flops: 115_605_504, fused: ['add', 'relu'] });
    expect([conv!.gpuMs.s10, conv!.gpuKernel.s10]).toEqual([1.5, 'convolution_2d']);
    expect(depthwise).toMatchObject({ outputChannels: 64, groups: 64, fused: [] });
    expect(concat).toMatchObject({ outputChannels: 256, inputs: 4, flops: 0, kernelSize: 1 });
  });

  test.each([
    ['an unknown operation', ['LSTM', feature({}), 'k'], 'ops.csv:3: operation is "LSTM"', 'must be one of CONV_2D'],
    [
      'no time',
      ['CONV_2D', feature({}), 'k', '0'],
      'pixel4|gpu|float is "0", not a number above 0',
      'take the row out',
    ],
    ['no dictionary', ['CONV_2D', '{', 'k'], 'ops.csv:3: feature is no dictionary', 'For example'],
    ['half a channel', ['CONV_2D', feature({ Filter: '1.5' }), 'k'], 'feature Filter is "1.5", not a whole', 'Give'],
    ['a missing size', ['CONV_2D', feature({ Kernel: '-' }), 'k'], 'feature Kernel is "-", not a whole', 'Give'],
  ] as const)('%s is named by line', (_, row, problem, remedy) => {
    const path = operatorsFile([['CONV_2D', feature({}), 'k'], row as [string, string, string]]);
    expect(() => readPhoneOperators(path)).toThrow(InputError);
    expect(() => readPhoneOperators(path)).toThrow(problem);
    expect(() => readPhoneOperators(path)).toThrow(remedy);
  });

  test('a missing column is named', () => {
    expect(() => readPhoneNetworks(fileOf('e2e.csv', 'model,FLOPS\nnet,1\n'))).toThrow(
      'e2e.csv:1: the columns pixel4|gpu',
    );
  });
});

describe('subgraphs of AGX Orin', () => {
  const subgraph = (mean: number) => ({
    subgraph_id: 0,
    fusion_pattern: 'Conv2d_ReLU',
    operation_type: 'conv2d',
    flops: 10,
    total_bytes: 20,
    measured_latency: { mean, std: 0.1, min: 0.4, samples: 50 },
  });
  const file = (subgraphs: readonly object[], version = '2.0') =>
    fileOf(
      'subgraphs.json',
      JSON.stringify(
        {
          schema_version: version,
          model: 'net',
          hardware_id: 'jetson_orin_agx_maxn',
          precision: 'FP32',
          thermal_profile: 'MAXN',
          batch_size: 1,
          subgraphs,
        },
        null,
        2,
      ),
    );

  test('a subgraph has what its file says of all', () => {
    expect(readOrinSubgraphFile(file([subgraph(0.5)]))).toEqual([
      {
        campaign: 'jetson_orin_agx_maxn',
        powerMode: 'maxn',
        precision: 'fp32',
        model: 'net',
        batch: 1,
        subgraph: 0,
        fusionPattern: 'Conv2d_ReLU',
        operationType: 'conv2d',
        flops: 10,
        bytes: 20,
        meanMs: 0.5,
        stdMs: 0.1,
        minMs: 0.4,
        samples: 50,
      },
    ]);
  });

  test('a wrong value is named by line and place', () => {
    const path = file([subgraph(0.5), subgraph(-1)]);
    const line =
      readFileSync(path, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('"mean": -1')) + 1;
    expect(() => readOrinSubgraphFile(path)).toThrow(`subgraphs.json:${line}: subgraphs[1].measured_latency.mean: `);
  });

  test('another schema and no JSON at all are refused', () => {
    expect(() => readOrinSubgraphFile(file([subgraph(1)], '1.0'))).toThrow('subgraphs.json:2: schema_version');
    expect(() => readOrinSubgraphFile(fileOf('no.json', '{'))).toThrow('no.json: cannot be read as JSON');
    expect(() => readOrinSubgraphFile(join(scratch, 'absent.json'))).toThrow('absent.json: cannot be read');
  });
});

describe('the OpenCV Zoo', () => {
  const page = (rows: string) =>
    fileOf(
      'zoo.md',
      `### Board\n\`\`\`\ntarget=cv.dnn.DNN_TARGET_CUDA\nmean median min input size model\n${rows}\n\`\`\`\n`,
    );

  test('a minimum that is kept from the row before is not given as the row’s own', () => {
    const rows = readOpenCvZoo(
      page("2.0 2.1 1.9 [160, 120] Net with ['a.onnx']\n3.0 3.1 1.9 [160, 120] Net with ['b.onnx']"),
    );
    expect(rows.map(({ file, meanMs, medianMs, minMs }) => [file, meanMs, medianMs, minMs])).toEqual([
      ['a.onnx', 2, 2.1, 1.9],
      ['b.onnx', 3, 3.1, null],
    ]);
    expect(rows[0]).toMatchObject({ device: 'Board', target: 'cuda-fp32', inputWidth: 160, inputHeight: 120 });
  });

  test('a line that is no row, and a page without any, are refused', () => {
    expect(() => readOpenCvZoo(page('2.0 2.1 fast'))).toThrow('zoo.md:5: "2.0 2.1 fast" is no measurement');
    expect(() => readOpenCvZoo(fileOf('empty.md', '# Zoo\n'))).toThrow('there is no measurement');
  });
});

const data = process.env.SPAROA_GYM_TEST_DATA;
const reason = data ? '' : ' (skipped: SPAROA_GYM_TEST_DATA names no folder with the public measurements)';

describe.skipIf(!data)(`the public originals${reason}`, () => {
  const at = (...parts: string[]) => join(data ?? '', ...parts);

  test('phones: 80 CNNs, 4,503 operators, every network on every set of cores', () => {
    const operators = readPhoneOperators(at('phones', 'tflite_cnn_ops_gpu.csv'));
    const networks = readPhoneNetworks(at('phones', 'tflite_cnn_e2e.csv'));
    expect([operators.length, new Set(operators.map(({ model }) => model)).size]).toEqual([4503, 80]);
    expect(networks).toHaveLength(80 * 90);
    const sumMs = operators
      .filter((one) => one.model === 'bninception')
      .reduce((sum, one) => sum + one.gpuMs.pixel4, 0);
    const wholeMs = networks.find((one) => one.model === 'bninception' && one.processor === 'gpu')!.meanMs;
    expect(sumMs).toBeLessThan(wholeMs);
    expect(sumMs).toBeGreaterThan(0.8 * wholeMs);
    // The rules name the Winograd kernel exactly where the phones' profilers do.
    for (const phone of phones)
      for (const one of operators)
        expect(one.operation === 'CONV_2D' && convolutionKernel(one, phoneGpu[phone]) === 'winograd-4x4').toBe(
          one.gpuKernel[phone].startsWith('convolution_winograd_4x4'),
        );
  });

  test('AGX Orin: the original of one model agrees with its rows in the collection', () => {
    const original = readOrinSubgraphFile(at('jetson', 'raw', 'subgraphs_maxn_fp32_resnet18_b1.json'));
    const collected = readOrinSubgraphTable(at('jetson', 'agx_orin_gpu_subgraphs.csv'));
    const same = collected.filter(
      (one) =>
        one.campaign === 'jetson_orin_agx_maxn' &&
        one.model === 'resnet18' &&
        one.precision === 'fp32' &&
        one.batch === 1,
    );
    expect(collected).toHaveLength(27_456);
    expect(same).toHaveLength(original.length);
    same.forEach((one, subgraph) => {
      const { campaign: _, meanMs, stdMs, minMs, ...rest } = original[subgraph]!;
      expect(one).toMatchObject(rest);
      expect([one.meanMs - meanMs, one.stdMs - stdMs, one.minMs - minMs].every((d) => Math.abs(d) < 1e-5)).toBe(true);
    });
  });

  test('OpenCV Zoo: the page agrees with the collection', () => {
    const targets = { cpu: 'cpu fp32', 'cuda-fp32': 'cuda fp32', 'cuda-fp16': 'cuda fp16' };
    const page = readOpenCvZoo(at('jetson', 'raw', 'opencv_zoo_benchmark_excerpt.md'));
    const collected = readCsv(at('jetson', 'opencv_zoo_jetson.csv'), [
      'device',
      'target',
      'model_file',
      'latency_median_ms',
    ]);
    const nano = collected.filter(({ device }) => device.startsWith('Jetson Orin Nano class'));
    expect(nano).toHaveLength(66);
    for (const row of nano) {
      const found = page.find((one) => one.file === row.model_file && targets[one.target] === row.target);
      expect(found?.medianMs, `${row.model_file} ${row.target}`).toBe(Number(row.latency_median_ms));
    }
  });

  test('micro-benchmarks of the Orin Nano, CPU and GPU', () => {
    const [cpu, gpu] = ['cpu', 'gpu'].map((device) =>
      readMicroBenchmarks(at('jetson', 'raw', `microbenchmarks_orin_nano_${device}_15w.json`)),
    );
    expect([cpu!.length, gpu!.length]).toEqual([52, 52]);
    expect([cpu![0]!.framework, gpu![0]!.framework]).toEqual(['numpy', 'pytorch']);
    expect(gpu![0]).toMatchObject({ operation: 'stream_copy', inputShape: [2_097_152], trials: 10 });
  });
});
