// The directory of a run: its config, its command and its machine.

import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../../base/files/atomic.js';
import { describeSystem } from './system.js';

/** Makes the directory and writes the files that are known at the start; returns a writer for further JSON files. */
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
