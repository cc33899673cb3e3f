// Writes a schedule as a folder that runs without this package: the annotated model, the session option it needs, the
// placement with its reasons, and a short loader for each language.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../../base/errors/input-error.js';
import { makeFolder, writeFileAtomic } from '../../../base/files/atomic.js';
import { decodeModel, encodeModel } from '../../../base/onnx/proto.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { LoadedModel } from '../../../models/load.js';
import { type CostTable, wholeUnitMs } from '../../../predictor/cost-table.js';
import type { Trace } from '../../trace.js';
import { annotate, assignmentSettings, nodeDevices } from '../session/annotate.js';
import { loaderMjs, loaderPy } from './loaders.js';

export interface Deployment {
  readonly model: LoadedModel;
  readonly graph: OperatorGraph;
  /** A trace of the schedule to deploy; its latencies are the expected ones. */
  readonly trace: Trace;
  readonly costs: CostTable;
  readonly profileUri: string;
  /** Who made the schedule. */
  readonly scheduler: string;
  /** A caveat on its latencies. */
  readonly notes?: readonly string[];
}

const places = ['cpu', 'gpu'] as const;

/**
 * Writes `model.onnx`, `session-options.json`, `placement.json`, `load.mjs` and `load.py` into `folder`.
 * @returns the names of the files
 * @throws InputError when the schedule splits a unit, which one session cannot run
 */
export function deploy(folder: string, deployment: Deployment): string[] {
  const { model, graph, trace } = deployment;
  const { share } = trace.schedule;
  const split = graph.units.find(({ id }) => share[id]! > 0 && share[id]! < 1);
  if (split) {
    throw new InputError(
      `deploy: unit ${split.id} "${split.name}" is split between the devices, which one session cannot do.`,
      'Deploy a schedule whose shares are 0 or 1.',
    );
  }
  const deviceOf = (unit: number): 0 | 1 => (share[unit] === 1 ? 1 : 0);
  const proto = decodeModel(readFileSync(model.basicPath));
  annotate(proto, nodeDevices(graph, deviceOf));
  const files: Readonly<Record<string, string | Uint8Array>> = {
    'model.onnx': encodeModel(proto),
    'session-options.json': json({ 'session.layer_assignment_settings': assignmentSettings }),
    'placement.json': json(placement(deployment, deviceOf)),
    'load.mjs': loaderMjs,
    'load.py': loaderPy,
  };
  makeFolder(folder);
  for (const [name, content] of Object.entries(files)) writeFileAtomic(join(folder, name), content);
  return Object.keys(files);
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function placement(
  { model, graph, trace, costs, profileUri, scheduler, notes = [] }: Deployment,
  deviceOf: (u: number) => 0 | 1,
) {
  return {
    model: model.uri,
    modelHash: model.modelHash,
    granularity: graph.granularity,
    scheduler,
    profile: profileUri,
    profileHash: trace.profileHash,
    kind: trace.kind,
    latencyMs: trace.makespanMs,
    notes,
    inputs: model.inputs.map(({ name, shape }) => ({ name, shape })),
    units: graph.units.map(({ id, name, nodes }) => ({
      unit: id,
      name,
      nodes,
      device: places[deviceOf(id)],
      latencyMs: wholeUnitMs(costs, id, deviceOf(id)),
      why: reason(graph, costs, id, deviceOf),
    })),
  };
}

/** Explains a unit's device by its costs: its own times, and the transfers that it saves by staying with its neighbours. */
function reason(graph: OperatorGraph, costs: CostTable, id: number, deviceOf: (unit: number) => 0 | 1): string {
  const unit = graph.units[id]!;
  const here = deviceOf(id);
  const there = here === 0 ? 1 : 0;
  if (unit.onlyOn !== null) return `only the ${places[unit.onlyOn]} can run it`;
  const hereMs = wholeUnitMs(costs, id, here);
  const thereMs = wholeUnitMs(costs, id, there);
  const times = `${ms(hereMs)} against ${ms(thereMs)} on the ${places[there]}`;
  if (hereMs <= thereMs) return `at least as fast here: ${times}`;
  const savedMs = movesSavedMs(graph, costs, id, deviceOf);
  return savedMs > hereMs - thereMs
    ? `slower here (${times}), but moving it alone would move ${ms(savedMs)} of tensors that are here`
    : `slower here (${times}); the scheduler's choice`;
}

/** Transfers that would be needed if the unit alone changed its device: of inputs made here, of outputs read here. */
function movesSavedMs(graph: OperatorGraph, costs: CostTable, id: number, deviceOf: (unit: number) => 0 | 1): number {
  const here = deviceOf(id);
  let total = 0;
  for (const tensor of graph.units[id]!.inputs) {
    const { producer } = graph.tensors[tensor]!;
    if ((producer === null ? 0 : deviceOf(producer)) === here) total += costs.transferMs(tensor, 1 - here);
  }
  for (const tensor of graph.units[id]!.outputs) {
    const { consumers, graphOutput } = graph.tensors[tensor]!;
    if (consumers.some((unit) => deviceOf(unit) === here) || (graphOutput && here === 0))
      total += costs.transferMs(tensor, here);
  }
  return total;
}

const ms = (value: number): string => (Number.isFinite(value) ? `${value.toPrecision(3)} ms` : 'no kernel');
