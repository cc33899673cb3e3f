// Finds units that a device computes wrongly: its provider has a kernel that gives other numbers. (ONNX Runtime 1.30 on
// WebGPU does so for grouped convolutions if the output channels of a group are not a multiple of four.) All units of the
// model run independently on the device, each on the inputs that the plain session computes for it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataType } from '../../../base/onnx/proto.js';
import { elementBytes } from '../../../base/onnx/tensor-data.js';
import { seededFeeds } from '../../../models/analysis/feeds.js';
import type { OperatorGraph, Unit } from '../../../models/graph.js';
import type { LoadedModel } from '../../../models/load.js';
import { unitsSideBySide, withOutputs } from '../../../models/parts/side-by-side.js';
import { openSliceSource } from '../../../models/parts/slice.js';
import { type DevicePair, parseDevice } from '../devices/device-pair.js';
import { sessionSettings } from '../devices/session-settings.js';
import type { PlainFeeds, PlainTensor } from '../plain-tensor.js';
import { SessionClient, type SessionHost } from '../session/client.js';
import type { OutputBytes } from '../session/protocol.js';
import { typedArray } from '../typed-array.js';
import { allowedDifference, tensorDifference } from './agreement.js';

/** Limit on tensors held at once: the units of a large model are compared in several groups. */
const budgetBytes = 2 ** 28;

export interface WrongUnit {
  readonly unit: number;
  readonly reason: string;
}

/**
 * The units of the operator graph, of those given, whose outputs on device 1 differ from a CPU's on the same inputs, or that
 * fail there by themselves.
 * @param host where sessions live
 * @throws Error with ONNX Runtime's message when a session fails without naming one of them
 */
export function wrongUnits(
  model: LoadedModel,
  pair: DevicePair,
  units: readonly number[],
  host: SessionHost,
): WrongUnit[] {
  const graph = model.graph('operator');
  const client = new SessionClient(host);
  try {
    return groupsOf(graph, units).flatMap((group) => compare(model, pair, group, client));
  } finally {
    client.close();
  }
}

function compare(
  model: LoadedModel,
  pair: DevicePair,
  units: readonly Unit[],
  client: SessionClient,
): readonly WrongUnit[] {
  const graph = model.graph('operator');
  const source = openSliceSource(model);
  const touched = [...new Set(units.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]))];
  const computed = touched.map((id) => graph.tensors[id]!).filter(({ producer }) => producer !== null);
  const run = (bytes: Uint8Array, settings: ReturnType<typeof sessionSettings>, feeds: PlainFeeds): OutputBytes => {
    const folder = mkdtempSync(join(tmpdir(), 'sparoa-units-'));
    try {
      const path = join(folder, 'model.onnx');
      writeFileSync(path, bytes);
      return client.ask<'reference'>({ op: 'reference', model: path, settings, feeds });
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const inputs = new Map<string, PlainTensor>();
  for (const [name, { type, data, dims }] of Object.entries(seededFeeds(model.inputs, 0)))
    inputs.set(name, { type, data, dims });
  const truth = run(
    withOutputs(source, graph, computed).bytes,
    sessionSettings(parseDevice('cpu:1')),
    Object.fromEntries(inputs),
  );
  const differing = (left: readonly Unit[]): WrongUnit[] => {
    const sideBySide = unitsSideBySide(
      source,
      graph,
      left.map(({ id }) => id),
    );
    const feeds = Object.fromEntries(
      sideBySide.inputs.map((name): [string, PlainTensor] => [
        name,
        inputs.get(name) ?? plainTensor(graph, name, truth),
      ]),
    );
    const made = run(sideBySide.bytes, sessionSettings(pair), feeds);
    return left.flatMap(({ id, outputs }) => {
      const names = outputs
        .map((tensor) => graph.tensors[tensor]!.name)
        .filter((name) => Object.hasOwn(made, sideBySide.outputOf(name)));
      const worst = Math.max(
        ...names.map((name) =>
          tensorDifference(truth[name]!, made[sideBySide.outputOf(name)]!.data, truth[name]!.data),
        ),
      );
      if (worst <= allowedDifference(graph, true)) return [];
      return [
        { unit: id, reason: `it computes other numbers there: they differ from the CPU's by ${worst} of the largest` },
      ];
    });
  };
  const failed: WrongUnit[] = [];
  let left = units;
  while (left.length > 0) {
    try {
      return [...failed, ...differing(left)];
    } catch (error) {
      // Within the whole model the provider may have run it in another shape or layout.
      const { message } = error as Error;
      const culprit = left.find(({ nodes }) => nodes.some((node) => message.includes(`'${node}'`)));
      if (!culprit) throw error;
      failed.push({ unit: culprit.id, reason: message });
      left = left.filter((unit) => unit !== culprit);
    }
  }
  return failed;
}

/** In the graph's order, as many to a group as fit the budget; without those whose tensors cannot be handed over. */
function groupsOf(graph: OperatorGraph, units: readonly number[]): Unit[][] {
  const groups: Unit[][] = [[]];
  let held = 0;
  for (const id of units) {
    const unit = graph.units[id]!;
    const tensors = [...unit.inputs, ...unit.outputs].map((tensor) => graph.tensors[tensor]!);
    if (tensors.some(({ type }) => elementBytes(elementType(type)) === 0)) continue;
    const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
    if (held + bytes > budgetBytes && groups.at(-1)!.length > 0) {
      groups.push([]);
      held = 0;
    }
    groups.at(-1)!.push(unit);
    held += bytes;
  }
  return groups.filter((group) => group.length > 0);
}

const elementType = (type: string): number =>
  DataType[type.toUpperCase() as keyof typeof DataType] ?? DataType.UNDEFINED;

function plainTensor(graph: OperatorGraph, name: string, values: OutputBytes): PlainTensor {
  const { type, data } = values[name]!;
  const { shape } = graph.tensors.find((tensor) => tensor.name === name)!;
  const { buffer } = new Uint8Array(data);
  return { type, data: typedArray(type, buffer, 0, data.byteLength), dims: shape };
}
