// The parts of TensorFlow.js that steps need. Required and not imported: its bundles are CommonJS, which Node scans for names before it
// imports them, and that takes three times as long as loading them (0.6 s against 0.2).
import { createRequire } from 'node:module';

type TensorFlow = typeof import('@tensorflow/tfjs');

export type {
  DataType,
  KernelFunc,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  TensorInfo,
  Variable,
} from '@tensorflow/tfjs';

export const {
  add,
  clipByValue,
  concat,
  concat1d,
  dispose,
  div,
  enableProdMode,
  engine,
  exp,
  findBackendFactory,
  getBackend,
  getKernelsForBackend,
  keep,
  matMul,
  mean,
  minimum,
  mul,
  neg,
  registerBackend,
  registerKernel,
  relu,
  setBackend,
  slice,
  softplus,
  split,
  sqrt,
  square,
  sub,
  sum,
  tanh,
  tensor,
  tensor1d,
  tidy,
  valueAndGrads,
  variable,
  zeros,
}: TensorFlow = createRequire(import.meta.url)('@tensorflow/tfjs');
