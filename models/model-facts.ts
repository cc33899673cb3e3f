// The facts of a loaded model beside its graphs. In a file of their own, so that the package's public types do not refer to
// ONNX Runtime's or protobuf's.

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
