// Groups nodes into units. The work of a unit is the sum over its nodes, its traffic the tensors that cross its boundary. In the
// operator graph every group has one node.
import { type Granularity, makeGraph, type OperatorGraph, type TensorDraft, type Unit } from '../graph.js';
import type { Measured } from './measure.js';
import type { CostedNode, Weight } from './nodes.js';
import type { Split } from './operators.js';
import { quantisers } from './quantisation.js';

export interface GraphMaterial {
  readonly nodes: readonly CostedNode[];
  readonly measured: ReadonlyMap<string, Measured>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Builds the graph of `groups`, lists of node positions in topological order of the groups. */
export function buildGraph(
  granularity: Granularity,
  groups: readonly (readonly number[])[],
  { nodes, measured, inputs, outputs }: GraphMaterial,
): OperatorGraph {
  const groupOf = new Map<number, number>();
  groups.forEach((members, group) => {
    for (const member of members) groupOf.set(member, group);
  });
  const readers = new Map<string, number[]>();
  nodes.forEach((node, position) => {
    for (const name of node.reads) {
      const known = readers.get(name);
      if (known) known.push(position);
      else readers.set(name, [position]);
    }
  });
  const isOutput = new Set(outputs);
  const leaves = (name: string, group: number): boolean => {
    const users = readers.get(name) ?? [];
    return isOutput.has(name) || users.length === 0 || users.some((user) => groupOf.get(user) !== group);
  };

  const ids = new Map<string, number>();
  const drafts: TensorDraft[] = [];
  const declare = (name: string): number => {
    const { type = 'undefined', shape = [], bytes = 0 } = measured.get(name) ?? {};
    ids.set(name, drafts.length);
    return drafts.push({ name, type, shape, bytes, graphOutput: isOutput.has(name) }) - 1;
  };
  inputs.forEach(declare);
  const units = groups.map((positions, id): Unit => {
    const members = positions.map((position) => nodes[position]!);
    const inside = new Set(members.flatMap((member) => member.writes));
    const reads = unique(members.flatMap((member) => member.reads)).filter((name) => !inside.has(name));
    const writes = members.flatMap((member) => member.writes).filter((name) => leaves(name, id));
    return makeUnit(
      id,
      members,
      reads,
      writes,
      reads.map((name) => ids.get(name)!),
      writes.map(declare),
      measured,
    );
  });
  return makeGraph(granularity, units, drafts);
}

function makeUnit(
  id: number,
  members: readonly CostedNode[],
  reads: readonly string[],
  writes: readonly string[],
  inputs: readonly number[],
  outputs: readonly number[],
  measured: ReadonlyMap<string, Measured>,
): Unit {
  const sum = (pick: (member: CostedNode) => number): number =>
    members.reduce((total, member) => total + pick(member), 0);
  const bytesOf = (names: readonly string[]): number =>
    names.reduce((total, name) => total + (measured.get(name)?.bytes ?? 0), 0);
  const main = members.filter(({ opType }) => !quantisers.has(opType));
  const operators = main.length > 0 ? main : members;
  const heaviest = operators.reduce((best, member) => (member.flops > best.flops ? member : best));
  const weights = distinctWeights(members);
  const weightElements = weights.reduce((total, weight) => total + weight.elements, 0);
  const flops = operators.reduce((total, member) => total + member.flops, 0);
  const split = splitOfGroup(members);
  // Bodies read and write in every trip, and a branch that is not taken does not: the tensors of their node do not measure that.
  const passing = members.filter(({ bodies }) => bodies === null);
  const bytesRead =
    bytesOf(reads.filter((name) => passing.some((member) => member.reads.includes(name)))) +
    sum((member) => member.weightBytesRead + (member.bodies?.bytesRead ?? 0));
  const bytesWritten =
    bytesOf(writes.filter((name) => passing.some((member) => member.writes.includes(name)))) +
    sum((member) => member.bodies?.bytesWritten ?? 0);
  return {
    id,
    name: operators[0]!.name,
    opClass: heaviest.opClass,
    nodes: members.map((member) => member.name),
    opTypes: members.map((member) => member.opType),
    inputs,
    outputs,
    macs: sum((member) => member.macs),
    flops,
    bytesRead,
    bytesWritten,
    weightBytes: weights.reduce((total, weight) => total + weight.bytes, 0),
    intensity: bytesRead + bytesWritten > 0 ? flops / (bytesRead + bytesWritten) : 0,
    activationSparsity: activationSparsity(reads, measured),
    weightSparsity:
      weightElements > 0 ? weights.reduce((total, weight) => total + weight.zeros, 0) / weightElements : 0,
    splitAxis: split?.axis ?? null,
    channelReach: split?.reach ?? null,
    onlyOn: members.some((member) => member.onlyOn === 0) ? 0 : null,
  };
}

/** Each weight once, however many nodes read it. */
export function distinctWeights(nodes: readonly CostedNode[]): Weight[] {
  return [...new Map(nodes.flatMap((node) => node.weights).map((weight) => [weight.name, weight])).values()];
}

function activationSparsity(reads: readonly string[], measured: ReadonlyMap<string, Measured>): number | null {
  let zeros = 0;
  let count = 0;
  for (const name of reads) {
    const tensor = measured.get(name);
    if (!tensor || tensor.sparsity === null) continue;
    const size = tensor.shape.reduce((a, b) => a * b, 1);
    zeros += tensor.sparsity * size;
    count += size;
  }
  return count > 0 ? zeros / count : null;
}

/**
 * A group splits where its first node does, if all others work element by element on nothing but what the group
 * computes: then slicing the first node's weights slices everything after it.
 */
function splitOfGroup(members: readonly CostedNode[]): Split | null {
  const [first, ...others] = members;
  const computed = new Set(first!.writes);
  for (const member of others) {
    if (!member.elementwise || !member.reads.every((name) => computed.has(name))) return null;
    for (const name of member.writes) computed.add(name);
  }
  return first!.split;
}

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];
