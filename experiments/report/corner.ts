// The variants of a profile that stand for no system: launches one by one, as eager frameworks have them, beside tensors
// that both devices read in place, as none of these offers. They are computed because headroom is largest there.
import { loadProfile } from '../../predictor/profiles/profile.js';
import { parameterOf } from './figures/labels.js';

export const cornerNote =
  'launch=eager with transfer=direct stands for no system: no framework that we know of offers it';

/** @param profile a profile's URI, or what else results name in its place */
export function isCorner(profile: string): boolean {
  const of = (name: string) => parameterOf(profile, name);
  const [launch, transfer] = [of('launch'), of('transfer')];
  if (launch !== null && transfer !== null) return launch === 'eager' && transfer === 'direct';
  if (!/^(profile|file):\/\//.test(profile)) return false;
  const { axes } = loadProfile(profile);
  return axes.launch === 'eager' && axes.transfer === 'direct';
}
