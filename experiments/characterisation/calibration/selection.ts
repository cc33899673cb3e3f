// Which models a calibration measures, and in which order: each time the one whose units fill most of what has not been
// measured yet for the time that they take. So a calibration that is cut short knows the widest spread that its time allows.

import type { OperatorGraph } from '../../../models/graph.js';
import { rowFeatures, unitFeatureRows, unitFeatures } from '../../../predictor/features/unit-features.js';

/** What can be measured next. */
export interface Candidate {
  readonly uri: string;
  readonly graph: OperatorGraph;
}

/** As many models are looked at for each that is taken: looking costs seconds. */
export const windowSize = 6;

/** A class that nothing measured has yet is worth as much as so many other configurations. */
const newClassWorth = 40;

/**
 * What measuring costs, roughly, for weighing only: FLOP for each ms (some forty executions on a CPU core), ms of a unit (its
 * sessions, and a plan for each round) and of a model. Seen on two cores of an x86-64 server.
 */
const cost = { flopPerMs: 2.5e6, unitMs: 60, modelMs: 2500 } as const;

/**
 * Units with the same key resemble each other: class, operator and number of inputs equal, kernels, channels and pixels
 * within a factor of about 1.4.
 */
export function configurationKeys(graph: OperatorGraph): string[] {
  const rows = unitFeatureRows(graph);
  const at = (unit: number, name: (typeof unitFeatures)[number]): number =>
    rows[unit * unitFeatures.length + rowFeatures.indexOf(name)]!;
  return graph.units.map(({ id, opClass }) => {
    const sizes = (['window', 'channels', 'pixels', 'inputChannels', 'inputPixels'] as const).map((name) =>
      Math.round(2 * Math.log2(1 + at(id, name))),
    );
    return [opClass, at(id, 'operator'), at(id, 'inputs'), ...sizes].join('/');
  });
}

/** Position of the candidate to measure next; ties go to the first. `measured` holds the keys there are. */
export function nextCandidate(candidates: readonly Candidate[], measured: ReadonlySet<string>): number {
  const classes = new Set([...measured].map(classOfKey));
  let best = 0;
  let bestWorth = Number.NEGATIVE_INFINITY;
  candidates.forEach(({ graph }, position) => {
    const fresh = [...new Set(configurationKeys(graph))].filter((key) => !measured.has(key));
    const newClasses = [...new Set(fresh.map(classOfKey))].filter((each) => !classes.has(each)).length;
    const flops = graph.units.reduce((sum, unit) => sum + unit.flops, 0);
    const costMs = cost.modelMs + cost.unitMs * graph.units.length + flops / cost.flopPerMs;
    const worth = (fresh.length + newClassWorth * newClasses) / costMs;
    if (worth > bestWorth) [best, bestWorth] = [position, worth];
  });
  return best;
}

const classOfKey = (key: string): string => key.slice(0, key.indexOf('/'));
