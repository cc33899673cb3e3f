// The numbers of one variant of a profile that fits stand on, in the program's units.

import { resolveProfile } from '../../../predictor/profiles/profile.js';
import type { Axes, ProfileFile } from '../../../predictor/profiles/profile-schema.js';

/** Ceiling of the GPU's arithmetic, FLOP/ms, and bandwidth, bytes/ms; axes that are not given take their first value. */
export function variantOf(file: ProfileFile, axes: Partial<Axes>): { ceiling: number; bytesPerMs: number } {
  const bare = structuredClone(file);
  bare.devices[1].efficiency = {};
  const chosen = Object.fromEntries(Object.entries(file.axes).map(([axis, values]) => [axis, values[0]]));
  const { devices } = resolveProfile(
    { file: bare, uri: () => '', axes: {}, overrides: new Map(), unsupported: [], member: null },
    { ...(chosen as Axes), ...axes },
  );
  return { ceiling: devices[1].flopPerMs.conv, bytesPerMs: devices[1].bytesPerMs };
}
