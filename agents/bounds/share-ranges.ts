// Shares as bounds see them: ranges, each taken at its best. A range of one share stands for that share, and a bound over
// such ranges is one over exactly these shares; ranges that leave no gap make a bound over every share there is.
import type { OperatorGraph } from '../../models/graph.js';
import { fractionRead, fractionSlack } from '../../models/parts/channels.js';

/** Shares of device 1 from `from` to `to`; where they differ, a range without 0 and 1 themselves. */
export interface ShareRange {
  readonly from: number;
  readonly to: number;
}

const only = (share: number): ShareRange => ({ from: share, to: share });

/** Either device. */
export const wholeShares: readonly ShareRange[] = [only(0), only(1)];

/** `count` shares at equal distances, 0 and 1 among them, as schedules hold them (32-bit floats). */
export function evenShares(count: number): ShareRange[] {
  return Array.from({ length: count }, (_, level) => only(Math.fround(level / (count - 1))));
}

/** Every share: 0, 1, and all between them in `parts` ranges. */
export function everyShare(parts: number): ShareRange[] {
  const at = (part: number) => Math.fround(part / parts);
  const between = Array.from({ length: parts }, (_, part) => ({ from: at(part), to: at(part + 1) }));
  return [only(0), ...between, only(1)];
}

export const isOnly = ({ from, to }: ShareRange, share: number): boolean => from === share && to === share;

/** A share in the range for a schedule. */
export const shareIn = ({ from, to }: ShareRange): number => Math.fround((from + to) / 2);

/** The ranges that a unit may have: all if it can split, else the two ends, or one. */
export function rangesOf({ onlyOn, splitAxis }: OperatorGraph['units'][number], ranges: readonly ShareRange[]) {
  const ends = onlyOn === null ? wholeShares : [only(onlyOn)];
  return onlyOn === null && splitAxis !== null ? ranges : ends;
}

/** The least part of a unit that a device computes, its share being in the range; 0 only if the device has none of it. */
export const leastPart = ({ from, to }: ShareRange, device: 0 | 1): number => (device === 1 ? from : 1 - to);

/** Whether some of the unit is on the device. */
export const takesPart = (range: ShareRange, device: 0 | 1): boolean => !isOnly(range, 1 - device);

/** The least fraction of its input `tensor` that the unit needs on a device. */
export function leastRead(
  graph: OperatorGraph,
  unit: number,
  tensor: number,
  device: 0 | 1,
  range: ShareRange,
): number {
  return takesPart(range, device) ? fractionRead(graph, unit, tensor, device, leastPart(range, device)) : 0;
}

/** The most of a tensor that its producer leaves on a device. */
export const mostWritten = ({ from, to }: ShareRange, device: 0 | 1): number => (device === 1 ? to : 1 - from);

/** Fractions that count as one another when moves are decided: the lower of `level` and what is a slack above it. */
export function snapped(value: number, levels: readonly number[]): number {
  return levels.find((level) => value > level && value <= level + fractionSlack) ?? value;
}
