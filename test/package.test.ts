// @module-tag gate
// The package as its users get it: packed, installed in another folder by the line that README gives, run and compiled
// against there.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// What `npm test` hands down of this repository's settings is not the user's.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_|^ONNXRUNTIME_NODE_INSTALL/i.test(name)),
);
const run = (command: string, args: readonly string[], cwd: string) =>
  execFileSync(command, args, { cwd, env, encoding: 'utf8' });

const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8');
let paths: string[] = [];

beforeAll(() => {
  const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], packageRoot);
  const [{ files, filename }] = JSON.parse(packed);
  paths = files.map(({ path }: { path: string }) => path);
  const husks = Object.fromEntries(['onnxruntime-node', '@tensorflow/tfjs'].map((name) => [name, husk(name)]));
  const user = { name: 'user', private: true, type: 'module', dependencies: husks };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(user));
  const line = installLines('README.md').find((each) => each.includes('.tgz'))!;
  const options = '--install-links --prefer-offline --no-audit --no-fund';
  run('sh', ['-c', `${line.replace(/\S+\.tgz/, join(folder, filename))} ${options}`], folder);
  for (const name of Object.keys(husks)) {
    rmSync(join(folder, 'node_modules', name), { recursive: true });
    symlinkSync(join(packageRoot, 'node_modules', name), join(folder, 'node_modules', name));
  }
}, 240_000);

/**
 * Two packages are nine tenths of what an installation writes, half a minute of it. What is installed has their names and
 * their scripts, and gives way to the packages themselves afterwards.
 */
function husk(name: string): string {
  const original = join('node_modules', name);
  const { version, dependencies, scripts } = JSON.parse(read(join(original, 'package.json')));
  const { postinstall } = scripts;
  const manifest = postinstall ? { name, version, dependencies, scripts: { postinstall } } : { name, version };
  const target = join(folder, 'husks', name);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'package.json'), JSON.stringify(manifest));
  const script = join(packageRoot, original, 'script');
  if (existsSync(script)) cpSync(script, join(target, 'script'), { recursive: true });
  return `file:${target}`;
}

