// Train and test sets for studies of generalisation: by model family, by device, by both. They are committed as data, so
// that two papers mean the same by "unseen"; a split that changes gets another name.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { packageRoot } from '../../base/files/paths.js';

const sideSchema = z.strictObject({ families: z.array(z.string()).min(1), devices: z.array(z.string()).min(1) });
const fileSchema = z.strictObject({
  families: z.record(z.string(), z.array(z.string()).min(1)),
  devices: z.record(z.string(), z.array(z.string()).min(1)),
  splits: z.record(
    z.string(),
    z.strictObject({
      by: z.enum(['family', 'device', 'both']),
      summary: z.string(),
      train: sideSchema,
      test: sideSchema,
    }),
  ),
});

/** What one side of a split holds: `make` takes the models, `DomainRandomisation` the profiles. */
export interface SplitSide {
  readonly families: readonly string[];
  readonly devices: readonly string[];
  /** URIs of the families' models. */
  readonly models: readonly string[];
  /** URIs of the devices' profiles. */
  readonly profiles: readonly string[];
}

export interface Split {
  readonly name: string;
  /** What the two sides do not share. */
  readonly by: 'family' | 'device' | 'both';
  readonly summary: string;
  readonly train: SplitSide;
  readonly test: SplitSide;
}

function read(): z.infer<typeof fileSchema> {
  const path = join(packageRoot, 'env', 'randomisation', 'splits', 'splits.json');
  return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
}

/** Names of the splits that ship. */
export function splitNames(): string[] {
  return Object.keys(read().splits);
}

/** @throws InputError when there is no split of that name */
export function loadSplit(name: string): Split {
  const { families, devices, splits } = read();
  const found = Object.hasOwn(splits, name) ? splits[name] : undefined;
  if (!found) throw new InputError(`split "${name}" is unknown.`, didYouMean(name, Object.keys(splits)));
  const side = (given: z.infer<typeof sideSchema>): SplitSide => ({
    ...given,
    models: given.families.flatMap((family) => families[family]!),
    profiles: given.devices.flatMap((device) => devices[device]!),
  });
  return { name, by: found.by, summary: found.summary, train: side(found.train), test: side(found.test) };
}
