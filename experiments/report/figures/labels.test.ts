import { expect, test } from 'vitest';
import { baseName, parameterOf, shortName, shortNames } from './labels.js';

test('a model is named by its last part and its batch, a profile by its variant', () => {
  expect(shortName('model://resnet18?batch=4&sparsity=0.5&seed=0')).toBe('resnet18 · batch 4');
  expect(shortName('file:///home/x/light_squeezenet.onnx')).toBe('light_squeezenet');
  expect(shortName('generator://random-dag/17?operators=64')).toBe('random-dag/17');
  expect(shortName('profile://jetson-agx-orin?mode=maxn&precision=fp32&launch=eager&transfer=direct')).toBe(
    'jetson-agx-orin · maxn · fp32 · eager · direct',
  );
});

test('labels show what distinguishes two models, and are unique', () => {
  const uris = [
    'model://resnet18?batch=1&seed=0',
    'model://resnet18?batch=1&seed=1',
    'model://vit-b16?batch=1&seed=0',
    'file:///a/net.onnx',
    'file:///b/net.onnx',
  ];
  const names = shortNames([...uris, ...uris]);
  expect([...names.values()]).toEqual([
    'resnet18 · batch 1 · seed 0',
    'resnet18 · batch 1 · seed 1',
    'vit-b16 · batch 1',
    'file:///a/net.onnx',
    'file:///b/net.onnx',
  ]);
  expect(new Set(names.values()).size).toBe(uris.length);
});

test('the board and the axes can be asked for', () => {
  const uri = 'profile://jetson-orin-nano?mode=15w&launch=graph';
  expect(baseName(uri)).toBe('jetson-orin-nano');
  expect(parameterOf(uri, 'mode')).toBe('15w');
  expect(parameterOf(uri, 'precision')).toBeNull();
});
