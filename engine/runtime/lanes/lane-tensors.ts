// The tensors of a lane: a private copy of each that it computes or fetches, in memory that ONNX Runtime accepts.
import * as ort from 'onnxruntime-node';
import type { Region, TensorSlot } from '../../segments/operations.js';
import { typedArray } from '../typed-array.js';
import type { Place } from './protocol.js';

interface PrivateTensor {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly tensor: ort.Tensor;
}

/** A place as a tensor that a session reads or writes. */
export interface BoundTensor {
  readonly name: string;
  readonly tensor: ort.Tensor;
  /** Copies the place's rows to the tensor, where they are no one piece of memory. */
  readonly gather: () => void;
  /** Copies the tensor to the place's rows, likewise. */
  readonly scatter: () => void;
}

export class LaneTensors {
  readonly #slots: readonly TensorSlot[];
  /** Allocated once per slot, and shared by all segments of the lane. */
  readonly #tensors = new Map<number, PrivateTensor>();

  constructor(slots: readonly TensorSlot[]) {
    this.#slots = slots;
  }

  bytes(slot: number): Uint8Array<ArrayBuffer> {
    return this.#private(slot).bytes;
  }

  bind(place: Place): BoundTensor {
    const slot = this.#slots[place.slot]!;
    const { bytes, tensor } = this.#private(place.slot);
    const nothing = (): void => {};
    const bound = { name: slot.name, gather: nothing, scatter: nothing };
    if (!place.region) return { ...bound, tensor };
    if (place.region.rows === 1) return { ...bound, tensor: tensorOn(slot, place.shape, bytes.buffer, place.region) };
    const apart = new Uint8Array(place.region.rows * place.region.length);
    return {
      name: slot.name,
      tensor: tensorOn(slot, place.shape, apart.buffer, { offset: 0, length: apart.length }),
      gather: () => forEachRow(place.region!, (at, from, to) => apart.set(bytes.subarray(at, at + to - from), from)),
      scatter: () => forEachRow(place.region!, (at, from, to) => bytes.set(apart.subarray(from, to), at)),
    };
  }

  /** Overwrites all but the slots to keep with ones (NaN): a stale value cannot pass for a computed one. */
  invalidate(keep: readonly number[]): void {
    for (const [slot, { bytes }] of this.#tensors) if (!keep.includes(slot)) bytes.fill(0xff);
  }

  #private(index: number): PrivateTensor {
    let found = this.#tensors.get(index);
    if (!found) {
      const slot = this.#slots[index]!;
      const bytes = new Uint8Array(slot.bytes);
      found = { bytes, tensor: tensorOn(slot, slot.shape, bytes.buffer, { offset: 0, length: slot.bytes }) };
      this.#tensors.set(index, found);
    }
    return found;
  }
}

/** Each row of the region: where it is in the whole tensor, and where in the rows one after the other. */
function forEachRow({ rows, stride, offset, length }: Region, visit: (at: number, from: number, to: number) => void) {
  for (let row = 0; row < rows; row++) visit(offset + row * stride, row * length, (row + 1) * length);
}

function tensorOn(
  { type }: TensorSlot,
  shape: readonly number[],
  buffer: ArrayBuffer,
  { offset, length }: { readonly offset: number; readonly length: number },
): ort.Tensor {
  const data = typedArray(type, buffer, offset, length);
  return new ort.Tensor(type as 'float32', data as Float32Array, [...shape]);
}
