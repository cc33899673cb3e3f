// Which units the second device of lanes can run: the model runs unit by unit with all it can on that device, and what
// fails there, or would be moved to the CPU by ONNX Runtime, is taken off until the rest runs.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { InputError } from '../../../base/errors/input-error.js';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import { canonicalJson, contentHash } from '../../../base/files/hash.js';
import { cacheDirectory } from '../../../base/files/paths.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { Run } from '../../executor.js';
import { type DevicePair, formatDevicePair } from '../device-pair.js';

/** Units by id, with ONNX Runtime's reason. */
export type Unsupported = Readonly<Record<number, string>>;

/**
 * Units of the graph that device 1 cannot run; kept in the cache by model, devices and ONNX Runtime.
 * @param begin starts an execution unit by unit
 * @throws InputError when the model fails for another reason, which is named
 */
export function unsupportedUnits(
  graph: OperatorGraph,
  modelHash: string,
  pair: DevicePair,
  begin: () => Run,
): Unsupported {
  if (pair[1].kind === 'cpu') return {};
  const key = contentHash(
    canonicalJson({
      executor: 'lanes',
      graph: graph.hash,
      model: modelHash,
      pair: formatDevicePair(pair),
      onnxRuntime: ort.env.versions.node ?? '',
      driver: process.env.VK_ICD_FILENAMES ?? '',
    }),
  );
  const path = join(cacheDirectory(), 'unit-probes', `${key}.json`);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Unsupported;
  const unsupported = probe(graph, begin);
  writeFileAtomic(path, JSON.stringify(unsupported));
  return unsupported;
}

function probe(graph: OperatorGraph, begin: () => Run): Unsupported {
  const unsupported: Record<number, string> = {};
  for (let tried = 0; ; ) {
    const run = begin();
    // Units that have run on device 1 need not again.
    for (const { id, onlyOn } of graph.units) run.decide(id, onlyOn ?? Number(id >= tried && !(id in unsupported)));
    const result = run.finish();
    if (!('error' in result)) return unsupported;
    if (result.device !== 1 || result.unit === null || result.unit in unsupported) {
      throw new InputError(
        `lanes: the model does not run on this device pair: ${result.error}.`,
        'Run "sparoa-gym list devices", or choose another device pair.',
      );
    }
    unsupported[result.unit] = result.error;
    tried = result.unit + 1;
  }
}
