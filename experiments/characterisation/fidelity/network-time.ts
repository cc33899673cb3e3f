// The time of a whole network from the times of its parts: a GPU's parts leave out dispatch, which is a cost of each network
// and of each part, and what runs between them.
import { nonNegativeLeastSquares } from '../../../predictor/latency/least-squares.js';

export interface NetworkParts {
  /** How many parts, and the sum of their times in ms. */
  readonly parts: number;
  readonly sumMs: number;
}

export interface NetworkTime {
  readonly fixedMs: number;
  readonly msPerPart: number;
  /** What a ms of the parts adds. */
  readonly factor: number;
}

/** time = fixed + parts x msPerPart + factor x sum, non-negative, by least squares on relative errors of measured networks. */
export function fitNetworkTime(networks: readonly (NetworkParts & { readonly networkMs: number })[]): NetworkTime {
  const column = (value: (network: NetworkParts) => number) =>
    Float64Array.from(networks, (network) => value(network) / network.networkMs);
  const [fixedMs, msPerPart, factor] = nonNegativeLeastSquares(
    [column(() => 1), column(({ parts }) => parts), column(({ sumMs }) => sumMs)],
    new Float64Array(networks.length).fill(1),
  );
  return { fixedMs: fixedMs!, msPerPart: msPerPart!, factor: factor! };
}

export function networkMs({ fixedMs, msPerPart, factor }: NetworkTime, { parts, sumMs }: NetworkParts): number {
  return fixedMs + msPerPart * parts + factor * sumMs;
}
