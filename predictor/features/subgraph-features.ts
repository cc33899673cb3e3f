// Features of a fused subgraph of PyTorch: its published work, its modules, and its neighbours in the model. The
// publication does not name unfused operators, but their neighbours largely determine what they are.
import type { OrinSubgraph } from '../measurements/orin-subgraphs.js';

const operationTypes = ['unfused', 'conv2d_batchnorm', 'conv2d', 'matmul', 'activation'];
const modules = [
  'Conv2d',
  'BatchNorm2d',
  'Linear',
  'LayerNorm',
  'MultiheadAttention',
  'AdaptiveAvgPool2d',
  'Dropout',
  'ReLU',
  'ReLU6',
  'SiLU',
  'Hardswish',
  'GELU',
  'add',
];

/** `class` counts the operation types, one past the last for others; `has...` say which modules are in the subgraph. */
export const subgraphFeatures: readonly string[] = [
  'class',
  'flops',
  'bytes',
  'intensity',
  'modules',
  ...modules.map((name) => `has${name}`),
  'classBefore',
  'flopsBefore',
  'bytesBefore',
  'classAfter',
  'flopsAfter',
  'bytesAfter',
];

/** Rows of `subgraphFeatures`, one for each subgraph of one model in its order. */
export function subgraphFeatureRows(model: readonly OrinSubgraph[]): number[][] {
  return model.map((own, at) => {
    const { flops, bytes, fusionPattern } = own;
    const names = fusionPattern.split('_');
    const more = Number(/\+(\d+)more$/.exec(fusionPattern)?.[1] ?? 1);
    return [
      classOf(own),
      flops,
      bytes,
      flops / Math.max(1, bytes),
      names.length - 1 + more,
      ...modules.map((name) => Number(names.includes(name))),
      ...neighbour(model[at - 1]),
      ...neighbour(model[at + 1]),
    ];
  });
}

/** -1 stands for no neighbour. */
const neighbour = (unit: OrinSubgraph | undefined) => (unit ? [classOf(unit), unit.flops, unit.bytes] : [-1, -1, -1]);

function classOf({ operationType }: OrinSubgraph): number {
  const found = operationTypes.indexOf(operationType);
  return found < 0 ? operationTypes.length : found;
}
