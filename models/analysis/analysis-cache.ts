// An analysis in the cache: ONNX Runtime's basic-level model, and what was measured of it.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { readCached, writeCached } from '../../base/files/cache.js';
import type { Analysis } from './analysis.js';

/** Written last: where it lies whole, the model of that size lies too. */
interface CachedAnalysis {
  readonly analysis: Analysis;
  readonly basicBytes: number;
}

/** Null where there is none, or not a whole one. */
export function readAnalysis(folder: string): Analysis | null {
  const cached = readCached<CachedAnalysis>(join(folder, 'analysis.json'));
  const basic = statSync(join(folder, 'basic.onnx'), { throwIfNoEntry: false });
  return cached && basic?.size === cached.basicBytes ? cached.analysis : null;
}

export function writeAnalysis(folder: string, analysis: Analysis, basic: Uint8Array): void {
  writeFileAtomic(join(folder, 'basic.onnx'), basic);
  writeCached(join(folder, 'analysis.json'), { analysis, basicBytes: basic.length } satisfies CachedAnalysis);
}
