// The location of live tensors: those that exist and that a later unit reads. In serial execution future costs depend on the
// past only through these locations, so an observation with this block and the unit's position is Markov.
import { InputError } from '../../base/errors/input-error.js';
import type { HardwareState } from '../../engine/executor.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { ObservationBlock } from './observation-block.js';

/** Our choice: networks have 2 to 10 live tensors at a time, and all observations must have one size. */
export const residencySlots = 16;
const columns = ['on0', 'on1', 'nextUse'] as const;

/** A slot for each live tensor, the one needed soonest first: the fractions on each device, and how soon. */
export class Residency implements ObservationBlock {
  readonly names = Array.from({ length: residencySlots }, (_, slot) =>
    columns.map((name) => `live${slot}.${name}`),
  ).flat();
  /** Tensors live before unit `next`. */
  readonly #live: readonly Uint32Array[];
  /** For each of them, units until it is read, of all units. */
  readonly #nextUse: readonly Float64Array[];

  /** @throws InputError when more tensors are live at a time than there are slots: the rest would be hidden */
  constructor(graph: OperatorGraph) {
    const all = Array.from({ length: graph.units.length + 1 }, (_, next) => liveTensors(graph, next));
    const most = Math.max(...all.map(({ length }) => length));
    if (most > residencySlots)
      throw new InputError(
        `observation: "residency" has ${residencySlots} slots, and up to ${most} tensors of the model are live at a time.`,
        'Choose "moves" in its place, or another model.',
      );
    this.#live = all.map((live) => Uint32Array.from(live, ({ tensor }) => tensor));
    this.#nextUse = all.map((live, next) => Float64Array.from(live, ({ use }) => (use - next) / graph.units.length));
  }

  fixed(next: number, out: Float32Array, at: number): void {
    for (const [slot, use] of this.#nextUse[next]!.entries()) out[at + columns.length * slot + 2] = use;
  }

  live(next: number, state: HardwareState, out: Float32Array, at: number): void {
    const tensors = this.#live[next]!;
    for (let slot = 0; slot < tensors.length; slot++) {
      out[at + columns.length * slot] = state.held(tensors[slot]!, 0);
      out[at + columns.length * slot + 1] = state.held(tensors[slot]!, 1);
    }
  }
}

/** Tensors that exist before unit `next` and are read from there on, by when. */
function liveTensors({ tensors }: OperatorGraph, next: number): { readonly tensor: number; readonly use: number }[] {
  return tensors
    .filter(({ producer }) => producer === null || producer < next)
    .flatMap(({ id, consumers }) => {
      const use = consumers.find((consumer) => consumer >= next);
      return use === undefined ? [] : [{ tensor: id, use }];
    })
    .sort((a, b) => a.use - b.use || a.tensor - b.tensor);
}
