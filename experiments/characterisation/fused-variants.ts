// The variants of a device profile that measured units can be compared with.
import { InputError } from '../../base/errors/input-error.js';
import { hardwareGranularity } from '../../engine/scenario.js';
import { type DeviceProfile, loadProfile, profileVariants } from '../../predictor/profiles/profile.js';

/**
 * Those of fused units that agree with the URI, at least one: operators launched one by one are not what is measured.
 * @param asking what names the URI, for the error: `calibrate: --refine`
 * @throws InputError when there is none
 */
export function fusedVariants(uri: string, asking: string): readonly [DeviceProfile, ...DeviceProfile[]] {
  const [first, ...rest] = profileVariants(uri)
    .map((variant) => loadProfile(variant))
    .filter(({ granularity }) => granularity === hardwareGranularity);
  if (first) return [first, ...rest];
  throw new InputError(
    `${asking} ${uri} launches operators one by one, and measured units are fused ones.`,
    'Choose launch=graph or launch=runtime.',
  );
}
