// NumPy's .npy files: one array, as its header describes it. The format is in NumPy's documentation (numpy.lib.format).
import { InputError } from '../../base/errors/input-error.js';
import { alignedBuffer } from '../../base/onnx/tensor-data.js';

export interface NpyArray {
  /** NumPy's type code without byte order: f4, f8, i8, ... */
  readonly type: string;
  readonly shape: readonly number[];
  /** The elements, little-endian, in C order. */
  readonly data: ArrayBuffer;
}

const magic = '\x93NUMPY';

/** @throws InputError when `bytes` are no .npy file, big-endian, in Fortran order, or cut short. */
export function parseNpy(bytes: Uint8Array, label: string): NpyArray {
  const latin = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  const save = 'Save it with numpy.save(path, numpy.ascontiguousarray(array)).';
  if (bytes.length < 12 || latin(0, 6) !== magic) throw new InputError(`models: ${label}: no .npy file.`, save);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFirst = bytes[6] === 1;
  const headerStart = isFirst ? 10 : 12;
  const headerEnd = headerStart + (isFirst ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = latin(headerStart, headerEnd);
  const descr = /'descr':\s*'([<>|=])(\w+)'/.exec(header);
  const dims = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (!descr || dims === undefined)
    throw new InputError(`models: ${label}: its header is not understood: ${header.trim()}.`, save);
  const [, order = '', type = ''] = descr;
  if (order === '>') throw new InputError(`models: ${label}: its numbers are big-endian.`, 'Save it as little-endian.');
  if (/'fortran_order':\s*True/.test(header)) throw new InputError(`models: ${label}: it is in Fortran order.`, save);
  const sizes = dims.split(',').map((dim) => dim.trim());
  // A shape of one dimension ends with a comma: (3,).
  if (sizes.at(-1) === '') sizes.pop();
  const wrong = sizes.find((dim) => !/^\d{1,15}$/.test(dim));
  if (wrong !== undefined)
    throw new InputError(`models: ${label}: its shape is (${dims}): "${wrong}" is no number of elements.`, save);
  const shape = sizes.map(Number);
  const elementBytes = Number(/^[a-z]([1248]|16)$/.exec(type)?.[1] ?? Number.NaN);
  if (Number.isNaN(elementBytes)) throw new InputError(`models: ${label}: its type ${type} is not understood.`, save);
  const expected = shape.reduce((a, b) => a * b, elementBytes);
  if (bytes.length - headerEnd < expected) {
    throw new InputError(
      `models: ${label}: ${bytes.length - headerEnd} bytes of data, but shape [${shape.join(', ')}] of ${type} needs ${expected}.`,
      'Save it again: it is truncated.',
    );
  }
  return { type, shape, data: alignedBuffer(bytes.subarray(headerEnd, headerEnd + expected)) };
}
