// Whatever `sparoa-gym list` names, it says in a line what it is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';
import { environmentIds, environmentSummary } from '../env/gym/registry.js';
import { catalogue } from '../experiments/catalogue.js';
import { inProcess as here } from './fixtures/in-process.js';

describe.each(Object.keys(catalogue))('list %s', (topic) => {
  test('has a line of its own for each entry, in text and as JSON', async () => {
    const { stdout, status } = await here(['list', topic]);
    expect(status).toBe(0);
    const entries = Object.entries(catalogue[topic]!());
    expect(entries.length).toBeGreaterThan(0);
    for (const [name, text] of entries) {
      expect(text).toMatch(/\S/);
      expect(stdout).toMatch(new RegExp(`^  ${name.replaceAll(/[^\w]/g, '\\$&')} +\\S`, 'm'));
    }
    const json = JSON.parse((await here(['list', topic, '--json'])).stdout) as Record<string, object>;
    expect(Object.keys(json[topic]!)).toEqual(entries.map(([name]) => name));
  });
});

test('environments have summaries, and the file that Python reads has the same', () => {
  // Other tests register environments of their own.
  const own = environmentIds().filter((id) => id.startsWith('SparOA/'));
  const summaries = own.map((id) => [id, environmentSummary(id)]);
  expect(new Set(summaries.map(([, text]) => text)).size).toBe(summaries.length);
  const written = JSON.parse(readFileSync(join(packageRoot, 'python', 'sparoa_gym', 'environments.json'), 'utf8'));
  expect(written.environments).toEqual(Object.fromEntries(summaries));
  expect(() => environmentSummary('SparOA/Shar-v0')).toThrow(/"SparOA\/Shar-v0" is unknown\.\nDid you mean/);
});
