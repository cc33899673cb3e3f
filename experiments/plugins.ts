// Plug-ins: modules that register environments, tasks, learners, baselines, model builders or profiles when they are
// loaded. Jobs, workers and servers load the same ones as the run that started them.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InputError } from '../base/errors/input-error.js';
import { contentHash } from '../base/files/hash.js';

export interface Plugin {
  /** Absolute. */
  readonly path: string;
  /** Of the file. */
  readonly hash: string;
}

/** Plug-ins by the paths of their modules. @throws InputError when there is no such file */
export function pluginsAt(paths: readonly string[]): Plugin[] {
  return paths.map((given) => {
    const path = resolve(given);
    if (!existsSync(path))
      throw new InputError(`plugin ${given}: there is no such file.`, 'Give the path of a JavaScript module.');
    return { path: realpathSync(path), hash: contentHash(readFileSync(path)) };
  });
}

/**
 * Loads plug-ins, each once in this process.
 * @throws InputError when a module is missing, or fails when it is loaded
 */
export async function loadPlugins(paths: readonly string[]): Promise<void> {
  for (const { path } of pluginsAt(paths)) {
    try {
      await import(pathToFileURL(path).href);
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw new InputError(
        `plugin ${path}: cannot be loaded: ${(error as Error).message.split('\n')[0]}.`,
        'Give a JavaScript module that registers what it adds.',
      );
    }
  }
}
