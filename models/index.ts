// ONNX files as operator graphs, and built-in networks. The package's entry `sparoa-gym/models`.

export { type ModelBuilderEntry, registerModelBuilder } from './builders/entries.js';
export type { OperatorGraph, TensorInfo, Unit } from './graph.js';
export { type LoadedModel, loadModel } from './load.js';
