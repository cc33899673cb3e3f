// The messages between a vector of environments and its worker threads; steps go through shared memory.
import type { MessagePort } from 'node:worker_threads';
import type { Info } from '../env.js';
import type { EnvSpec } from '../registry.js';
import type { SpaceJson } from '../spaces/json.js';
import type { VectorMemory } from './shared-memory.js';
import type { AutoresetMode } from './vector-env.js';

export interface WorkerStart {
  readonly spec: EnvSpec;
  readonly autoreset: AutoresetMode;
  /** URLs of modules that register what the spec names. */
  readonly modules: readonly string[];
  readonly worker: number;
  /** Environments of this worker: `rows` from the one at `from`. */
  readonly from: number;
  readonly rows: number;
  readonly port: MessagePort;
}

/** A failure as it goes through a message. */
export interface Failure {
  readonly message: string;
  /** Whether it was an InputError. */
  readonly input: boolean;
}

/** The worker's first word. */
export type Made = { readonly spaces: { readonly observation: SpaceJson; readonly action: SpaceJson } } | Failure;

export type Request =
  | { readonly kind: 'memory'; readonly memory: VectorMemory }
  | { readonly kind: 'reset'; readonly seeds: readonly number[] | null; readonly only: Uint8Array | null }
  | { readonly kind: 'close' };

/** A successful step without infos sends no message. */
export type Reply = { readonly infos: readonly Info[]; readonly finalInfos: readonly (Info | null)[] } | Failure;
