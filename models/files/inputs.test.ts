import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DataType } from '../../base/onnx/proto.js';
import { readInputs } from './inputs.js';
import { parseNpy } from './npy.js';
import type { DeclaredInput } from './shapes.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparoa-inputs-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As numpy.save writes it: version 1.0, header padded to a multiple of 64 bytes. */
function npy(descr: string, shape: string, data: ArrayBufferView, fortran = 'False'): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${shape}), }`;
  const header = `${text}${' '.repeat(64 - ((10 + text.length + 1) % 64))}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header), bytes]);
}

function save(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

function png(width: number, height: number, rgb: readonly [number, number, number]): Buffer {
  const picture = new PNG({ width, height });
  for (let pixel = 0; pixel < width * height; pixel++) picture.data.set([...rgb, 255], 4 * pixel);
  return PNG.sync.write(picture);
}

const vector: DeclaredInput = { name: 'x', elemType: DataType.FLOAT, dims: ['n', 3] };
const image: DeclaredInput = { name: 'image', elemType: DataType.FLOAT, dims: [1, 3, 'h', 'w'] };
const read = (path: string, input: DeclaredInput) => readInputs({ [input.name]: path }, [input], 'm.onnx')[0]!;

describe('.npy', () => {
  test('floats and integers come back as they were saved', () => {
    const floats = read(save('f4.npy', npy('<f4', '2, 3', Float32Array.of(1, 2, 3, 4, 5, 6))), vector);
    expect(floats.tensor.dims).toEqual([2, 3]);
    expect([...(floats.tensor.data as Float32Array)]).toEqual([1, 2, 3, 4, 5, 6]);
    const ids: DeclaredInput = { name: 'ids', elemType: DataType.INT64, dims: ['n'] };
    const integers = read(save('i8.npy', npy('<i8', '2,', BigInt64Array.of(7n, -1n))), ids);
    expect([...(integers.tensor.data as BigInt64Array)]).toEqual([7n, -1n]);
  });

  test("NumPy's default float64 serves a float input", () => {
    const { tensor } = read(save('f8.npy', npy('<f8', '1, 3', Float64Array.of(0.5, 1.5, 2.5))), vector);
    expect(tensor.type).toBe('float32');
    expect([...(tensor.data as Float32Array)]).toEqual([0.5, 1.5, 2.5]);
  });

  test('a scalar has no dimensions', () => {
    expect(parseNpy(npy('<f4', '', Float32Array.of(5)), 'scalar.npy').shape).toEqual([]);
  });

  test.each([
    ['Fortran order', npy('<f4', '1, 3', new Float32Array(3), 'True'), /Fortran order/],
    ['big-endian', npy('>f4', '1, 3', new Float32Array(3)), /big-endian/],
    ['truncated', npy('<f4', '2, 3', new Float32Array(5)), /20 bytes of data, but shape \[2, 3\] of f4 needs 24/],
    ['another file', Buffer.from('hello, this is a text'), /no \.npy file/],
    ['another type', npy('<i4', '1, 3', new Int32Array(3)), /holds i4, but input "x" takes float/],
    ['another shape', npy('<f4', '1, 4', new Float32Array(4)), /has the shape \[1, 4\], but input "x" takes \[n, 3\]/],
  ])('error: %s', (name, bytes, message) => {
    expect(() => read(save(`${name}.npy`, bytes), vector)).toThrow(message);
  });
});

describe('.png', () => {
  test('is [1, 3, height, width] with channels in [-1, 1]', () => {
    const { tensor } = read(save('p.png', png(4, 2, [255, 0, 51])), image);
    expect(tensor.dims).toEqual([1, 3, 2, 4]);
    const values = tensor.data as Float32Array;
    expect([values[0], values[8], values[16]]).toEqual([1, -1, Math.fround(-0.6)]);
  });

  test('must have the shape of the input; both shapes are named', () => {
    const fixed: DeclaredInput = { ...image, dims: [1, 3, 8, 8] };
    expect(() => read(save('q.png', png(4, 2, [0, 0, 0])), fixed)).toThrow(
      /q\.png has the shape \[1, 3, 2, 4\], but input "image" takes \[1, 3, 8, 8\]/,
    );
  });

  test('error: no picture', () => {
    expect(() => read(save('r.png', Buffer.from('text')), image)).toThrow(/r\.png: cannot be read as PNG/);
  });
});

test('the only input needs no name; a wrong name is an error', () => {
  const path = save('x.npy', npy('<f4', '1, 3', new Float32Array(3)));
  expect(readInputs({ '': path }, [vector], 'm.onnx')[0]!.name).toBe('x');
  expect(() => readInputs({ '': path }, [vector, image], 'm.onnx')).toThrow(/without a name, but the model has 2/);
  expect(() => readInputs({ y: path }, [vector], 'm.onnx')).toThrow(/"y", which is no input/);
  expect(() => readInputs({ x: 'x.jpg' }, [vector], 'm.onnx')).toThrow(/there is no file/);
  expect(() => readInputs({ x: save('x.jpg', Buffer.of(1)) }, [vector], 'm.onnx')).toThrow(/neither \.npy nor \.png/);
});
