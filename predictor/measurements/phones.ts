// TensorFlow Lite on six phones: the time of every operator of 80 CNNs on the GPU, and of whole networks on the GPU and on
// sets of CPU cores. Published by Z. Li, M. Paolieri and L. Golubchik with "A Benchmark for ML Inference Latency on Mobile
// Devices", EdgeSys 2024, doi 10.1145/3642968.3654818; github.com/qed-usc/mobile-ml-benchmark, MIT licence.
import { readTable, type TableRow } from './table.js';

export const phones = ['pixel4', 's10', 'mi8se', 'a03s', 'iphone7', 'iphonexs'] as const;
export type Phone = (typeof phones)[number];

export const phoneOperations = [
  'CONV_2D',
  'CONV_2D_GROUP',
  'DEPTHWISE_CONV_2D',
  'FULLY_CONNECTED',
  'MAX_POOL_2D',
  'AVERAGE_POOL_2D',
  'MEAN',
  'CONCATENATION',
] as const;
export type PhoneOperation = (typeof phoneOperations)[number];

/** Shape of an operator, batch 1; images are square. Of vectors, sizes are 1. */
export interface PhoneShape {
  readonly operation: PhoneOperation;
  /** Pixels a side, padding included where the network pads by an operator of its own. */
  readonly inputSize: number;
  /** Of a concatenation, of its first input. */
  readonly inputChannels: number;
  readonly outputSize: number;
  readonly outputChannels: number;
  /** Pixels a side of the window; 1 where there is none. */
  readonly kernelSize: number;
  readonly stride: number;
  readonly groups: number;
  /** Tensors that a concatenation joins; else 1. */
  readonly inputs: number;
  /** As published: 2 x multiply-accumulates; 0 for concatenations. */
  readonly flops: number;
}

export interface PhoneOperator extends PhoneShape {
  readonly model: string;
  /** Elementwise operators that run inside its kernel, in order: `['add', 'relu']`. */
  readonly fused: readonly string[];
  /** GPU time on each phone, ms. */
  readonly gpuMs: Readonly<Record<Phone, number>>;
  /** The GPU kernel as the phone's profiler named it, without what is fused into it and its number. */
  readonly gpuKernel: Readonly<Record<Phone, string>>;
}

/** @throws InputError when the file is not `tflite_cnn_ops_gpu.csv` in its published form. */
export function readPhoneOperators(path: string): PhoneOperator[] {
  const timed = phones.flatMap((phone) => [`${phone}|gpu|float`, `${phone}|gpu|kernel`]);
  return readTable(path, ['model', 'operation', 'feature', ...timed]).map((row) => {
    const names = phones.map((phone) => kernelName(row.text(`${phone}|gpu|kernel`)));
    return {
      model: row.text('model'),
      ...shapeOf(row),
      // The same graph runs everywhere, but the name of a Winograd kernel leaves out what is fused into it.
      fused: names.map(({ fused }) => fused).reduce((longest, own) => (own.length > longest.length ? own : longest)),
      gpuMs: byPhone((phone) => row.number(`${phone}|gpu|float`, { positive: true }) / 1000),
      gpuKernel: byPhone((phone) => names[phones.indexOf(phone)]!.kernel),
    };
  });
}

function byPhone<T>(value: (phone: Phone) => T): Record<Phone, T> {
  return Object.fromEntries(phones.map((phone) => [phone, value(phone)])) as Record<Phone, T>;
}

/** `convolution_2d_6_linked_:_add_7_linked_:_relu_8`: a kernel with its number, then what is fused into it. */
function kernelName(text: string): { kernel: string; fused: string[] } {
  const [kernel, ...fused] = text.split('_linked_:_').map((part) => part.replace(/(_\d+)+$/, ''));
  return { kernel: kernel!, fused };
}

/** The column `feature` is a Python dictionary; `-` stands where something does not apply. */
function shapeOf(row: TableRow): PhoneShape {
  const operation = row.choice('operation', phoneOperations);
  let fields: Record<string, string | number>;
  try {
    fields = JSON.parse(row.text('feature').replaceAll("'", '"'));
  } catch {
    row.fail('feature', 'is no dictionary of strings and numbers', "For example {'Input_shape': '224', ...}.");
  }
  const given = (key: string) => row.toNumber(`feature ${key}`, fields[key], { positive: true, integer: true });
  const flops = () => row.toNumber('feature FLOPS', fields.FLOPS);
  const inputChannels = given('Input_channel');
  const image = { inputSize: 0, inputChannels, outputSize: 0, kernelSize: 1, stride: 1, groups: 1, inputs: 1 };
  const sizes = () => ({ inputSize: given('Input_shape'), outputSize: given('Output_shape') });
  const window = () => ({ ...sizes(), kernelSize: given('Kernel'), stride: given('Stride') });
  switch (operation) {
    case 'CONV_2D':
    case 'CONV_2D_GROUP':
      return {
        operation,
        ...image,
        ...window(),
        outputChannels: given('Filter'),
        groups: given('Group'),
        flops: flops(),
      };
    case 'DEPTHWISE_CONV_2D': // Filter is the channel multiplier
      return {
        operation,
        ...image,
        ...window(),
        outputChannels: inputChannels * given('Filter'),
        groups: inputChannels,
        flops: flops(),
      };
    case 'MAX_POOL_2D':
    case 'AVERAGE_POOL_2D':
      return { operation, ...image, ...window(), outputChannels: inputChannels, flops: flops() };
    case 'MEAN': {
      const inputSize = given('Input_shape');
      return {
        operation,
        ...image,
        inputSize,
        outputSize: 1,
        kernelSize: inputSize,
        outputChannels: inputChannels,
        flops: flops(),
      };
    }
    case 'FULLY_CONNECTED':
      return { operation, ...image, inputSize: 1, outputSize: 1, outputChannels: given('Filter'), flops: flops() };
    case 'CONCATENATION': // Kernel is the number of inputs
      return { operation, ...image, ...sizes(), outputChannels: given('Filter'), inputs: given('Kernel'), flops: 0 };
    default:
      return operation satisfies never;
  }
}

/** Time of a whole network on one processor of a phone. */
export interface PhoneNetworkTime {
  readonly model: string;
  readonly phone: Phone;
  /** `gpu`, or CPU cores as published: `1large2med` is one large and two medium cores. */
  readonly processor: string;
  /** `float`, or `quant` for 8-bit integers. */
  readonly precision: 'float' | 'quant';
  readonly meanMs: number;
  readonly stdMs: number;
}

/** @throws InputError when the file is not `tflite_cnn_e2e.csv` in its published form. */
export function readPhoneNetworks(path: string): PhoneNetworkTime[] {
  const rows = readTable(path, ['model', ...phones.map((phone) => `${phone}|gpu|float|mean`)]);
  const means = Object.keys(rows[0]!.cells).filter((column) => column.endsWith('|mean'));
  return rows.flatMap((row) =>
    means.map((column): PhoneNetworkTime => {
      const [phone, processor = '', precision] = column.split('|');
      if (!phones.includes(phone as Phone) || processor === '' || (precision !== 'float' && precision !== 'quant'))
        return row.fail(
          `the column "${column}"`,
          'is not phone|processor|float or quant|mean',
          'Give the published file.',
        );
      return {
        model: row.text('model'),
        phone: phone as Phone,
        processor,
        precision,
        meanMs: row.number(column, { positive: true }) / 1000,
        stdMs: row.number(column.replace(/mean$/, 'std')) / 1000,
      };
    }),
  );
}
