// Values of inputs as plain data: what executors take from their users, and what threads copy. ONNX Runtime's `Tensor` is one.

export interface PlainTensor {
  /** ONNX Runtime's name of the element type: float32, int64, ... */
  readonly type: string;
  readonly data: ArrayBufferView | readonly string[];
  readonly dims: readonly number[];
}

export type PlainFeeds = Readonly<Record<string, PlainTensor>>;
