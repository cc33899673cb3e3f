// A model that a kit measured, in the form that `device profile` writes.
import { fitMoves } from '../../../engine/runtime/measuring/measured-costs.js';
import { spreadOf } from '../../../engine/runtime/measuring/spread.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { ModelMeasurement } from '../profiling.js';
import { checkIndex, checkUnits } from './checks.js';
import type { SessionKernels } from './kernels.js';
import type { KitEntry, KitMachine, KitStage } from './manifest.js';

/** What the archive holds of a model, beside times of its units. */
export interface MeasuredModel {
  readonly entry: KitEntry;
  /** With the devices that each unit ran on. */
  readonly graph: OperatorGraph;
  readonly within: readonly SessionKernels[];
  /** On either device, ms; null where it did not run. */
  readonly wholeMs: readonly [number | null, number | null];
}

/**
 * @param gym version of the gym that wrote the kit
 * @param where names the stage in errors
 * @throws InputError when the stage is of another model
 */
export function kitUnitMeasurement(
  { entry: { uri, modelHash }, graph, within, wholeMs }: MeasuredModel,
  { rounds, warmUpRounds, unitMs, moves }: KitStage<'units'>,
  { key, date, platform, python, onnxRuntime, cpu, cores, vectorExtension }: KitMachine,
  gym: string,
  where: string,
): ModelMeasurement {
  checkUnits(unitMs.length, graph, `${where}.unitMs: has`);
  const moveMs = graph.tensors.map((): [number[], number[]] => [[], []]);
  for (const { tensor, to, ms } of moves) {
    checkIndex(tensor, graph.tensors, `${where}.moves: tensor`);
    moveMs[tensor]![to].push(...ms);
  }
  const devices = [0, 1] as const;
  return {
    version: 1,
    kind: 'measured',
    date,
    system: {
      version: gym,
      platform,
      node: `Python ${python}`,
      onnxRuntime,
      cpu,
      cores,
      vectorExtension,
      lockfileHash: null,
    },
    model: uri,
    modelHash,
    graphHash: graph.hash,
    granularity: graph.granularity,
    devices: key.devices,
    rounds,
    warmUpRounds,
    units: graph.units.flatMap(({ id }) =>
      devices.map((device) => ({ unit: id, device, lane: spreadOf(unitMs[id]![device]) })),
    ),
    kernels: within.flatMap(({ kernels }) => kernels),
    reorders: within.flatMap(({ reorders }) => reorders),
    moves: graph.tensors.flatMap(({ id, bytes }) =>
      devices.flatMap((to) => {
        const spread = spreadOf(moveMs[id]![to]);
        return spread ? [{ tensor: id, to, bytes, ...spread }] : [];
      }),
    ),
    fittedMoves: fitMoves(graph, moveMs),
    wholeMs,
    segments: [],
    handover: null,
  };
}
