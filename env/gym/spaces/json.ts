// Spaces as JSON, so that a client in another process knows them.
export type SpaceJson =
  /** Infinite bounds are the texts "Infinity" and "-Infinity". */
  | {
      readonly type: 'Box';
      readonly low: readonly (number | string)[];
      readonly high: readonly (number | string)[];
      readonly shape: readonly number[];
    }
  | { readonly type: 'Discrete'; readonly n: number; readonly start: number }
  | { readonly type: 'MultiDiscrete'; readonly counts: readonly number[] }
  | { readonly type: 'MultiBinary'; readonly n: number }
  | { readonly type: 'Dict'; readonly spaces: { readonly [name: string]: SpaceJson } }
  | { readonly type: 'Tuple'; readonly spaces: readonly SpaceJson[] };
