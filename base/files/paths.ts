// Where things live: the package's own files, and the user's cache.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this package's package.json, from the sources and from dist/ alike. */
export const packageRoot: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

/** The folder for generated weights and other heavy files: `SPAROA_GYM_CACHE`, else the user's cache folder. */
export function cacheDirectory(): string {
  const own = process.env.SPAROA_GYM_CACHE;
  if (own) return own;
  const home = homedir();
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches', 'sparoa-gym');
  if (process.platform === 'win32')
    return join(process.env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'sparoa-gym');
  return join(process.env.XDG_CACHE_HOME || join(home, '.cache'), 'sparoa-gym');
}

/** Whether `path` is `folder` or lies in it, by their names. */
export function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return !isAbsolute(way) && way.split(/[\\/]/)[0] !== '..';
}
