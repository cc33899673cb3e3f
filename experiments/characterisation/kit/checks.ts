// Whether the files of a kit's archive belong together: what no schema of one of them can say.
import { InputError } from '../../../base/errors/input-error.js';
import { makeGraph, type OperatorGraph } from '../../../models/graph.js';

/** What to do about an archive whose files do not belong together. */
export const asWritten = 'Give the archive as kit.py wrote it.';

/** @throws InputError when units and tensors make no graph, or the graph's hash is not that of its content */
export function checkGraph({ granularity, hash, units, tensors }: OperatorGraph, where: string): void {
  const drafts = tensors.map(({ id: _, producer: __, consumers: ___, ...draft }) => draft);
  let actual: string;
  try {
    actual = makeGraph(granularity, units, drafts).hash;
  } catch (error) {
    throw new InputError(`${where}: is no graph: ${(error as Error).message}.`, asWritten);
  }
  if (actual !== hash)
    throw new InputError(
      `${where}: the graph's hash is ${hash}, but its content has ${actual}.`,
      'Give the archive as kit.py wrote it: its manifest was changed or damaged.',
    );
}

/** @throws InputError when the index is not one of the list's */
export function checkIndex(index: number, list: readonly unknown[], what: string): void {
  if (index >= list.length) throw new InputError(`${what} is ${index}, but the model has ${list.length}.`, asWritten);
}

/** @throws InputError when there are not as many as the model has units; `what` says what has how many */
export function checkUnits(count: number, { units }: OperatorGraph, what: string): void {
  if (count !== units.length)
    throw new InputError(`${what} ${count} units, but the model has ${units.length}.`, asWritten);
}
