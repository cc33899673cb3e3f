// The operator graph for graph networks. Its size depends on the model, so it is in the info of each reset; the observation
// has the position of the current unit in it.

import { type OperatorGraph, opClasses } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import type { ObservationBlock } from './observation-block.js';

/** As `info.graph`: nodes are units, and an edge is a tensor from the unit that writes it to one that reads it. */
export interface GraphInfo {
  readonly units: number;
  /** Of edge e: writer, reader and tensor; `[from, to]` is what PyTorch Geometric calls `edge_index`. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly tensor: Int32Array;
  /** Row-major edges x 2: the cost of moving the tensor to device 0 and 1, as asinh of multiples of a typical unit's time. */
  readonly edgeFeatures: Float32Array;
  /** Row-major units x `unitFeatureNames`: those of the block `units`, and the class, one-hot. */
  readonly unitFeatures: Float32Array;
  readonly unitFeatureNames: readonly string[];
}

/**
 * @param rows features of units, row-major, as `names` has them
 * @param scaleMs a typical unit's time
 */
export function graphBlock(
  { units, tensors }: OperatorGraph,
  costs: CostTable,
  rows: Float64Array,
  names: readonly string[],
  scaleMs: number,
): ObservationBlock {
  const edges = tensors.flatMap(({ id, producer, consumers }) =>
    producer === null ? [] : consumers.map((consumer) => [producer, consumer, id] as const),
  );
  const features = units.flatMap(({ id, opClass }) => [
    ...rows.subarray(id * names.length, (id + 1) * names.length),
    ...opClasses.map((name) => Number(name === opClass)),
  ]);
  const moves = edges.flatMap(([, , tensor]) => [0, 1].map((to) => Math.asinh(costs.transferMs(tensor, to) / scaleMs)));
  return {
    names: ['graph.unit'],
    fixed(next, out, at) {
      out[at] = next / units.length;
    },
    info(): { readonly graph: GraphInfo } {
      return {
        graph: {
          units: units.length,
          from: Int32Array.from(edges, ([from]) => from),
          to: Int32Array.from(edges, ([, to]) => to),
          tensor: Int32Array.from(edges, ([, , tensor]) => tensor),
          edgeFeatures: Float32Array.from(moves),
          unitFeatures: Float32Array.from(features),
          unitFeatureNames: [...names, ...opClasses.map((name) => `class.${name}`)],
        },
      };
    },
  };
}
