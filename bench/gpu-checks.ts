// `npm run --silent gpu-checks`: the runtime's tests and benchmarks on a machine with a real GPU. Leaves a dated folder of
// results; exits with 1 when a test or a placement failed, or when there is no GPU.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors/input-error.js';
import { type Cell, writeCsv } from '../base/files/csv.js';
import { packageRoot } from '../base/files/paths.js';
import { type DeviceProbe, deviceProbes } from '../engine/runtime/devices/probe.js';
import { describeSystem } from '../experiments/results/system.js';
import { checkDevice, type DeviceChecks } from './gpu-device.js';

/** Vulkan drivers that compute on the CPU: SwiftShader, and Mesa's llvmpipe (lavapipe). */
const softwareNames = /swiftshader|llvmpipe|lavapipe|lvp/i;

/** A software device takes seconds where a card takes milliseconds. */
const extents = {
  gpu: { models: ['model://resnet18', 'model://mobilenetv3-small'], placements: 20, executions: 30 },
  software: { models: ['model://mobilenetv3-small?size=32'], placements: 2, executions: 3 },
} as const;

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function main(flags: readonly string[]): Promise<number> {
  const stray = flags.find((flag) => flag !== '--software');
  if (stray !== undefined) throw new InputError(`gpu-checks: "${stray}" is unknown.`, 'Known: --software.');
  const { gpus, kind } = chosenDevices(flags.includes('--software'));
  const directory = join(packageRoot, 'results', ...folderOf(gpus[0]!, kind));
  mkdirSync(directory, { recursive: true });
  const name = (file: string) => join(directory, file);
  writeFileSync(name('system.json'), `${JSON.stringify(system(kind), null, 2)}\n`);

  const failedTests = runTests(name('tests.csv'));
  const checks: DeviceChecks = { placements: [], latencies: [], moves: [], units: [] };
  for (const { id } of gpus) {
    const found = await checkDevice(id, extents[kind]);
    for (const table of Object.keys(checks) as (keyof DeviceChecks)[]) checks[table].push(...(found[table] as never[]));
  }
  for (const [table, rows] of Object.entries(checks)) writeTable(name(`${table}.csv`), rows, kind);
  const benchmarks = run([join('dist', 'bench', 'main.js'), 'runtime', '--json']);
  writeFileSync(name('bench.json'), benchmarks.stdout);

  const failedPlacements = checks.placements.filter(({ error }) => error !== '');
  for (const { model, executor, seed, error } of failedPlacements)
    process.stderr.write(`failed: ${model}, ${executor}, placement ${seed}: ${error}\n`);
  process.stdout.write(
    [
      `${kind === 'software' ? 'software device, no GPU' : 'GPU'}: ${gpus.map((gpu) => `${gpu.id} (${gpu.name})`).join(', ')}`,
      `tests: ${failedTests} failed`,
      `random placements: ${failedPlacements.length} of ${checks.placements.length} failed`,
      ...checks.latencies.map(
        (row) => `${row.model}, ${row.executor}, ${row.scheduler}: ${row.latencyMs.toPrecision(4)} ms (${row.devices})`,
      ),
      `results: ${directory}`,
      '',
    ].join('\n'),
  );
  return failedTests > 0 || failedPlacements.length > 0 || benchmarks.status !== 0 ? 1 : 0;
}

/**
 * The GPUs that run; with `software` also Vulkan devices that compute on the CPU, which count only where there is no other.
 * @throws InputError when there is none: why, and what to install
 */
function chosenDevices(software: boolean): { gpus: readonly DeviceProbe[]; kind: keyof typeof extents } {
  const probes = deviceProbes().filter(({ provider }) => provider !== 'cpu');
  const running = probes.filter(({ available }) => available);
  const real = running.filter(({ name }) => !softwareNames.test(name ?? ''));
  if (real.length > 0) return { gpus: real, kind: 'gpu' };
  if (running.length === 0) {
    const reasons = probes.map(({ id, reason }) => `${id}: ${reason}`).join('; ');
    throw new InputError(`gpu-checks: no GPU runs here: ${reasons}.`, 'docs/gpu.md says what to install.');
  }
  if (!software) {
    throw new InputError(
      `gpu-checks: ${running.map(({ id, name }) => `${id} (${name})`).join(', ')} computes in software, which is no GPU.`,
      'Run it on a machine with a GPU, or add --software to try the checks themselves.',
    );
  }
  return { gpus: running, kind: 'software' };
}

/** Only results of GPUs go where results are committed. */
function folderOf({ id, name }: DeviceProbe, kind: keyof typeof extents): string[] {
  const date = new Date().toISOString().slice(0, 10);
  const adapter = (name ?? id).replaceAll(/[^\w.-]+/g, '-').toLowerCase();
  return kind === 'gpu' ? ['reference', 'gpu', `${date}-${adapter}`] : [`gpu-checks-software-${date}-${adapter}`];
}

function system(kind: keyof typeof extents) {
  const nvidia = spawnSync('nvidia-smi', ['--query-gpu=name,driver_version', '--format=csv,noheader'], {
    encoding: 'utf8',
  });
  const vulkan = spawnSync('vulkaninfo', ['--summary'], { encoding: 'utf8' });
  return {
    date: new Date().toISOString(),
    kind,
    ...describeSystem(),
    devices: deviceProbes(),
    nvidiaSmi: nvidia.status === 0 ? nvidia.stdout.trim() : null,
    vulkaninfo: vulkan.status === 0 ? (vulkan.stdout.match(/^\s*(device|driver)\w+\s*=.*$/gm) ?? []) : null,
  };
}

/** Runs the tests of the runtime and of telemetry and leaves them as a table; how many failed. */
function runTests(path: string): number {
  const report = `${path}.json`;
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const { status } = run([
    ...[vitest, 'run', 'engine/runtime', 'engine/telemetry', 'engine/batching'],
    ...['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`],
  ]);
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
  rmSync(report);
  const rows = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status: state, duration }) => ({
      file: name.slice(packageRoot.length + 1),
      test: fullName.trim(),
      state,
      durationMs: duration ?? null,
    })),
  );
  writeCsv(path, ['file', 'test', 'state', 'durationMs'], rows);
  const failed = rows.filter(({ state }) => state === 'failed').length;
  // A file that does not even load has no tests.
  return failed > 0 ? failed : Number(status !== 0);
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly duration?: number;
    }[];
  }[];
}

/** Every row says what it was measured on. */
function writeTable(path: string, rows: readonly object[], kind: string): void {
  const labelled = rows.map((row) => ({ ...row, kind: kind === 'gpu' ? 'measured' : 'measured, software device' }));
  const columns = Object.keys(labelled[0] ?? {});
  writeCsv(path, columns, labelled as unknown as readonly Record<string, Cell>[]);
}

/** Runs Node in the repository; its messages go to standard error. */
function run(args: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  return spawnSync(process.execPath, args, {
    cwd: packageRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  });
}
