// Checks that every unit ran where the schedule put it. ONNX Runtime silently moves a node to the CPU if a provider has no
// kernel for it, so the profile of the compiled plan is checked. Each kernel is also assigned to the units that it ran.
import type { OperatorGraph } from '../../../models/graph.js';
import type { ExecutionError } from '../../executor.js';
import type { Kernel } from './profile.js';

/** The names of one graph's units in ONNX Runtime's optimised graph. */
export interface UnitNames {
  readonly graph: OperatorGraph;
  /** Unit by the name of a node. */
  readonly byNode: ReadonlyMap<string, number>;
  /** Unit by the name of a tensor it writes: blocked convolutions are called `<output tensor>_nchwc`. */
  readonly byOutput: ReadonlyMap<string, number>;
  /** Per unit, the units that ONNX Runtime's extended optimisation puts into the same kernel, itself included. */
  readonly partners: readonly (readonly number[])[];
}

/** @param fused the same model at the granularity `fused` */
export function unitNames(graph: OperatorGraph, fused: OperatorGraph): UnitNames {
  const byNode = new Map(graph.units.flatMap(({ id, nodes }) => nodes.map((node) => [node, id] as const)));
  const partners: number[][] = graph.units.map(({ id }) => [id]);
  for (const { nodes } of fused.units) {
    const group = [...new Set(nodes.flatMap((node) => byNode.get(node) ?? []))];
    for (const unit of group) partners[unit] = group;
  }
  const byOutput = new Map(
    graph.tensors.flatMap(({ name, producer }) => (producer === null ? [] : [[name, producer] as const])),
  );
  return { graph, byNode, byOutput, partners };
}

/** Suffixes of names that ONNX Runtime generates; they are removed one by one. */
const suffix = /_(token_\d+|nchwc|[A-Za-z]+ExecutionProvider)$/;

/** The unit that a kernel is named after, or null for the copies and layout changes that ONNX Runtime adds. */
export function unitOfKernel(names: UnitNames, { node, opType }: Pick<Kernel, 'node' | 'opType'>): number | null {
  if (/^Memcpy|^Reorder(Input|Output)$/.test(opType)) return null;
  let name = node;
  for (;;) {
    const unit = names.byNode.get(name) ?? names.byOutput.get(name);
    if (unit !== undefined) return unit;
    const shorter = name.replace(suffix, '');
    if (shorter === name) return null;
    name = shorter;
  }
}

export interface Attestation {
  /** Per kernel, the units it ran; none for copies and layout changes. */
  readonly unitsOf: readonly (readonly number[])[];
}

/**
 * Units of the kernel that a change of layout serves: of the next one, which reads the blocks, or of the last one, whose
 * output goes back to the plain layout; none where there is no other kernel.
 */
export function servedUnits(
  kernels: readonly Pick<Kernel, 'opType'>[],
  unitsOf: readonly (readonly number[])[],
  index: number,
): readonly number[] {
  const some = (units: readonly number[]): boolean => units.length > 0;
  const next = kernels[index]!.opType === 'ReorderInput' ? unitsOf.slice(index).find(some) : undefined;
  return next ?? unitsOf.slice(0, index).findLast(some) ?? [];
}

/** Units whose kernels ran on another device than they should. */
export function misplaced(
  names: UnitNames,
  kernels: readonly Kernel[],
  deviceOf: (unit: number) => 0 | 1,
): { unit: number; ranOn: 0 | 1 }[] {
  return kernels.flatMap((kernel) => {
    const unit = unitOfKernel(names, kernel);
    return unit !== null && kernel.device !== deviceOf(unit) ? [{ unit, ranOn: kernel.device }] : [];
  });
}

/**
 * Books kernels to units and checks their devices.
 * @param deviceOf where each unit should run
 * @returns an ExecutionError naming unit and device when one ran elsewhere or cannot be found in the profile
 */
export function attest(
  names: UnitNames,
  kernels: readonly Kernel[],
  deviceOf: (unit: number) => 0 | 1,
): Attestation | ExecutionError {
  const { graph } = names;
  const wrong = misplaced(names, kernels, deviceOf)[0];
  if (wrong) {
    const { unit, ranOn } = wrong;
    return {
      error: `unit ${unit} "${graph.units[unit]!.name}" was placed on device ${deviceOf(unit)} but ONNX Runtime ran it on device ${ranOn}: the provider has no kernel for it.`,
      unit,
      device: deviceOf(unit),
    };
  }
  const unitsOf: number[][] = kernels.map(() => []);
  /** Per unit, the kernel that ran it last. */
  const kernelOf = new Map<number, number>();
  for (const [index, kernel] of kernels.entries()) {
    const unit = unitOfKernel(names, kernel);
    if (unit === null) continue;
    unitsOf[index]!.push(unit);
    kernelOf.set(unit, index);
  }
  const sameDevice = (unit: number) => (other: number) => kernelOf.has(other) && deviceOf(other) === deviceOf(unit);
  const attach = (unit: number, candidates: readonly number[], pick: 'first' | 'last') => {
    const found = candidates.filter(sameDevice(unit)).map((other) => kernelOf.get(other)!);
    if (found.length === 0) return;
    const index = pick === 'last' ? Math.max(...found) : Math.min(...found);
    unitsOf[index]!.push(unit);
    kernelOf.set(unit, index);
  };
  const missing = () => graph.units.filter(({ id }) => !kernelOf.has(id));
  // A unit without a kernel of its own was fused: into the kernel of its group, else (a sum or an activation at the end
  // of a blocked convolution) into the one before it, else into the one after it.
  for (const { id } of missing()) attach(id, names.partners[id]!, 'last');
  for (const { id, inputs } of missing()) {
    attach(
      id,
      inputs.flatMap((tensor) => graph.tensors[tensor]!.producer ?? []),
      'last',
    );
  }
  for (const { id, outputs } of missing().reverse()) {
    attach(
      id,
      outputs.flatMap((tensor) => graph.tensors[tensor]!.consumers),
      'first',
    );
  }
  const lost = missing()[0];
  if (lost) {
    return {
      error: `unit ${lost.id} "${lost.name}" (${lost.opTypes.join('+')}) cannot be found in ONNX Runtime's profile, so that it ran on device ${deviceOf(lost.id)} is not certain.`,
      unit: lost.id,
      device: deviceOf(lost.id),
    };
  }
  return { unitsOf: unitsOf.map((units) => units.sort((a, b) => a - b)) };
}
