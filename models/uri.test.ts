import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatModelUri, parseModelUri, withBatch } from './uri.js';

const parse = (uri: string, options = {}) => parseModelUri(uri, options, ['seed', 'size']);

test('a built-in model with its parameters', () => {
  expect(parse('model://resnet18?batch=4&seed=7')).toEqual({
    scheme: 'model',
    name: 'resnet18',
    batch: 4,
    shape: {},
    inputs: {},
    parameters: { seed: 7 },
  });
});

test('shapes in every spelling', () => {
  const shape = { x: [1, 3, 48, 320] };
  expect(parse('file:///a/m.onnx?shape.x=1x3x48x320').shape).toEqual(shape);
  expect(parse('file:///a/m.onnx?shape=x:1,3,48,320').shape).toEqual(shape);
  expect(parse('/a/m.onnx', { shape }).shape).toEqual(shape);
  expect(parse('file:///a/m.onnx?shape.x=9x9', { shape }).shape).toEqual(shape);
});

test('a path is short for its file URI', () => {
  expect(parse('models/m.onnx?batch=2')).toMatchObject({ scheme: 'file', name: resolve('models/m.onnx'), batch: 2 });
  expect(parse('file:///with%20space/m.onnx').name).toBe('/with space/m.onnx');
});

test('a formatted URI holds no comma and no quote, and parses to what it was made of', () => {
  const uri = formatModelUri('file', '/data/a, "b"/m.onnx', [
    ['batch', 2],
    ['shape.in,put', [2, 3]],
    ['input.in,put', '/tmp/x, y.npy'],
  ]);
  expect(uri).not.toMatch(/[,"\s]/);
  expect(parse(uri)).toMatchObject({
    name: '/data/a, "b"/m.onnx',
    batch: 2,
    shape: { 'in,put': [2, 3] },
    inputs: { 'in,put': '/tmp/x, y.npy' },
  });
});

describe('errors say what is wrong and what to do', () => {
  test.each([
    ['http://host/m.onnx', /no scheme "http:\/\/"/],
    ['model://resnet18?bach=3', /no parameter "bach".*\nDid you mean "batch"\?/],
    ['file:///m.onnx?seed=3', /no parameter "seed"/],
    ['model://resnet18?batch=0', /batch is 0/],
    ['model://resnet18?batch=1.5', /batch is 1.5/],
    ['model://resnet18?seed=one', /seed is "one", no number/],
    ['file:///m.onnx?shape.x=1xax3', /dimension of the shape is "a"/],
    ['file:///m.onnx?shape=1,3', /names no input/],
  ])('%s', (uri, message) => {
    expect(() => parse(uri)).toThrow(message);
  });
});

test('withBatch replaces the batch and keeps the rest', () => {
  expect(withBatch('model://resnet18', 4)).toBe('model://resnet18?batch=4');
  expect(withBatch('file:///m.onnx?batch=1&shape.x=1x3', 16)).toBe('file:///m.onnx?batch=16&shape.x=1x3');
});
