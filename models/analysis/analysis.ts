// From an ONNX model with known input shapes to its operator graphs: ONNX Runtime's basic level gives the operators, a
// run with every tensor exposed gives shapes and sparsity, ONNX Runtime's extended level gives the fused groups.
import { InputError } from '../../base/errors/input-error.js';
import { decodeModel, type ModelProto } from '../../base/onnx/proto.js';
import { freeDimensions, writeShapes } from '../files/shapes.js';
import type { OperatorGraph } from '../graph.js';
import type { ModelInput, ModelTotals } from '../model-facts.js';
import type { BodiesOf } from './body-work.js';
import { measureBodies } from './control-flow.js';
import { type Feeds, seededFeeds } from './feeds.js';
import { fusedGroups } from './fuse.js';
import { type Measured, measure } from './measure.js';
import { type CostedNode, costNodes } from './nodes.js';
import { optimised } from './optimised.js';
import { refusal, rewrite } from './optimize.js';
import { countParameters } from './parameters.js';
import { quantisationOf } from './quantisation.js';
import { groupAsNode, isQuantised, quantisedGroups } from './quantised-groups.js';
import { buildGraph, distinctWeights } from './units.js';

/** Changes when anything here would give another result for the same file: cached analyses of other versions are stale. */
export const analysisVersion = 10;

export interface Analysis {
  /** What the numbers leave out, a sentence each. */
  readonly warnings: readonly string[];
  readonly operator: OperatorGraph;
  readonly fused: OperatorGraph;
  readonly totals: ModelTotals;
}

export interface AnalysisRequest {
  /** The model, fresh at each call: analysing changes it. */
  readonly read: () => ModelProto;
  readonly inputs: readonly ModelInput[];
  /** Values of some inputs; the others are seeded. */
  readonly given: Feeds;
  readonly label: string;
  /** What exposed tensors may take at once while they are measured, bytes. */
  readonly heldBytes?: number;
}

/** @returns the analysis, and ONNX Runtime's basic-level model, whose nodes and tensors the graphs name. */
export async function analyse(request: AnalysisRequest): Promise<{ analysis: Analysis; basic: Uint8Array }> {
  const { bytes, twin, model, measured, bodies, parameters } = await runnable(request);
  const graph = model.graph!;
  const nodes = costNodes(graph, measured, bodies);
  const constants = new Set(graph.initializer.map((tensor) => tensor.name));
  const tensors = new Set([...request.inputs.map((input) => input.name), ...nodes.flatMap((node) => node.writes)]);
  const material = {
    nodes: nodes.map((node) => ({ ...node, reads: node.reads.filter((name) => tensors.has(name)) })),
    measured,
    inputs: request.inputs.map((input) => input.name),
    outputs: graph.output.map((output) => output.name).filter((name) => !constants.has(name)),
  };
  const extended = decodeModel(await rewrite(twin, 'extended', isQuantised(model)));
  const operators = quantisedGroups(material.nodes, material.outputs);
  const kernels = fusedGroups(
    operators.map((members) => groupAsNode(material.nodes, members)),
    extended.graph!,
  ).map((group) => group.flatMap((at) => operators[at]!).sort((a, b) => a - b));
  const operator = buildGraph('operator', operators, material);
  const fused = buildGraph('fused', kernels, material);
  const totals = {
    macs: operator.units.reduce((sum, unit) => sum + unit.macs, 0),
    flops: operator.units.reduce((sum, unit) => sum + unit.flops, 0),
    parameters,
    weightBytes: distinctWeights(nodes).reduce((sum, weight) => sum + weight.bytes, 0),
  };
  return { analysis: { operator, fused, totals, warnings: warningsOf(nodes) }, basic: bytes };
}

function warningsOf(nodes: readonly CostedNode[]): string[] {
  const uncounted = [...new Set(nodes.flatMap((node) => node.uncounted))];
  const idle = nodes.filter(({ bodies }) => bodies?.bytesRead === 0 && bodies.bytesWritten === 0);
  return [
    ...(uncounted.length > 0
      ? [`The work of ${uncounted.join(', ')} is not known: one operation per output element is counted.`]
      : []),
    ...idle.map(
      ({ opType, name }) => `${opType} "${name}" does not run its body on these inputs, which counts nothing.`,
    ),
  ];
}

interface Runnable {
  readonly parameters: number;
  readonly bytes: Uint8Array;
  readonly model: ModelProto;
  /** The same graph in float32 where the model is in half precision: what ONNX Runtime fuses. */
  readonly twin: Uint8Array;
  readonly measured: Map<string, Measured>;
  readonly bodies: BodiesOf;
}

/**
 * The basic-level model, measured. Input shapes are written into the file first, so that what depends on them folds. A
 * model may not stand that: the branches of an If can suit different shapes, and ONNX Runtime checks both when it knows
 * the shape. Then the dimensions stay free.
 */
async function runnable(request: AnalysisRequest): Promise<Runnable> {
  const { inputs, label } = request;
  const model = request.read();
  const parameters = countParameters(model.graph!);
  dropOverridableDefaults(model);
  writeShapes(model.graph!, inputs);
  try {
    return { parameters, ...(await optimiseAndMeasure(model, request)) };
  } catch (error) {
    if (error instanceof InputError) throw error;
    if (/(Shape|Type)InferenceError/.test((error as Error).message)) {
      const free = request.read();
      dropOverridableDefaults(free);
      freeDimensions(free.graph!);
      try {
        return { parameters, ...(await optimiseAndMeasure(free, request)) };
      } catch {
        // The first refusal names the mismatch; the second only where it struck.
      }
    }
    throw refusal(error, model, label);
  }
}

async function optimiseAndMeasure(
  model: ModelProto,
  { inputs, given, heldBytes }: AnalysisRequest,
): Promise<Omit<Runnable, 'parameters'>> {
  const { bytes, basic, twin } = await optimised(model);
  const { zeroPoints } = quantisationOf(basic.graph!);
  const runs = measurementRuns(inputs, given);
  const measured = await measure(basic, runs, { zeroPoints, budgetBytes: heldBytes });
  return { bytes, twin, model: basic, measured, bodies: await measureBodies(basic, runs[0]!) };
}

/** Two samples at least: two seeded runs, or one where the batch holds more, or where the user gave the inputs. */
function measurementRuns(inputs: readonly ModelInput[], given: Feeds): Feeds[] {
  const batch = inputs.find((input) => input.shape.length > 0)?.shape[0] ?? 1;
  const runs = Object.keys(given).length > 0 || batch > 1 ? 1 : 2;
  return Array.from({ length: runs }, (_, seed) => ({ ...seededFeeds(inputs, seed), ...given }));
}

/**
 * Before IR version 4 every initialiser is also an input whose value a caller may override, so ONNX Runtime folds
 * nothing that depends on one. Nobody overrides weights here.
 */
function dropOverridableDefaults(model: ModelProto): void {
  const graph = model.graph!;
  const initialised = new Set(graph.initializer.map((tensor) => tensor.name));
  graph.input = graph.input.filter((input) => !initialised.has(input.name));
  if (model.irVersion < 4n) model.irVersion = 4n;
}