/** Commands of a text that install this package or onnxruntime-node with npm. */
function installLines(page: string): string[] {
  return [
    ...read(page).matchAll(/[^\n`"]*\bnpm (?:install|i|add) [^\n`"#]*(?:sparoa-gym|onnxruntime-node)[^\n`"#]*/g),
  ].map(([line]) => line.trim());
}

test('every line that installs it keeps onnxruntime-node from downloading', () => {
  const lines = paths.filter((path) => /\.(md|py|js)$/.test(path)).flatMap(installLines);
  expect(lines.length).toBeGreaterThanOrEqual(3);
  for (const line of lines) expect(line).toMatch(/^ONNXRUNTIME_NODE_INSTALL=skip npm /);
});

test('it runs a custom agent, as a module and from CommonJS, and the command line', () => {
  cpSync(join(packageRoot, 'examples', 'custom-agent.mjs'), join(folder, 'agent.mjs'));
  const best = Number(/best return (-[\d.]+)/.exec(run(process.execPath, ['agent.mjs'], folder))![1]);
  expect(best).toBeGreaterThan(-1.5);
  const ids = run(process.execPath, ['-e', "console.log(...require('sparoa-gym').environmentIds())"], folder);
  expect(ids).toContain('SparOA/Share-v0');
  const listing = run(join(folder, 'node_modules', '.bin', 'sparoa-gym'), ['list', 'profiles'], folder);
  expect(listing).toContain('profile://jetson-agx-orin');
});

test('a plug-in of another package compiles against it, and its environment, learner and baselines run twice alike and replay', () => {
  const plugin = join(folder, 'plugin');
  for (const name of ['src', 'tsconfig.json', 'package.json', 'plugin.yaml'])
    cpSync(join(packageRoot, 'examples', 'plugin', name), join(plugin, name), { recursive: true });
  run(process.execPath, [join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', plugin], plugin);
  const gym = (...words: string[]) => run(join(folder, 'node_modules', '.bin', 'sparoa-gym'), words, plugin);
  const summary: { variant: string; scheduler: string; metric: string; iqm: number }[] = JSON.parse(
    gym('run', 'plugin.yaml', '--out', 'out', '--json'),
  );
  const iqm = (variant: string, scheduler: string, metric: string) =>
    summary.find((row) => row.variant === variant && row.scheduler === scheduler && row.metric === metric)!.iqm;
  // Smith's rule is optimal on one machine (Smith 1956), and so is what the table learned, for each of its seeds.
  expect(iqm('jobs', 'smith', 'gapPercent')).toBe(0);
  expect(iqm('jobs', 'tabular', 'objectiveMs')).toBe(iqm('jobs', 'smith', 'objectiveMs'));
  expect(iqm('placement', 'optimum', 'gapPercent')).toBe(0);
  expect(iqm('placement', 'tabular', 'gapPercent')).toBeGreaterThan(0);
  const replayed = gym('validate', '--plugin', join(plugin, 'dist', 'plugin.js'), 'out/trajectories.csv');
  expect(replayed).toMatch(/^\d+ rows replayed, all equal/);
  gym('run', 'plugin.yaml', '--out', 'again');
  for (const name of ['results.csv', 'summary.csv', 'trajectories.csv'])
    expect(readFileSync(join(plugin, 'again', name)).equals(readFileSync(join(plugin, 'out', name)))).toBe(true);
}, 180_000);

test('it holds what its modules import, and no module that only tests import', () => {
  for (const path of [
    'predictor/profiles/boards/jetson-agx-orin.json',
    'experiments/configs/quickstart.yaml',
    'python/session_process.py',
    'python/sparoa_gym/environments.json',
    'docs/gpu.md',
  ])
    expect(paths).toContain(path);
  expect(paths.filter((path) => /\.test\.|^test\/|^python\/tests|__pycache__|tsbuildinfo/.test(path))).toEqual([]);
  expect(paths.filter((path) => /\.ts$/.test(path) && !/^dist\/.*\.d\.ts$/.test(path))).toEqual([]);

  const modules = paths.filter((path) => /^dist\/.*\.(js|d\.ts)$/.test(path));
  const texts = new Map(modules.map((path) => [path, read(path)]));
  const importsOf = (path: string) =>
    [
      ...texts
        .get(path)!
        .matchAll(
          /^(?:import|export|\} from)\b[^'"\n]*["'](\.{1,2}\/[^"']+)["']|import\(["'](\.{1,2}\/[^"']+)["']\)/gm,
        ),
    ]
      .map((match) => posix.join(dirname(path), (match[1] ?? match[2])!))
      .map((target) => (path.endsWith('.d.ts') ? target.replace(/\.js$/, '.d.ts') : target));
  const missing = modules.flatMap((path) => importsOf(path).filter((target) => !texts.has(target)));
  expect(missing).toEqual([]);

  // Threads and processes start from files that code names.
  const started = modules.filter((path) => {
    const named = new RegExp(`['/]${posix.basename(path).replaceAll('.', '\\.')}'`);
    return path.endsWith('.js') && [...texts].some(([from, text]) => from.endsWith('.js') && named.test(text));
  });
  const reached = new Set(['dist/index.js', 'dist/cli/main.js', ...started]);
  for (const path of reached) for (const target of importsOf(path)) reached.add(target);
  const onlyTypes = (path: string) => /^(\/\/.*\n|\/\*[\s\S]*?\*\/\n)*export \{\};\s*$/.test(texts.get(path)!);
  const unused = modules.filter((path) => path.endsWith('.js') && !reached.has(path) && !onlyTypes(path));
  expect(unused).toEqual([]);
});

test.each([
  ['nodenext', ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext],
  ['bundler', ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler],
])(
  'its declarations compile under %s without skipLibCheck, and refer to no package but zod',
  (_, module, resolution) => {
    const files = { 'user.ts': userCode, 'globals.d.ts': 'interface URL {}' };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    // Neither Node's types nor the DOM's: zod needs the name `URL` of either.
    const program = ts.createProgram(
      Object.keys(files).map((name) => join(folder, name)),
      {
        module,
        moduleResolution: resolution,
        target: ts.ScriptTarget.ES2022,
        lib: ['lib.es2022.d.ts'],
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
      },
    );
    const sources = program
      .getSourceFiles()
      .filter(({ fileName }) => !program.isSourceFileDefaultLibrary(program.getSourceFile(fileName)!));
    const packages = sources.map(
      ({ fileName }) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(fileName)?.[1] ?? 'user',
    );
    expect([...new Set(packages)].sort()).toEqual(['sparoa-gym', 'user', 'zod']);
    // zod's own files would be three quarters of the time.
    const problems = [
      ...program.getOptionsDiagnostics(),
      ...program.getGlobalDiagnostics(),
      ...sources
        .filter((_, i) => packages[i] !== 'zod')
        .flatMap((source) => [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]),
    ];
    expect(
      problems.map(
        ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      ),
    ).toEqual([]);
  },
);

const userCode = `
import { type Env, createLanesExecutor, loadModel, make, makeWorkerVector, Rng } from 'sparoa-gym';

const env: Env = await make('SparOA/Share-v0', { model: 'model://resnet18' });
export const observation: Float32Array = env.reset({ seed: 0 }).observation;
export const reward: number = env.step(Float32Array.of(1)).reward;
// @ts-expect-error: types are known, and a reward is no text
export const text: string = env.step(Float32Array.of(1)).reward;

const model = await loadModel('model://resnet18');
const feeds = { input: { type: 'float32', data: new Float32Array(3 * 224 * 224), dims: [1, 3, 224, 224] } };
createLanesExecutor({ model, feeds }).close();
const vector = await makeWorkerVector({ id: 'SparOA/Share-v0', options: {}, wrappers: [] }, { count: 2, autoreset: 'next-step' });
export const rewards: Float64Array = vector.step([0, 1]).rewards;
export const random: number = Rng.restore(Rng.of(0).state()).uniform();
`;
