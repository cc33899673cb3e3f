// Finds the units that the second device can run, and the time of each there. The whole model is placed on that device.
// Units that ONNX Runtime moves to the CPU by itself, that fail, or whose outputs differ from the CPU's are taken off,
// until the rest runs as placed. The result is cached, because finding it takes as long as compiling the model a few times.
import { join } from 'node:path';
import { InputError } from '../../../base/errors/input-error.js';
import { readCached, writeCached } from '../../../base/files/cache.js';
import { canonicalJson, contentHash } from '../../../base/files/hash.js';
import { cacheDirectory } from '../../../base/files/paths.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { LoadedModel } from '../../../models/load.js';
import { wrongUnits } from '../checks/wrong-units.js';
import { type DevicePair, formatDevicePair } from '../devices/device-pair.js';
import { attest, misplaced, type UnitNames, unitNames } from './attest.js';
import type { SessionHost } from './client.js';
import type { PlanStore } from './plans.js';

export interface UnitProbe {
  /** Units of the operator graph that device 1 cannot run, with ONNX Runtime's reason. */
  readonly unsupported: Readonly<Record<number, string>>;
  /** Per unit of the operator graph, ms on device 0 and 1 when the whole model runs there; a kernel's time stands at its last unit. */
  readonly unitMs: readonly (readonly [number, number])[];
}

/**
 * @param host where the sessions live: other builds of ONNX Runtime have other kernels
 * @throws InputError when the device runs nothing at all of the model, with ONNX Runtime's reason
 */
export function probeUnits(model: LoadedModel, pair: DevicePair, plans: PlanStore, host: SessionHost): UnitProbe {
  const graph = model.graph('operator');
  const key = contentHash(
    canonicalJson({
      compared: true,
      graph: graph.hash,
      model: model.modelHash,
      pair: formatDevicePair(pair),
      host,
      onnxRuntime: plans.runtime,
      driver: process.env.VK_ICD_FILENAMES ?? '',
    }),
  );
  const path = join(cacheDirectory(), 'unit-probes', `${key}.json`);
  const known = readCached<UnitProbe>(path);
  if (known) return known;
  const names = unitNames(graph, model.graph('fused'));
  const onCpu = unitTimes(names, plans, () => 0);
  const unsupported: Record<number, string> = {};
  const deviceOf = (unit: number): 0 | 1 => (unit in unsupported || graph.units[unit]!.onlyOn === 0 ? 0 : 1);
  if (pair[1].kind === 'gpu') {
    while (!placeRest(graph, names, plans, deviceOf, unsupported));
    const there = graph.units.map(({ id }) => id).filter((unit) => deviceOf(unit) === 1);
    const wrong = wrongUnits(model, pair, there, host);
    for (const { unit, reason } of wrong) unsupported[unit] = reason;
    if (wrong.length > 0) while (!placeRest(graph, names, plans, deviceOf, unsupported));
  }
  const onOther = unitTimes(names, plans, deviceOf);
  const probe = { unsupported, unitMs: onCpu.map((ms, unit) => [ms, onOther[unit]!] as const) };
  writeCached(path, probe);
  return probe;
}

/** Tries the units that are left on device 1; adds those that do not run there to `unsupported` and says whether none did. */
function placeRest(
  graph: OperatorGraph,
  names: UnitNames,
  plans: PlanStore,
  deviceOf: (unit: number) => 0 | 1,
  unsupported: Record<number, string>,
): boolean {
  let wrong: { unit: number; reason: string }[];
  try {
    const { profile } = plans.compile(graph, deviceOf);
    wrong = misplaced(names, profile.kernels, deviceOf).map(({ unit }) => ({
      unit,
      reason: 'the provider has no kernel for it',
    }));
  } catch (error) {
    const { message } = error as Error;
    const unit = unitNamedIn(message, names, deviceOf);
    if (unit === null) {
      throw new InputError(
        `session: the model does not run on device 1: ${message}`,
        'Run "sparoa-gym list devices", or choose another device pair.',
      );
    }
    wrong = [{ unit, reason: message }];
  }
  for (const { unit, reason } of wrong) unsupported[unit] = reason;
  return wrong.length === 0;
}

/** The unit on device 1 whose node ONNX Runtime's message names: the longest name that occurs in it. */
function unitNamedIn(message: string, { byNode }: UnitNames, deviceOf: (unit: number) => 0 | 1): number | null {
  const found = [...byNode].filter(([name, unit]) => deviceOf(unit) === 1 && message.includes(`'${name}'`));
  found.sort(([a], [b]) => b.length - a.length);
  return found[0]?.[1] ?? null;
}

function unitTimes(names: UnitNames, plans: PlanStore, deviceOf: (unit: number) => 0 | 1): number[] {
  const { kernels } = plans.compile(names.graph, deviceOf).profile;
  const ms = names.graph.units.map(() => 0);
  const booked = attest(names, kernels, kernels.every(({ device }) => device === 0) ? () => 0 : deviceOf);
  if ('error' in booked) return ms;
  kernels.forEach(({ startMs, endMs, deviceMs }, index) => {
    const last = booked.unitsOf[index]!.at(-1);
    if (last !== undefined) ms[last]! += deviceMs ?? endMs - startMs;
  });
  return ms;
}
