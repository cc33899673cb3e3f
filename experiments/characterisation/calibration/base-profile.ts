// The profile that a calibration refines: one variant of it gives whatever was not measured, each number with its source.
import { InputError } from '../../../base/errors/input-error.js';
import { matches } from '../../../predictor/profiles/number-reader.js';
import { openProfile } from '../../../predictor/profiles/profile-file.js';
import type { Axes, Cases, ProfileFile } from '../../../predictor/profiles/profile-schema.js';
import { fusedVariants } from '../fused-variants.js';

export interface BaseProfile {
  /** Every axis given. */
  readonly uri: string;
  readonly axes: Axes;
  /** With the cases of this variant alone, which no longer name axes. */
  readonly file: ProfileFile;
}

/**
 * The first variant of fused units that agrees with the URI.
 * @throws InputError when there is none, or the URI replaces numbers
 */
export function readBaseProfile(uri: string): BaseProfile {
  const { file, overrides, unsupported, member } = openProfile(uri);
  if (overrides.size > 0 || unsupported.length > 0 || member !== null)
    throw new InputError(
      `calibrate: --refine ${uri} changes numbers of the profile.`,
      'Give a variant by its axes alone: what is refined stands in the new profile with its source.',
    );
  const [chosen] = fusedVariants(uri, 'calibrate: --refine');
  return { uri: chosen.uri, axes: chosen.axes, file: variantAlone(file, chosen.axes) };
}

function variantAlone(file: ProfileFile, axes: Axes): ProfileFile {
  const alone = (cases: Cases): Cases =>
    cases.filter(({ when }) => matches(when, axes)).map(({ when: _, ...sourced }) => sourced);
  const [to0, to1] = file.transfer.map(({ latency, bandwidth }) => ({
    latency: alone(latency),
    bandwidth: alone(bandwidth),
  })) as [ProfileFile['transfer'][0], ProfileFile['transfer'][1]];
  const [device0, device1] = file.devices.map((device) => ({
    ...device,
    compute: alone(device.compute),
    bandwidth: alone(device.bandwidth),
    efficiency: Object.fromEntries(
      Object.entries(device.efficiency).map(([opClass, cases]) => [opClass, alone(cases)]),
    ),
    launch: alone(device.launch),
  })) as [ProfileFile['devices'][0], ProfileFile['devices'][1]];
  return {
    ...file,
    axes: { mode: [axes.mode], precision: [axes.precision], launch: [axes.launch], transfer: [axes.transfer] },
    devices: [device0, device1],
    sync: alone(file.sync),
    transfer: [to0, to1],
    ...(file.shared && { shared: { cores: alone(file.shared.cores), bandwidth: alone(file.shared.bandwidth) } }),
    ...(file.power && {
      power: {
        idle: alone(file.power.idle),
        device0: alone(file.power.device0),
        device1: alone(file.power.device1),
        moving: alone(file.power.moving),
      },
    }),
    predictors: (file.predictors ?? [])
      .filter(({ when }) => matches(when, axes))
      .map(({ when: _, ...predictor }) => predictor),
  };
}
