// Checks the options object of a public function: an unknown name is an error.
import { didYouMean, InputError } from './input-error.js';

/**
 * @param where whose options they are, for errors
 * @param known every name there is; a record, so that the compiler knows that none is forgotten
 * @throws InputError when the options hold another name
 */
export function checkOptions<Options extends object>(
  where: string,
  options: Options,
  known: Readonly<Record<keyof Options, true>>,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new InputError(`${where}: the options are ${JSON.stringify(options)}.`, 'Give an object.');
  const stray = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (stray !== undefined)
    throw new InputError(`${where}: there is no option "${stray}".`, didYouMean(stray, Object.keys(known)));
}
