// The operator graph, the view of a model that all other parts use. Immutable, units in topological order, tensors as edges.
import { canonicalJson, contentHash } from '../base/files/hash.js';

/** Classes that share a cost behaviour; FLOP rules and device efficiencies stand per class. */
export const opClasses = [
  'conv',
  'depthwise-conv',
  'gemm',
  'matmul',
  'normalization',
  'softmax',
  'activation',
  'elementwise',
  'pool',
  'reduce',
  'data-movement',
  'control-flow',
  'other',
] as const;
export type OpClass = (typeof opClasses)[number];

/** What is scheduled: an operator or a fused group. Its id is its topological position. */
export interface Unit {
  readonly id: number;
  readonly name: string;
  readonly opClass: OpClass;
  /** Names of the ONNX nodes it runs, in order. */
  readonly nodes: readonly string[];
  /** Their ONNX operators, one for each of `nodes`. */
  readonly opTypes: readonly string[];
  /** Ids of the activation tensors it reads, without duplicates; initialisers are no tensors. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Multiply-accumulates of Conv, Gemm and MatMul. */
  readonly macs: number;
  /** 2 x macs plus elementwise work; SparOA's "intensity". */
  readonly flops: number;
  /** Weights included. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly weightBytes: number;
  /** FLOP / byte: flops / (bytesRead + bytesWritten), the roofline's intensity. */
  readonly intensity: number;
  /** Fraction of zeros in its activation inputs, weighted by elements; null where it was not measured. */
  readonly activationSparsity: number | null;
  /** Fraction of zeros in its weights; 0 without weights. */
  readonly weightSparsity: number;
  /** The axis of its first output along which it can be split (output channels), or null. */
  readonly splitAxis: number | null;
  /**
   * Of a unit that can be split: how many channels to either side of its own an output channel reads of the inputs, 0 for
   * pooling and depthwise convolutions; `stacked` where its inputs lie in the output one after the other (Concat). Null
   * where it reads all of them, as a dense convolution does.
   */
  readonly channelReach: number | 'stacked' | null;
  /** The only device that can run it (control flow: 0), or null. */
  readonly onlyOn: 0 | 1 | null;
}

export interface TensorInfo {
  readonly id: number;
  readonly name: string;
  /** Element type as ONNX names it: float, int64, ... */
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** The unit that writes it; null for a graph input. */
  readonly producer: number | null;
  /** Units that read it, ascending. */
  readonly consumers: readonly number[];
  readonly graphOutput: boolean;
}

export type Granularity = 'operator' | 'fused';

export interface OperatorGraph {
  /** Of units and tensors: equal graphs have equal hashes. */
  readonly hash: string;
  readonly granularity: Granularity;
  /** First dimension of the first graph input that has one. */
  readonly batch: number;
  readonly units: readonly Unit[];
  readonly tensors: readonly TensorInfo[];
}

/** A tensor before its consumers are known. */
export type TensorDraft = Omit<TensorInfo, 'id' | 'producer' | 'consumers'>;

/** Builds the graph: derives producers, consumers and the hash, and checks that units are in topological order. */
export function makeGraph(
  granularity: Granularity,
  units: readonly Unit[],
  drafts: readonly TensorDraft[],
): OperatorGraph {
  const producer: (number | null)[] = drafts.map(() => null);
  const consumers: number[][] = drafts.map(() => []);
  units.forEach((unit, position) => {
    if (unit.id !== position) throw new Error(`unit ${unit.name} has id ${unit.id} at position ${position}`);
    for (const tensor of unit.inputs) {
      const from = producer[tensor];
      if (from === undefined || from === position)
        throw new Error(`unit ${unit.name} reads tensor ${tensor} before it is written`);
      consumers[tensor]!.push(position);
    }
    for (const tensor of unit.outputs) {
      if (consumers[tensor]!.length > 0) throw new Error(`unit ${unit.name} writes tensor ${tensor} after it was read`);
      producer[tensor] = position;
    }
  });
  const tensors = drafts.map(
    (draft, id): TensorInfo => ({ id, ...draft, producer: producer[id]!, consumers: consumers[id]! }),
  );
  const batch = tensors.find((tensor) => tensor.producer === null && tensor.shape.length > 0)?.shape[0] ?? 1;
  return { hash: contentHash(granularity, canonicalJson({ units, tensors })), granularity, batch, units, tensors };
}
