// Short names of models and profiles, for tables and figures: a URI is exact, and too long to read forty times.

interface Parts {
  readonly base: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Parameters that a reader wants to see even where they are the same everywhere. */
const alwaysShown = ['batch', 'mode', 'precision', 'launch', 'transfer'] as const;

/** Their values speak for themselves; other parameters are written as `name value`. */
const bareValues: readonly string[] = ['mode', 'precision', 'launch', 'transfer'];

/**
 * A short name for each URI, unique among those given: the last part of the path, batch and variant, and whatever else
 * differs between two of them; the URI itself if even that is not unique.
 */
export function shortNames(uris: Iterable<string>): Map<string, string> {
  const distinct = [...new Set(uris)];
  const parts = new Map(distinct.map((uri) => [uri, partsOf(uri)]));
  const valuesOf = (base: string, name: string) =>
    new Set([...parts.values()].filter((other) => other.base === base).map((other) => other.parameters.get(name)));
  const names = new Map(
    distinct.map((uri) => {
      const { base, parameters } = parts.get(uri)!;
      const varying = [...parameters.keys()]
        .filter((name) => !alwaysShown.some((shown) => shown === name) && valuesOf(base, name).size > 1)
        .sort();
      const shown = [...alwaysShown.filter((name) => parameters.has(name)), ...varying];
      const words = shown.map((name) =>
        bareValues.includes(name) ? parameters.get(name)! : `${name} ${parameters.get(name)}`,
      );
      return [uri, [base, ...words].join(' · ')] as const;
    }),
  );
  const count = new Map<string, number>();
  for (const name of names.values()) count.set(name, (count.get(name) ?? 0) + 1);
  return new Map([...names].map(([uri, name]) => [uri, count.get(name) === 1 ? name : uri]));
}

/** The name of one URI by itself. */
export function shortName(uri: string): string {
  return shortNames([uri]).get(uri)!;
}

/** The URI without its parameters, by its last part: the model or the board. */
export function baseName(uri: string): string {
  return partsOf(uri).base;
}

/** A parameter of the URI, or null. */
export function parameterOf(uri: string, name: string): string | null {
  return partsOf(uri).parameters.get(name) ?? null;
}

function partsOf(uri: string): Parts {
  const [path, query = ''] = uri.split('?', 2) as [string, string?];
  const segments = path.replace(/^[a-z]+:\/\//, '').split('/');
  // random-dag/17 is a family and its member, ncnn/rk3588 a board as one program drove it; of a file only its own name matters.
  const base = /^(generator|profile):/.test(uri)
    ? segments.join('/')
    : decodeURIComponent(segments.at(-1)!).replace(/\.(onnx|param)$/, '');
  const parameters = [...new URLSearchParams(query)].map(([name, value]) => [name, printable(value)] as const);
  return { base: printable(base), parameters: new Map(parameters) };
}

/** Control characters break lines and drawings: no XML holds them. */
const printable = (text: string): string => text.replaceAll(/[\p{Cc}\ufffe\uffff]/gu, '\ufffd');
