// What a kit left, as the types that the rest works with: unit measurements as `device profile` writes them, and the latencies of whole
// models and schedules, with which a simulation is compared.

import type { OperatorGraph } from '../../../models/graph.js';
import type { Spread } from '../../../predictor/tables/unit-times.js';
import type { ModelMeasurement } from '../profiling.js';
import type { KitMachine } from './manifest.js';

/** Median and quartiles, and the times themselves in the order in which they were measured. */
export interface KitTimes extends Spread {
  readonly samplesMs: readonly number[];
}

export interface KitModel {
  readonly uri: string;
  readonly modelHash: string;
  /** Units that only the CPU ran on the board are marked so. */
  readonly graph: OperatorGraph;
}

/** A copy between the devices. */
export interface KitMove extends KitTimes {
  readonly bytes: number;
  readonly to: 0 | 1;
}

/** A model in one session on one device, from inputs on the host to outputs on the host. */
export interface KitWhole extends KitTimes {
  readonly model: string;
  readonly graphHash: string;
  readonly device: 0 | 1;
  /** Mean power by rail in mW while it ran again and again; null on a board without rails. */
  readonly powerMw: Readonly<Record<string, number>> | null;
}

export interface KitSchedule extends KitTimes {
  readonly model: string;
  readonly graphHash: string;
  /**
   * `units`: unit by unit, each a session of its own, the sum of units and moves: what serial execution simulates.
   * `session`: one session of the whole model whose nodes are placed, as `deploy` writes it.
   */
  readonly mechanism: 'units' | 'session';
  /** Per unit. */
  readonly devices: readonly (0 | 1)[];
}

/** What `trtexec` said of a model; `importTrtexec` makes a profile of it. */
export interface KitTensorRt {
  readonly model: string;
  readonly version: string | null;
  /** `profile`, `layers` and `times`, as trtexec exported them. */
  readonly files: Readonly<Record<string, unknown>>;
}

/** Something that was not measured, or whose measurement is left out. */
export interface KitFailure {
  /** URI; null of what concerns no model. */
  readonly model: string | null;
  readonly what: string;
  readonly reason: string;
}

export interface KitReading {
  readonly machine: KitMachine;
  readonly models: readonly KitModel[];
  readonly unitMeasurements: readonly ModelMeasurement[];
  /** By size. */
  readonly moves: readonly KitMove[];
  readonly wholeModels: readonly KitWhole[];
  readonly schedules: readonly KitSchedule[];
  readonly tensorRt: readonly KitTensorRt[];
  readonly failures: readonly KitFailure[];
}
