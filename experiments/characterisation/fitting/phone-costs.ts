// What whole networks on a phone determine of a processor's cost: a launch, the rates of dense and depthwise convolutions, and on
// the GPU the memory's.
import { nonNegativeLeastSquares } from '../../../predictor/latency/least-squares.js';
import type { PhoneOperator } from '../../../predictor/measurements/phones.js';

/** An operator in half precision, on the GPU and, in its storage, in these profiles. */
const bytesPerElement = 2;

/** Work of one operator, or of a network, by what it costs. */
export interface Work {
  readonly operators: number;
  readonly conv: number;
  readonly depthwise: number;
  /** Of operators that memory bounds: those without arithmetic, and matrix products, which read each weight for one image. */
  readonly bytes: number;
}

const parts = ['operators', 'conv', 'depthwise', 'bytes'] as const;
export type Costs = Readonly<Record<(typeof parts)[number], number>>;

function workOf({ operation, flops, inputSize, inputChannels, outputSize, outputChannels }: PhoneOperator): Work {
  const none: Work = { operators: 1, conv: 0, depthwise: 0, bytes: 0 };
  switch (operation) {
    case 'CONV_2D':
    case 'CONV_2D_GROUP':
      return { ...none, conv: flops };
    case 'DEPTHWISE_CONV_2D':
      return { ...none, depthwise: flops };
    case 'FULLY_CONNECTED':
      return { ...none, bytes: bytesPerElement * (flops / 2) };
    case 'MAX_POOL_2D':
    case 'AVERAGE_POOL_2D':
    case 'MEAN':
    case 'CONCATENATION': {
      const output = outputSize ** 2 * outputChannels;
      // All that a concatenation joins is as large as what it writes.
      const input = operation === 'CONCATENATION' ? output : inputSize ** 2 * inputChannels;
      return { ...none, bytes: bytesPerElement * (input + output) };
    }
    default:
      return operation satisfies never;
  }
}

/** The work of each network. */
export function workByModel(operators: readonly PhoneOperator[]): Map<string, Work> {
  const works = new Map<string, Work>();
  for (const operator of operators) {
    const own = workOf(operator);
    const before = works.get(operator.model) ?? { operators: 0, conv: 0, depthwise: 0, bytes: 0 };
    works.set(
      operator.model,
      Object.fromEntries(parts.map((part) => [part, before[part] + own[part]])) as unknown as Work,
    );
  }
  return works;
}

export const costOf = (work: Work, costs: Costs): number =>
  parts.reduce((sum, part) => sum + work[part] * costs[part], 0);

/** A network's work and its time, ms. */
export interface WorkSample {
  readonly work: Work;
  readonly ms: number;
}

/** What the networks do not determine. */
export interface KnownCosts {
  readonly msPerByte?: number;
  /** Of a network, whatever is in it. */
  readonly fixedMs?: number;
}

/**
 * ms of each operator, FLOP and byte, by non-negative least squares on relative errors of whole networks. Where depthwise
 * convolutions come out faster a FLOP than dense ones, which no processor makes them, both get one rate.
 */
export function fitCosts(samples: readonly WorkSample[], { msPerByte, fixedMs = 0 }: KnownCosts): Costs {
  const solve = (columns: readonly ((work: Work) => number)[]) =>
    nonNegativeLeastSquares(
      columns.map((column) => Float64Array.from(samples, ({ work, ms }) => column(work) / ms)),
      Float64Array.from(samples, ({ work, ms }) => 1 - (work.bytes * (msPerByte ?? 0) + fixedMs) / ms),
    );
  const memory = msPerByte === undefined ? [(work: Work) => work.bytes] : [];
  const [operators, conv, depthwise, bytes = msPerByte!] = solve([
    (work) => work.operators,
    (work) => work.conv,
    (work) => work.depthwise,
    ...memory,
  ]) as [number, number, number, number?];
  if (depthwise >= conv) return { operators, conv, depthwise, bytes };
  const [each, flop, byte = msPerByte!] = solve([
    (work) => work.operators,
    (work) => work.conv + work.depthwise,
    ...memory,
  ]) as [number, number, number?];
  return { operators: each, conv: flop, depthwise: flop, bytes: byte };
}
