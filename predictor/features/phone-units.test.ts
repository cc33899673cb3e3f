// An operator of TensorFlow Lite and the unit that it is in an ONNX graph have the same features.
import { expect, test } from 'vitest';
import { loadModel } from '../../models/load.js';
import type { PhoneOperator } from '../measurements/phones.js';
import { phoneUnitRow } from './phone-units.js';
import { operatorFeatures, unitFeatureRows, unitFeatures } from './unit-features.js';

test("ResNet-18's first convolution has the same features by either source", async () => {
  const graph = (await loadModel('model://resnet18?size=64')).graph('fused');
  const unit = graph.units.find(({ opClass }) => opClass === 'conv')!;
  const operator = {
    ...{ operation: 'CONV_2D', inputSize: 64, inputChannels: 3, outputSize: 32, outputChannels: 64, kernelSize: 7 },
    ...{ stride: 2, groups: 1, inputs: 1, flops: 2 * unit.macs, model: 'resnet18', fused: ['relu'] },
  } as unknown as PhoneOperator;
  const row = phoneUnitRow(operator);
  const own = unitFeatureRows(graph).subarray(unit.id * unitFeatures.length, (unit.id + 1) * unitFeatures.length);
  operatorFeatures.forEach((feature, at) => {
    // The graph counts elementwise work too, here one operation an output.
    expect(Math.abs(row[at]! / own[at]! - 1) || 0, feature).toBeLessThan(0.01);
  });
});
