// YAML that somebody else wrote: small, shallow, and nothing but data.
import { CST, Parser, parseDocument } from 'yaml';
import { InputError } from '../errors/input-error.js';

/** No config comes near them; the reader of deep ones would run out of stack. */
const mostCharacters = 1e6;
const mostLevels = 64;

/**
 * The value of a YAML text. Aliases are followed up to a hundred times; keys are unique.
 * @param where how errors call the text
 * @throws InputError when it is no YAML, too long or too deep, or has tags, or a key `__proto__`
 */
export function parseYaml(text: string, where: string, remedy: string): unknown {
  const fail = (problem: string) => new InputError(`${where}: ${problem}.`, remedy);
  if (text.length > mostCharacters)
    throw fail(`has ${text.length} characters, and ${mostCharacters} are the most that is read`);
  if (isDeep(text)) throw fail(`is nested deeper than ${mostLevels} levels`);
  let value: unknown;
  let proto = false;
  try {
    const document = parseDocument(text);
    const [wrong] = [...document.errors, ...document.warnings];
    if (wrong) throw wrong;
    value = document.toJS({
      reviver: (key, inner) => {
        proto ||= key === '__proto__';
        return inner;
      },
    });
  } catch (error) {
    throw fail(`cannot be read as YAML: ${(error as Error).message.split('\n')[0]!.replace(/[:.]$/, '')}`);
  }
  if (proto) throw fail('has a key "__proto__", which no field is called');
  return value;
}

/** Whether collections stand in each other too deep. The parser of tokens takes any depth; it has no recursion. */
function isDeep(text: string): boolean {
  let open: CST.Token[] = [...new Parser().parse(text)];
  for (let level = 0; open.length > 0; level++) {
    if (level > mostLevels) return true;
    open = open.flatMap((token) => {
      if (token.type === 'document') return token.value ? [token.value] : [];
      if (!CST.isCollection(token)) return [];
      return token.items.flatMap(({ key, value }) =>
        [key, value].filter((each) => each !== null && each !== undefined),
      );
    });
  }
  return false;
}
