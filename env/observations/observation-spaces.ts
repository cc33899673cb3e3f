// Observations by name, as in `observation: ['units', 'residency']`. A selection is composed once, so blocks that are not
// selected cost nothing at a step.
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { deviceRatios } from './device-block.js';
import { graphBlock } from './graph-block.js';
import { history } from './history-block.js';
import { InputMoves } from './input-moves.js';
import { HardwareLoad, progress, UnitMoves, UnitWindow, unitClass, unitFeatures, unitRows } from './observation.js';
import { Observation, type ObservationBlock } from './observation-block.js';
import { Residency } from './residency-block.js';
import { boardState } from './state-block.js';

/** The properties of a named observation or reward. */
export interface SpaceFlags {
  readonly summary: string;
  /** Whether the same actions after a reset give the same values, on hardware too. */
  readonly deterministic: boolean;
  /** Whether values differ on another device pair. */
  readonly platformDependent: boolean;
}

export interface ObservationProblem {
  readonly graph: OperatorGraph;
  readonly costs: CostTable;
  /** Latency of the better single device. */
  readonly referenceMs: number;
  /** How many units after the current one are described. */
  readonly lookahead: number;
}

/** Values that several blocks share, computed once. */
class Parts {
  #moves: InputMoves | null = null;
  #rows: Float64Array | null = null;

  constructor(readonly problem: ObservationProblem) {}

  /** A typical unit's time: the unit of differences between devices. */
  get scaleMs(): number {
    return typicalUnitMs(this.problem);
  }

  get moves(): InputMoves {
    const { graph, costs, referenceMs } = this.problem;
    return (this.#moves ??= new InputMoves(graph, costs, this.scaleMs, referenceMs));
  }

  get rows(): Float64Array {
    const { graph, costs, referenceMs } = this.problem;
    return (this.#rows ??= unitRows(graph, costs, this.scaleMs, referenceMs));
  }
}

interface ObservationSpace extends SpaceFlags {
  readonly block: (parts: Parts) => ObservationBlock;
}

export const observationSpaces = {
  units: {
    summary: 'the unit and the next `lookahead`: costs, FLOPs, intensity, sparsity, and what moves would cost',
    deterministic: true,
    platformDependent: true,
    block: ({ problem: { graph, lookahead }, rows, moves }) => new UnitWindow(graph, rows, moves, lookahead),
  },
  class: {
    summary: "the unit's class, one-hot",
    deterministic: true,
    platformDependent: false,
    block: ({ problem }) => unitClass(problem.graph),
  },
  moves: {
    summary: "what moving the unit's inputs to each device would cost",
    deterministic: true,
    platformDependent: true,
    block: ({ problem, moves }) => new UnitMoves(problem.graph.units.length, moves),
  },
  hardware: {
    summary: 'clock and busy times so far',
    deterministic: false,
    platformDependent: true,
    block: ({ problem }) => new HardwareLoad(problem.referenceMs),
  },
  progress: {
    summary: 'which unit it is, as a fraction and a positional code',
    deterministic: true,
    platformDependent: false,
    block: ({ problem }) => progress(problem.graph.units.length),
  },
  residency: {
    summary: 'where every live tensor lies; with `progress`, Markov in serial execution',
    deterministic: true,
    platformDependent: false,
    block: ({ problem }) => new Residency(problem.graph),
  },
  device: {
    summary: 'the device pair as ratios free of scale, for transfer across boards',
    deterministic: true,
    platformDependent: true,
    block: ({ problem: { graph, costs } }) => deviceRatios(graph, costs),
  },
  graph: {
    summary: "edges and unit features in a reset's info.graph; the unit's place in it",
    deterministic: true,
    platformDependent: true,
    block: ({ problem: { graph, costs }, rows, scaleMs }) => graphBlock(graph, costs, rows, unitFeatures, scaleMs),
  },
  history: {
    summary: 'shares and times of the last four units',
    deterministic: false,
    platformDependent: true,
    block: () => history,
  },
  state: {
    summary:
      "what the board's sensors report: load, clocks and power mode of both devices, temperatures, memory in use",
    deterministic: false,
    platformDependent: true,
    block: () => boardState,
  },
} as const satisfies Readonly<Record<string, ObservationSpace>>;
export type ObservationName = keyof typeof observationSpaces;

const names = Object.keys(observationSpaces) as ObservationName[];

/** The default observation of SparOA/Share-v0. */
export const defaultObservation: readonly ObservationName[] = ['units', 'class', 'moves', 'hardware', 'progress'];

/**
 * The columns of each name, in the order given.
 * @throws InputError when a name is unknown or given twice, none is given, or the model has too many live tensors
 */
export function shareObservation(
  problem: ObservationProblem,
  selected: readonly ObservationName[] = defaultObservation,
): Observation {
  if (selected.length === 0)
    throw new InputError('observation: the list is empty.', `Choose among ${names.join(', ')}.`);
  for (const [i, name] of selected.entries()) {
    if (!names.includes(name)) throw new InputError(`observation: "${name}" is unknown.`, didYouMean(name, names));
    if (selected.indexOf(name) < i)
      throw new InputError(`observation: "${name}" is given twice.`, 'Name each of them once.');
  }
  const parts = new Parts(problem);
  return new Observation(
    problem.graph.units.length,
    selected.map((name) => observationSpaces[name].block(parts)),
  );
}

/** A typical unit's time on the better single device. */
export function typicalUnitMs({ graph, referenceMs }: Pick<ObservationProblem, 'graph' | 'referenceMs'>): number {
  return referenceMs / graph.units.length;
}
