// Operator types that a scenario says device 1 cannot run, beyond what it really cannot: a mobile delegate's fallbacks
// (Parallax, arXiv 2512.11532) on other hardware. Part of the URI of a profile or of hardware, so results carry it.
import { InputError } from '../../base/errors/input-error.js';

/**
 * Reads `unsupported=LRN;Softmax`; sorted, each once.
 * @throws InputError when a name is no operator type
 */
export function unsupportedOf(parameters: URLSearchParams, uri: string): string[] {
  const value = parameters.get('unsupported');
  if (value === null) return [];
  const names = value.split(';');
  const wrong = names.find((name) => !/^\w+$/.test(name));
  if (wrong !== undefined)
    throw new InputError(
      `${uri}: unsupported: "${wrong}" is no operator type.`,
      'For example: unsupported=LRN;Softmax',
    );
  return [...new Set(names)].sort();
}

/** The same as the parameters of a canonical URI. */
export function unsupportedParameter(names: readonly string[]): [string, string][] {
  return names.length > 0 ? [['unsupported', names.join(';')]] : [];
}
