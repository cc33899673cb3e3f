// A loaded model. In a file of its own, so that the package's public types do not refer to ONNX Runtime's or protobuf's.
import type { Granularity, OperatorGraph } from './graph.js';

export interface ModelInput {
  readonly name: string;
  /** ONNX data type number. */
  readonly elemType: number;
  readonly shape: readonly number[];
  /** What each element is, where it is not drawn. */
  readonly fill?: number;
}

export interface ModelTotals {
  /** Multiply-accumulates of Conv, Gemm and MatMul. */
  readonly macs: number;
  /** Of all operators. */
  readonly flops: number;
  /** Trainable parameters of the model as exported; running statistics are none. */
  readonly parameters: number;
  /** Bytes of the weights that the operators read, after constant folding. */
  readonly weightBytes: number;
}

export interface LoadedModel {
  /** The full name: batch, shapes and seed included; loads the same model again. No commas. */
  readonly uri: string;
  /** The file as given; the batch of an ONNX file may be free. */
  readonly path: string;
  /**
   * ONNX Runtime's basic-level rewriting, shapes bound, weights inside: its nodes and tensors are those of the graphs.
   * @throws InputError when the file has no weights, so that nothing can run it
   */
  readonly basicPath: string;
  /** Of the ONNX file, external data included. */
  readonly modelHash: string;
  /** Whether nobody trained the weights: activation sparsity then says more about the initialiser than about the model. */
  readonly randomWeights: boolean;
  readonly batch: number;
  /** Whether the model can be loaded with another batch: neither its file nor the user's input values fix it. */
  readonly batchIsFree: boolean;
  readonly inputs: readonly ModelInput[];
  readonly totals: ModelTotals;
  /** What the numbers leave out, and what was taken for inputs that nobody gave: a sentence each. */
  readonly warnings: readonly string[];
  graph(granularity: Granularity): OperatorGraph;
}
