// The numbers that decide which schedule wins, each as a dial: the same case with that number at another value.
import { formatUri, parseUri } from '../../base/files/uri.js';
import type { Quantity } from '../../base/units/quantity.js';
import type { Conditions } from '../../engine/conditions.js';
import type { Schedule } from '../../engine/schedule.js';
import { SerialKernel } from '../../engine/simulator/serial-kernel.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../../predictor/cost-table.js';
import { type DeviceProfile, resolveProfile } from '../../predictor/profiles/profile.js';
import { openProfile } from '../../predictor/profiles/profile-file.js';
import { type NumberKind, numberRules } from '../../predictor/profiles/profile-numbers.js';
import { type Case, caseOf } from './case.js';

export interface Lever {
  /** As a profile's URI names them; several turn together. None of a table. */
  readonly numbers: readonly string[];
  /** In words. */
  readonly label: string;
  /** `factor`: of measured times. Rates are per ms. */
  readonly unit: 'ms' | 'B/ms' | 'FLOP/ms' | 'factor';
  readonly present: number;
  readonly least: number;
  readonly most: number;
  at(value: number): Case;
  /** The profile with that value, to try it; null where there is no profile. */
  uriAt(value: number): string | null;
}

/** Of a profile: what turns, in words, and the numbers that turn together. */
const dials: readonly (readonly [label: string, kind: NumberKind, numbers: readonly string[]])[] = [
  ['launch on device 1', 'launch', ['device1.launch']],
  ['launch on device 0', 'launch', ['device0.launch']],
  ['wait for device 1', 'sync', ['sync']],
  ['fixed cost of a copy', 'latency', ['transfer0.latency', 'transfer1.latency']],
  ['bandwidth of copies', 'bandwidth', ['transfer0.bandwidth', 'transfer1.bandwidth']],
  ['arithmetic rate of device 0', 'compute', ['device0.compute']],
  ['arithmetic rate of device 1', 'compute', ['device1.compute']],
  ['memory bandwidth of device 0', 'bandwidth', ['device0.bandwidth']],
  ['memory bandwidth of device 1', 'bandwidth', ['device1.bandwidth']],
];

const units: Readonly<Partial<Record<Quantity, Lever['unit']>>> = {
  latencyMs: 'ms',
  bytesPerMs: 'B/ms',
  flopPerMs: 'FLOP/ms',
};

/** Of a device profile. Rates of a device whose kernels are all predicted are left out: no time depends on them. */
export function profileLevers(profile: DeviceProfile, graph: OperatorGraph, conditions: Conditions): Lever[] {
  const opened = openProfile(profile.uri);
  const amounts = new Map(profile.constants.map(({ name, amount }) => [name, amount]));
  const predicted = ([0, 1] as const).filter(
    (device) => profile.predictors[device] && profile.predictedClasses[device] === null,
  );
  return dials
    .filter(
      ([, , [first]]) =>
        !predicted.some((device) => /\.(compute|bandwidth)$/.test(first!) && first!.startsWith(`device${device}`)),
    )
    .map(([label, kind, numbers]) => {
      const own = numbers.map((name) => amounts.get(name)!);
      const present = Math.max(...own);
      const { quantity, least, most } = numberRules[kind];
      const unit = units[quantity]!;
      // Numbers that differ keep their proportion.
      const replaced = (value: number) =>
        numbers.map((name, i) => [name, `${present > 0 ? (own[i]! / present) * value : value} ${unit}`] as const);
      // The file is read once: a search tries hundreds of values.
      const at = (value: number): Case => {
        const overrides = new Map([...opened.overrides, ...replaced(value)]);
        const simulator = createSimulator(resolveProfile({ ...opened, overrides }, profile.axes));
        return caseOf(simulator, graph, simulator.costs(graph), conditions);
      };
      const uriAt = (value: number): string => withNumbers(profile.uri, replaced(value));
      return { numbers, label, unit, present, least, most, at, uriAt };
    });
}

/** The profile's URI with some numbers replaced. */
function withNumbers(uri: string, replaced: readonly (readonly [name: string, value: string])[]): string {
  const { scheme, name, parameters } = parseUri(uri);
  for (const [number, value] of replaced) parameters.set(number, value);
  return formatUri(scheme ?? 'file', name, parameters);
}

/** Of costs that are measured one by one: all times of a kind by a factor, in serial execution. */
export function factorLevers({ graph, costs, conditions }: Case): Lever[] {
  const lever = (label: string, scaled: (factor: number) => Partial<CostTable>): Lever => ({
    numbers: [],
    label,
    unit: 'factor',
    present: 1,
    least: 0,
    most: 1e3,
    at: (factor) => serialCase(graph, { ...costs, ...scaled(factor) }, conditions),
    uriAt: () => null,
  });
  const kernels = (device: 0 | 1) =>
    lever(`kernels of device ${device}`, (factor) => ({
      unitMs: (unit, on, share) => costs.unitMs(unit, on, share) * (on === device ? factor : 1),
    }));
  const copies = lever('copies', (factor) => ({
    transferMs: (tensor, to, fraction) => costs.transferMs(tensor, to, fraction) * factor,
  }));
  return [copies, kernels(0), kernels(1)];
}

function serialCase(graph: OperatorGraph, costs: CostTable, conditions: Conditions): Case {
  const kernel = new SerialKernel(graph, costs);
  const row = new Float64Array(kernel.rowLength);
  const latencyMs = ({ order, share }: Schedule): number => {
    kernel.reset(row);
    let clockMs = 0;
    for (const unit of order) clockMs = kernel.decide(row, unit, share[unit]!);
    return clockMs;
  };
  return { graph, costs, conditions, latencyMs };
}
