// Finds the units that the second device of lanes can run. The model runs unit by unit with all units on that device. Units
// that fail there, or that ONNX Runtime would move to the CPU, are taken off until the rest runs. Then units that compute
// other numbers than a CPU are taken off too.
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { InputError } from '../../../base/errors/input-error.js';
import { readCached, writeCached } from '../../../base/files/cache.js';
import { canonicalJson, contentHash } from '../../../base/files/hash.js';
import { cacheDirectory } from '../../../base/files/paths.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { LoadedModel } from '../../../models/load.js';
import type { Run } from '../../executor.js';
import { wrongUnits } from '../checks/wrong-units.js';
import { type DevicePair, formatDevicePair } from '../devices/device-pair.js';

/** Units by id, with ONNX Runtime's reason. */
export type Unsupported = Readonly<Record<number, string>>;

/**
 * Units of the graph that device 1 cannot run; kept in the cache by model, devices and ONNX Runtime.
 * @param begin starts an execution unit by unit
 * @throws InputError when the model fails for another reason, which is named
 */
export function unsupportedUnits(
  model: LoadedModel,
  graph: OperatorGraph,
  pair: DevicePair,
  begin: () => Run,
): Unsupported {
  if (pair[1].kind === 'cpu') return {};
  const key = contentHash(
    canonicalJson({
      executor: 'lanes',
      compared: true,
      graph: graph.hash,
      model: model.modelHash,
      pair: formatDevicePair(pair),
      onnxRuntime: ort.env.versions.node ?? '',
      driver: process.env.VK_ICD_FILENAMES ?? '',
    }),
  );
  const path = join(cacheDirectory(), 'unit-probes', `${key}.json`);
  const known = readCached<Unsupported>(path);
  if (known) return known;
  const unsupported: Record<number, string> = {};
  takeOffWhatFails(graph, begin, unsupported);
  const wrong = unitsComputedWrongly(model, graph, pair, unsupported);
  if (Object.keys(wrong).length > 0) takeOffWhatFails(graph, begin, Object.assign(unsupported, wrong));
  writeCached(path, unsupported);
  return unsupported;
}

/** Runs the graph with all units on device 1 that are not in `unsupported`, and adds those that fail there. */
function takeOffWhatFails(graph: OperatorGraph, begin: () => Run, unsupported: Record<number, string>): void {
  for (let tried = 0; ; ) {
    const run = begin();
    // Units that have run on device 1 need not again.
    for (const { id, onlyOn } of graph.units) run.decide(id, onlyOn ?? Number(id >= tried && !(id in unsupported)));
    const result = run.finish();
    // All units ran; that the outputs differ is no failure of one of them.
    if (!('error' in result) || result.device === null) return;
    if (result.device === 0 || result.unit === null || result.unit in unsupported) {
      throw new InputError(
        `lanes: the model does not run on this device pair: ${result.error}.`,
        'Run "sparoa-gym list devices", or choose another device pair.',
      );
    }
    unsupported[result.unit] = result.error;
    tried = result.unit + 1;
  }
}

/** A unit of `graph` computes wrongly when one of its operators does. */
function unitsComputedWrongly(
  model: LoadedModel,
  graph: OperatorGraph,
  pair: DevicePair,
  unsupported: Unsupported,
): Record<number, string> {
  const unitOf = new Map(graph.units.flatMap(({ id, nodes }) => nodes.map((node) => [node, id] as const)));
  const operators = model.graph('operator').units;
  const unitWith = ({ nodes }: (typeof operators)[number]): number => unitOf.get(nodes[0]!)!;
  const candidates = operators.filter((unit) => unit.onlyOn === null && !(unitWith(unit) in unsupported));
  const wrong = wrongUnits(
    model,
    pair,
    candidates.map(({ id }) => id),
    'node',
  );
  return Object.fromEntries(wrong.map(({ unit, reason }) => [unitWith(operators[unit]!), reason]));
}
