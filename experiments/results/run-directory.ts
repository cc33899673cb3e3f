// The directory that a run leaves: what was run, how it was asked for, and where.

import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../../base/files/atomic.js';
import { describeSystem } from './system.js';

/** Makes the directory where there is none and writes what a run knows when it begins; gives a writer of further JSON files. */
export function openRunDirectory(
  directory: string,
  config: unknown,
  command: string,
): (name: string, value: unknown) => void {
  makeFolder(directory);
  const json = (name: string, value: unknown) =>
    writeFileAtomic(join(directory, name), `${JSON.stringify(value, null, 2)}\n`);
  json('config.json', config);
  writeFileAtomic(join(directory, 'command.txt'), `${command}\n`);
  json('system.json', describeSystem());
  return json;
}
