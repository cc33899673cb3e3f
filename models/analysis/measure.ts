// Shapes, types and activation sparsity, measured and not inferred: the model runs with every intermediate tensor
// exposed as an output, and its zeros are counted. Values that cannot be graph outputs (a sequence, an optional) are not
// measured, and have no shape.
import { DataType, encodeModel, type ModelProto, makeValueInfo } from '../../base/onnx/proto.js';
import { type InferenceSession, openSession, type Tensor } from '../../base/onnx/session.js';
import { elementBytes } from '../../base/onnx/tensor-data.js';
import type { Feeds } from './feeds.js';
import { elements } from './operators.js';
import { countEqual, countHalfZeros, countZeros } from './zeros.js';

export interface Measured {
  /** As ONNX names it: float, int64, ... */
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Fraction of zeros over all runs; null for other than floating-point numbers and integers that stand for some. */
  readonly sparsity: number | null;
}

/** What may be held at once: exposed tensors live until the end of a run, so a large model is measured in several. */
const defaultBudgetBytes = 2 ** 30;

export interface MeasureOptions {
  readonly budgetBytes?: number | undefined;
  /** By quantised tensor, the integer that stands for zero. */
  readonly zeroPoints?: ReadonlyMap<string, number>;
}

/** Measures every tensor of `model`, whose outputs become all of its tensors. Throws ONNX Runtime's own error. */
export async function measure(
  model: ModelProto,
  runs: readonly Feeds[],
  { budgetBytes = defaultBudgetBytes, zeroPoints = new Map() }: MeasureOptions = {},
): Promise<Map<string, Measured>> {
  const tallies = new Map<string, Tally>();
  const add = (name: string, tensor: Tensor): void => tally(tallies, name, tensor, zeroPoints.get(name));
  for (const feeds of runs) for (const [name, tensor] of Object.entries(feeds)) add(name, tensor);
  const names = [
    ...new Set([...model.graph!.node.flatMap((n) => n.output), ...model.graph!.output.map((o) => o.name)]),
  ];
  const exposable = names.filter((name) => name !== '' && !tallies.has(name));
  const whole = await exposeTensors(model, exposable);
  const parts = partition(whole, budgetBytes);
  if (parts.length > 1) await whole.release();
  for (const part of parts) {
    const session = parts.length === 1 ? whole : await exposeTensors(model, part);
    for (const feeds of runs) {
      const outputs = await session.run(feeds, part);
      for (const name of part) {
        add(name, outputs[name]!);
        outputs[name]!.dispose();
      }
    }
    await session.release();
  }
  return new Map(
    [...tallies].map(([name, { zeros, count, ...rest }]) => [
      name,
      { ...rest, sparsity: zeros !== null && count > 0 ? zeros / count : null },
    ]),
  );
}

/** A session on the part of the model that leads to `names`, all of them outputs. */
export async function exposeTensors(model: ModelProto, names: readonly string[]): Promise<InferenceSession> {
  const graph = model.graph!;
  const declared = graph.output;
  const nodes = graph.node;
  const wanted = new Set(names);
  graph.node = nodes.slice(0, 1 + nodes.findLastIndex((node) => node.output.some((name) => wanted.has(name))));
  // Without a type: ONNX Runtime infers it.
  graph.output = names.map((name) => {
    const value = declared.find((output) => output.name === name) ?? makeValueInfo(name, DataType.UNDEFINED);
    if (!declared.includes(value)) delete value.type;
    return value;
  });
  try {
    return await openSession(encodeModel(model), { level: 'disabled' });
  } finally {
    graph.output = declared;
    graph.node = nodes;
  }
}

/** The session's tensor outputs, in parts that fit the budget by the sizes that ONNX Runtime inferred. */
function partition(session: InferenceSession, budgetBytes: number): string[][] {
  const parts: string[][] = [[]];
  let held = 0;
  for (const value of session.outputMetadata) {
    if (!value.isTensor) continue;
    const bytes = elements(value.shape.map((dim) => (typeof dim === 'number' ? dim : 1))) * 4;
    if (held + bytes > budgetBytes && held > 0) {
      parts.push([]);
      held = 0;
    }
    parts.at(-1)!.push(value.name);
    held += bytes;
  }
  return parts;
}

interface Tally {
  type: string;
  shape: readonly number[];
  bytes: number;
  zeros: number | null;
  count: number;
}

function tally(tallies: Map<string, Tally>, name: string, tensor: Tensor, zeroPoint: number | undefined): void {
  const zeros = zerosOf(tensor, zeroPoint);
  const earlier = tallies.get(name);
  if (earlier) {
    earlier.zeros = earlier.zeros === null || zeros === null ? null : earlier.zeros + zeros;
    earlier.count += tensor.size;
    return;
  }
  tallies.set(name, { ...extentOf(tensor), zeros, count: tensor.size });
}

/** Type and size of a tensor. */
export function extentOf({ type: ortType, dims, size }: Tensor): Pick<Measured, 'type' | 'shape' | 'bytes'> {
  const type = onnxTypeNames[ortType] ?? ortType;
  const dataType = DataType[type.toUpperCase() as keyof typeof DataType] ?? DataType.UNDEFINED;
  return { type, shape: [...dims], bytes: size * elementBytes(dataType) };
}

const onnxTypeNames: Readonly<Record<string, string>> = { float32: 'float', float64: 'double' };

function zerosOf(tensor: Tensor, zeroPoint: number | undefined): number | null {
  if (tensor.type === 'float32' || tensor.type === 'float64')
    return countZeros(tensor.data as Float32Array | Float64Array);
  if (tensor.type !== 'float16')
    return zeroPoint === undefined ? null : countEqual(tensor.data as ArrayLike<number>, zeroPoint);
  // Node 20 has no Float16Array, and ONNX Runtime gives the bits; later versions give numbers.
  const half = tensor.data as Uint16Array | ArrayLike<number>;
  return half instanceof Uint16Array ? countHalfZeros(half) : countZeros(half);
}
