// The networks that `model://name` can name, and how a plug-in adds one.
import { InputError } from '../../base/errors/input-error.js';

export interface NetworkSettings {
  readonly name: string;
  readonly seed: number;
  /** Fraction of each Conv, Gemm and MatMul weight tensor that magnitude pruning sets to zero. */
  readonly sparsity: number;
}

/** A network by parameters: one input, "input" of [batch, 3, height, width] with a free batch. */
export interface ModelBuilderEntry {
  /** The network as the bytes of an ONNX file; the same for the same settings. */
  build(settings: NetworkSettings, width: number, height: number): Uint8Array;
  /** Pixels a side that its publication gives. */
  readonly size: number;
  /** Takes images that are not square. */
  readonly oblong?: boolean;
  /** Changes when it emits other nodes or weights for the same parameters: models in the cache are of one version. */
  readonly version?: number;
}

const entries = new Map<string, ModelBuilderEntry>();

/**
 * Makes `model://name` known.
 * @throws InputError when the name is taken, or is none of small letters, digits and hyphens: files in the cache bear it
 */
export function registerModelBuilder(name: string, entry: ModelBuilderEntry): void {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
    throw new InputError(`model builder "${name}" has no valid name.`, 'Use small letters, digits and hyphens.');
  if (entries.has(name)) throw new InputError(`model builder "${name}" is registered already.`, 'Choose another name.');
  entries.set(name, entry);
}

export const modelBuilder = (name: string): ModelBuilderEntry | undefined => entries.get(name);

/** Of all builders, those of plug-ins too. */
export const modelNames = (): string[] => [...entries.keys()];
