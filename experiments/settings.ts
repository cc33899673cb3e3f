// Fields of a config by their dotted paths, for `--set agent.gamma=0.95` and variants.
import { InputError } from '../base/errors/input-error.js';
import { parseYaml } from '../base/files/yaml.js';
import { own, put } from '../base/functions/own.js';

export type Fields = Record<string, unknown>;

const example = 'For example: --set agent.gamma=0.95';

/**
 * Sets fields by settings of the command line: `agent.gamma=0.95`; values are YAML.
 * @throws InputError when a setting is malformed, or a path is set twice
 */
export function applySettings(fields: Fields, settings: readonly string[]): void {
  const paths = settings.map((setting) => setting.split('=')[0]!);
  const twice = paths.find((path, at) => paths.indexOf(path) < at);
  if (twice !== undefined) throw new InputError(`--set ${twice}: is given twice.`, 'Set each field once.');
  for (const setting of settings) {
    const [path = '', ...rest] = setting.split('=');
    if (rest.length === 0 || path === '')
      throw new InputError(`--set ${setting}: is not of the form path=value.`, example);
    setField(fields, path, parseYaml(rest.join('='), `--set ${setting}`, example), `--set ${setting}`);
  }
}

/**
 * Sets a field by its dotted path; mappings on the way are made where there is nothing.
 * @throws InputError when something else than a mapping is on the way
 */
export function setField(fields: Fields, path: string, value: unknown, where: string): void {
  const keys = path.split('.');
  const last = keys.pop()!;
  let target = fields;
  for (const key of keys) {
    const inner = own(target, key) ?? {};
    if (typeof inner !== 'object' || Array.isArray(inner))
      throw new InputError(`${where}: "${key}" is not a mapping.`, example);
    put(target, key, inner as unknown);
    target = inner as Fields;
  }
  put(target, last, value);
}
