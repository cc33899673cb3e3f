// Episodes that baselines have played in a run, written down until it is finished: a run that was stopped plays them again by
// their actions instead of planning anew. Searches take seconds each, and a run may have a hundred cells.
import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemError } from '../../base/errors/system-error.js';
import { canonicalJson, contentHash } from '../../base/files/hash.js';
import { readText } from '../../base/files/json.js';

const lineSchema = z.object({ key: z.string(), actions: z.string(), decisionWallMs: z.number() });
type Line = z.infer<typeof lineSchema>;
export type KeptEpisode = Omit<Line, 'key'>;

export interface KeptEpisodes {
  /** @param identity everything that the episode depends on, as JSON */
  find(identity: unknown): KeptEpisode | null;
  keep(identity: unknown, episode: KeptEpisode): void;
  /** Forgets them all. */
  clear(): void;
}

/** Nothing is kept: on devices an episode is measured anew. */
export const nothingKept: KeptEpisodes = { find: () => null, keep: () => {}, clear: () => {} };

/**
 * Those of a run's folder.
 * @param context what all episodes depend on, as JSON: the package's version, plug-ins
 */
export function keptEpisodes(directory: string, context: unknown): KeptEpisodes {
  const path = join(directory, 'episodes.jsonl');
  const lines = existsSync(path) ? readText(path, 'Remove it: what it holds is planned anew.').split('\n') : [];
  const known = new Map(lines.flatMap((line) => lineOf(line) ?? []).map(({ key, ...episode }) => [key, episode]));
  const keyOf = (identity: unknown) => contentHash(canonicalJson([context, identity]));
  return {
    find: (identity) => known.get(keyOf(identity)) ?? null,
    keep(identity, episode) {
      try {
        appendFileSync(path, `\n${JSON.stringify({ key: keyOf(identity), ...episode })}`);
      } catch (error) {
        throw systemError(error, path) ?? error;
      }
    },
    clear: () => rmSync(path, { force: true }),
  };
}

/** Null if the line is damaged, such as the last one before a kill. */
function lineOf(line: string): Line | null {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
