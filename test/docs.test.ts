// The examples in docs/ are executed as they stand: blocks marked `js run`, `sh run` and `py run`.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';
import { writeChain } from './fixtures/chain-model.js';
import { mainScript } from './fixtures/command-line.js';
import { baselinesMissing, clientMissing, python, pythonEnvironment } from './fixtures/python.js';
import { skipped } from './fixtures/session-hosts.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// A user's folder: the package in node_modules, its command on the PATH, the quickstart's config and a model at hand.
mkdirSync(join(folder, 'node_modules'));
symlinkSync(packageRoot, join(folder, 'node_modules', 'sparoa-gym'));
writeFileSync(join(folder, 'sparoa-gym'), `#!/bin/sh\nexec "${process.execPath}" "${mainScript}" "$@"\n`);
chmodSync(join(folder, 'sparoa-gym'), 0o755);
for (const name of ['quickstart.yaml', 'baselines.yaml'])
  cpSync(join(packageRoot, 'experiments', 'configs', name), join(folder, name));
writeChain(join(folder, 'my.onnx'), 8);

const pages = [
  'README.md',
  ...readdirSync(join(packageRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const examples = pages.flatMap((page) =>
  [...readFileSync(join(packageRoot, page), 'utf8').matchAll(/```(js|sh|py) run\n([\s\S]*?)```/g)].map(
    (match, index) => ({
      page,
      name: `${page} ${match[1]} ${index + 1}`,
      language: match[1]!,
      code: match[2]!,
    }),
  ),
);

test('there are examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(6);
});

const languages: Readonly<Record<string, { command: string; extension: string; missing: string | null }>> = {
  js: { command: process.execPath, extension: 'mjs', missing: null },
  sh: { command: 'sh', extension: 'sh', missing: null },
  py: { command: python, extension: 'py', missing: clientMissing },
};

describe('examples in the docs run:', () => {
  for (const { page, name, language, code } of examples) {
    const { command, extension, missing: nothing } = languages[language]!;
    const missing = code.includes('stable_baselines3') ? baselinesMissing : nothing;
    test.skipIf(missing !== null)(
      `${name}${skipped(missing)}`,
      { tags: page === 'README.md' ? [] : 'gate', timeout: 180_000 },
      () => {
        const path = join(folder, `${name.replaceAll(/\W/g, '-')}.${extension}`);
        writeFileSync(path, language === 'sh' ? `set -e\n${code}` : code);
        const { PYTHONPATH } = pythonEnvironment;
        const output = execFileSync(command, [path], {
          cwd: folder,
          encoding: 'utf8',
          env: { ...process.env, PYTHONPATH, PATH: `${folder}${delimiter}${process.env.PATH}` },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        expect(output.length).toBeGreaterThan(0);
      },
    );
  }
});

/** The anchors of a page's headings, as GitHub makes them. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('links in the docs lead somewhere:', () => {
  test.each([...pages, 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'python/README.md'])('%s', (page) => {
    const text = readFileSync(join(packageRoot, page), 'utf8');
    for (const [, target, anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const path = target === '' ? join(packageRoot, page) : join(packageRoot, page, '..', target!);
      expect(existsSync(path), `${page}: ${target}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(readFileSync(path, 'utf8')), `${page}: #${anchor}`).toContain(anchor);
    }
  });
});

test('the index of the docs links every page', () => {
  const index = readFileSync(join(packageRoot, 'docs', 'README.md'), 'utf8');
  const unlinked = readdirSync(join(packageRoot, 'docs')).filter(
    (name) => name.endsWith('.md') && name !== 'README.md' && !index.includes(`](${name})`),
  );
  expect(unlinked).toEqual([]);
});
