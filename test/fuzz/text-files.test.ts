// Damaged files of every kind beside ONNX: no stack trace, nothing that hangs, two lines and an exit code. In process, and a
// part of them by the program itself, whose memory is watched. SPAROA_GYM_FULL=1 tries 1,500.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { inProcess } from '../fixtures/in-process.js';
import { type Ending, faultOf, runLimited } from './limited-command.js';
import { fuzzedFiles } from './text-files.js';

const full = process.env.SPAROA_GYM_FULL === '1';
/** Of each kind of file, in process and as the program. */
const [inside, outside] = full ? [140, 10] : [20, 1];
const firstSeed = Number(process.env.SPAROA_GYM_FUZZ_SEED ?? 0);

const folder = mkdtempSync(join(tmpdir(), 'sparoa-fuzz-'));
vi.stubEnv('SPAROA_GYM_CACHE', join(folder, 'cache'));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function endingInside(args: readonly string[]): Promise<Ending> {
  const started = process.cpuUsage();
  const { status, ...written } = await inProcess(args).catch((error: Error) => ({
    status: 1,
    stdout: '',
    stderr: `rejected: ${error.stack}`,
  }));
  // Time of the processor: what else the machine does is no fault.
  const { user, system } = process.cpuUsage(started);
  return { code: status, signal: null, ...written, seconds: (user + system) / 1e6, peakBytes: 0 };
}

test.each(fuzzedFiles)(
  'damaged $name',
  { tags: 'gate', timeout: full ? 1_800_000 : 240_000 },
  async ({ name, damaged }) => {
    const faults: string[] = [];
    // The first command of a kind loads libraries and analyses the model.
    for (let seed = firstSeed; seed < firstSeed + inside + outside; seed++) {
      const own = join(folder, `${name}-${seed}`);
      mkdirSync(own);
      const args = damaged(own, Rng.of(seed, 'damage', name));
      const ending = seed < firstSeed + inside ? await endingInside(args) : { ...(await runLimited(args)), seconds: 0 };
      // What `run` says before it fails is no part of the error.
      const fault = faultOf({ ...ending, stderr: ending.stderr.replace(/^reading .*\n/, '') });
      if (fault) faults.push(`seed ${seed}: ${args.join(' ')}: ${fault}`);
      else rmSync(own, { recursive: true });
    }
    expect(faults).toEqual([]);
  },
);
