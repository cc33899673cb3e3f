// The reference that every compiled plan is compared with: the outputs of one session with the whole model, on lane 0.
import type { OperatorGraph } from '../../../models/graph.js';
import type { LoadedModel } from '../../../models/load.js';
import type { ExecutionError } from '../../executor.js';
import type { TensorSlot } from '../../segments/operations.js';
import type { Segment } from '../../segments/segments.js';
import { allowedDifference, tensorDifference } from '../checks/agreement.js';
import type { DevicePair } from '../devices/device-pair.js';
import type { LaneGroup, LoadRequest } from './lane-group.js';
import type { Place } from './protocol.js';

export class PlainReference {
  readonly #model: LoadedModel;
  readonly #group: LaneGroup;
  readonly #slots: readonly TensorSlot[];
  readonly #slotOf: ReadonlyMap<string, number>;
  readonly #acrossKinds: boolean;
  /** The plain session's outputs by tensor name; computed when they are first needed. */
  #outputs: ReadonlyMap<string, Uint8Array> | null = null;

  constructor(
    model: LoadedModel,
    group: LaneGroup,
    slots: readonly TensorSlot[],
    slotOf: ReadonlyMap<string, number>,
    [first, second]: DevicePair,
  ) {
    this.#model = model;
    this.#group = group;
    this.#slots = slots;
    this.#slotOf = slotOf;
    this.#acrossKinds = first.kind !== second.kind;
  }

  /** Compares the outputs on lane 0 with the plain session's; null when they agree. */
  disagreement(graph: OperatorGraph): ExecutionError | null {
    const outputs = graph.tensors.filter(({ graphOutput }) => graphOutput);
    const slots = outputs.map(({ name }) => this.#slotOf.get(name)!);
    const values = this.#group.read(slots);
    if (!this.#outputs) {
      const plain = this.#plainOutputs(graph, slots);
      if ('error' in plain) return plain;
      this.#outputs = new Map(outputs.map(({ name }, i) => [name, plain[i]!]));
    }
    const limit = allowedDifference(graph, this.#acrossKinds);
    for (const [i, tensor] of outputs.entries()) {
      const difference = tensorDifference(tensor, values[i]!, this.#outputs.get(tensor.name)!);
      if (difference <= limit) continue;
      const error = `output "${tensor.name}" differs from the plain session's by ${difference}, more than ${limit}`;
      return { error, unit: tensor.producer, device: null };
    }
    return null;
  }

  #plainOutputs(graph: OperatorGraph, slots: readonly number[]): readonly Uint8Array[] | ExecutionError {
    const segment: Segment = {
      key: 'plain',
      lane: 0,
      units: graph.units.map(({ id }) => id),
      range: null,
      fraction: 1,
    };
    const request: LoadRequest = {
      model: this.#model.basicPath,
      inputs: this.#model.inputs.map(({ name }) => this.#whole(this.#slotOf.get(name)!)),
      outputs: slots.map((slot) => this.#whole(slot)),
    };
    const refused = this.#group.acquire(graph, [segment], () => request);
    if (refused) return refused;
    const result = this.#group.execute(graph, [[{ kind: 'run', key: segment.key }]], [segment]);
    const values = 'error' in result ? result : this.#group.read(slots);
    this.#group.release([segment]);
    return values;
  }

  #whole(slot: number): Place {
    return { slot, shape: this.#slots[slot]!.shape, region: null };
  }
}
