// The examples in docs/ are executed as they stand: blocks marked `js run` and `sh run`.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
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
import { writeChain } from './chain-model.js';
import { mainScript } from './command-line.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// A user's folder: the package in node_modules, its command on the PATH, the quickstart's config and a model at hand.
mkdirSync(join(folder, 'node_modules'));
symlinkSync(packageRoot, join(folder, 'node_modules', 'sparoa-gym'));
writeFileSync(join(folder, 'sparoa-gym'), `#!/bin/sh\nexec "${process.execPath}" "${mainScript}" "$@"\n`);
chmodSync(join(folder, 'sparoa-gym'), 0o755);
cpSync(join(packageRoot, 'experiments', 'configs', 'quickstart.yaml'), join(folder, 'quickstart.yaml'));
writeChain(join(folder, 'my.onnx'), 8);

const pages = [
  'README.md',
  ...readdirSync(join(packageRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const examples = pages.flatMap((page) =>
  [...readFileSync(join(packageRoot, page), 'utf8').matchAll(/```(js|sh) run\n([\s\S]*?)```/g)].map((match, index) => ({
    name: `${page} ${match[1]} ${index + 1}`,
    language: match[1]!,
    code: match[2]!,
  })),
);

test('there are examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(6);
});

describe('examples in the docs run:', () => {
  test.each(examples)('$name', { timeout: 180_000 }, ({ name, language, code }) => {
    const path = join(folder, `${name.replaceAll(/\W/g, '-')}.${language === 'js' ? 'mjs' : 'sh'}`);
    writeFileSync(path, language === 'sh' ? `set -e\n${code}` : code);
    const output = execFileSync(language === 'sh' ? 'sh' : process.execPath, [path], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(output.length).toBeGreaterThan(0);
  });
});

describe('links in the docs lead somewhere:', () => {
  test.each([...pages, 'ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s', (page) => {
    const text = readFileSync(join(packageRoot, page), 'utf8');
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map((match) => match[1]!);
    for (const target of targets)
      expect(() => readFileSync(join(packageRoot, page, '..', target)), `${page}: ${target}`).not.toThrow();
  });
});
