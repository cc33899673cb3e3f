// Reads the files of NVIDIA's trtexec: times of layers (--exportProfile), the nodes of the ONNX file that each layer runs
// (--exportLayerInfo with --profilingVerbosity=detailed) and times of whole inferences (--exportTimes).
import { z } from 'zod';
import { InputError } from '../../base/errors/input-error.js';
import { readJson } from '../../base/files/json.js';
import { median } from '../../base/statistics/quantile.js';
import { asPublished } from './table.js';

/** The first entry counts the iterations; TensorRT before 8.2 gives no median. */
export const trtexecProfile = z.array(
  z.union([
    z.object({ count: z.number() }),
    z.object({
      name: z.string(),
      averageMs: z.number().nonnegative(),
      medianMs: z.number().nonnegative().optional(),
    }),
  ]),
);
/** What a layer reads or writes: `Row major linear FP16`, in newer versions `Half`. */
const trtexecTensors = z.array(z.looseObject({ 'Format/Datatype': z.string().optional() }));
/** Layers are plain names unless the engine was built with detailed verbosity. */
export const trtexecLayers = z.object({
  Layers: z.array(
    z.union([
      z.string(),
      z.looseObject({ Name: z.string(), Metadata: z.string().optional(), Outputs: trtexecTensors.optional() }),
    ]),
  ),
});
/** `latencyMs` holds the copies of inputs and outputs, `computeMs` does not. */
export const trtexecTimes = z.array(
  z.looseObject({ latencyMs: z.number().nonnegative(), computeMs: z.number().nonnegative().optional() }),
);

export interface TrtexecFiles {
  readonly profile: z.infer<typeof trtexecProfile>;
  readonly layers?: z.infer<typeof trtexecLayers> | undefined;
  readonly times?: z.infer<typeof trtexecTimes> | undefined;
}

export interface TrtLayer {
  readonly name: string;
  /** Median where it is given, else the mean. */
  readonly ms: number;
  /** ONNX nodes that it runs, by TensorRT's own metadata; null if there is none. */
  readonly nodes: readonly string[] | null;
}

export interface TrtNetwork {
  readonly layers: readonly TrtLayer[];
  /** Median, without the copies in and out where the file lists them separately; null without --exportTimes. */
  readonly wholeMs: number | null;
  /** Times that each layer was measured; null where the file does not say. */
  readonly runs: number | null;
  /** Of what layers write; null without detailed --exportLayerInfo. */
  readonly precision: 'fp32' | 'fp16' | null;
}

/** @throws InputError when a file cannot be read or is not what trtexec exports. */
export function readTrtexec(profile: string, layers?: string, times?: string): TrtexecFiles {
  return {
    profile: readJson(profile, trtexecProfile, asPublished),
    layers: layers === undefined ? undefined : readJson(layers, trtexecLayers, asPublished),
    times: times === undefined ? undefined : readJson(times, trtexecTimes, asPublished),
  };
}

/** @throws InputError when the profile has no layers. */
export function trtNetwork({ profile, layers, times }: TrtexecFiles): TrtNetwork {
  const described = new Map(
    (layers?.Layers ?? []).flatMap((layer) =>
      typeof layer === 'object'
        ? [[layer.Name, [...(layer.Metadata ?? '').matchAll(onnxLayer)].map((m) => m[1]!)]]
        : [],
    ) as [string, string[]][],
  );
  const found = profile.flatMap((entry) => {
    if (!('name' in entry)) return [];
    const nodes = described.get(entry.name) ?? [];
    return [{ name: entry.name, ms: entry.medianMs ?? entry.averageMs, nodes: nodes.length > 0 ? nodes : null }];
  });
  if (found.length === 0)
    throw new InputError('trtexec: the profile has no layers.', 'Give the file of --exportProfile.');
  return {
    layers: found,
    wholeMs: times && times.length > 0 ? median(times.map(({ computeMs, latencyMs }) => computeMs ?? latencyMs)) : null,
    runs: profile.flatMap((entry) => ('count' in entry ? [entry.count] : []))[0] ?? null,
    precision: precisionOf(layers),
  };
}

function precisionOf(layers: TrtexecFiles['layers']): TrtNetwork['precision'] {
  const types = (layers?.Layers ?? []).flatMap((layer) =>
    typeof layer === 'object' ? (layer.Outputs ?? []).flatMap((output) => output['Format/Datatype'] ?? []) : [],
  );
  if (types.length === 0) return null;
  return types.some((type) => /fp16|half/i.test(type)) ? 'fp16' : 'fp32';
}

/** The kind of a file that trtexec wrote, by its content, since users choose the names. Null for any other file. */
export function trtexecFileKind(path: string): 'profile' | 'layers' | 'times' | null {
  const content = readJson(path, z.unknown(), asPublished);
  if (isObject(content) && 'Layers' in content) return 'layers';
  if (!Array.isArray(content)) return null;
  const has = (key: string) => content.some((entry) => isObject(entry) && key in entry);
  return has('latencyMs') ? 'times' : has('averageMs') || has('count') ? 'profile' : null;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Metadata lists them one after the other: [ONNX Layer: /conv1/Conv]. */
const onnxLayer = /\[ONNX Layer: ([^\]]*)\]/g;

/** Copies into another layout or precision, which TensorRT puts between layers. */
export const isReformat = (name: string): boolean => /^Reformatting CopyNode|^(?:__mye\w*)?reformat/i.test(name);

/**
 * The names in a fused layer's name: two in `Conv_0 + PWN(Relu_1)`. Names may contain any character, so a `known` name is never
 * split. A name that stands for an unknown range, `{ForeignNode[A...B]}`, is not split either.
 */
export function layerParts(name: string, known: (name: string) => boolean): string[] {
  const text = name.trim();
  if (known(text)) return [text];
  const inner = /^PWN\((.*)\)$/s.exec(text)?.[1] ?? /^\{?ForeignNode\[(.*)\]\}?$/s.exec(text)?.[1];
  if (inner !== undefined && !inner.includes('...')) return layerParts(inner, known);
  const pieces = inner === undefined ? splitOutside(text) : [text];
  return pieces.length > 1 ? pieces.flatMap((piece) => layerParts(piece, known)) : [text];
}

/** At ` + `, ` || ` and `, ` outside of brackets. */
function splitOutside(text: string): string[] {
  const pieces: string[] = [];
  let [depth, from] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    if ('([{'.includes(text[at]!)) depth++;
    if (')]}'.includes(text[at]!)) depth--;
    const separator = depth === 0 ? [' + ', ' || ', ', '].find((each) => text.startsWith(each, at)) : undefined;
    if (separator === undefined) continue;
    pieces.push(text.slice(from, at));
    from = at + separator.length;
    at = from - 1;
  }
  return [...pieces, text.slice(from)];
}
