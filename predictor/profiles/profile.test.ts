// Profiles: the shipped ones are complete and sourced, mistakes are named, and the constants that come from public
// measurements can be recomputed from these by the expression that stands in their source.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../base/errors/input-error.js';
import { readCsv } from '../../base/files/csv.js';
import { packageRoot } from '../../base/files/paths.js';
import { loadProfile, profileVariants } from './profile.js';
import { openProfile, shippedProfiles } from './profile-file.js';
import { type Axes, axisNames, type Cases, type ProfileFile, type Sourced, sourceKinds } from './profile-schema.js';

const scratch = mkdtempSync(join(tmpdir(), 'sparoa-profile-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Every list of cases of a profile, by name. */
function everyNumber(file: ProfileFile): [name: string, cases: Cases][] {
  const { cores, bandwidth } = file.shared!;
  return [...serialNumbers(file), ['shared.cores', cores], ['shared.bandwidth', bandwidth]];
}

/** Those that serial execution uses. */
function serialNumbers(file: ProfileFile): [name: string, cases: Cases][] {
  const devices = file.devices.flatMap((device, index): [string, Cases][] => [
    [`device${index}.compute`, device.compute],
    [`device${index}.bandwidth`, device.bandwidth],
    [`device${index}.launch`, device.launch],
    ...Object.entries(device.efficiency).map(([opClass, cases]): [string, Cases] => [
      `device${index}.efficiency.${opClass}`,
      cases,
    ]),
  ]);
  const moves = file.transfer.flatMap((move, index): [string, Cases][] => [
    [`transfer${index}.latency`, move.latency],
    [`transfer${index}.bandwidth`, move.bandwidth],
  ]);
  return [...devices, ...moves, ['sync', file.sync]];
}

function casesOf(cases: Cases, axes: Axes): Sourced[] {
  return cases.filter(({ when = {} }) =>
    axisNames.every((axis) => when[axis] === undefined || when[axis] === axes[axis]),
  );
}

function inputError(action: () => unknown): InputError {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe.each(shippedProfiles())('shipped profile %s', (name) => {
  const uri = `profile://${name}`;
  const { file } = openProfile(uri);
  const variants = profileVariants(uri).map(loadProfile);

  test('has one variant for each combination of its axes, and each resolves', () => {
    const combinations = axisNames.reduce((product, axis) => product * file.axes[axis].length, 1);
    expect(variants).toHaveLength(combinations);
    expect(new Set(variants.map((variant) => variant.hash)).size).toBe(combinations);
  });

  test('gives every number exactly one case in every variant, and the weakest kind among them', () => {
    for (const { axes, weakestSource, shared } of variants) {
      const weakest = (numbers: [name: string, cases: Cases][]) => {
        const kinds = numbers.map(([number, cases]) => {
          const matching = casesOf(cases, axes);
          expect(matching.length, `${number} for ${JSON.stringify(axes)}`).toBe(1);
          return sourceKinds.indexOf(matching[0]!.kind);
        });
        return sourceKinds[Math.max(...kinds)];
      };
      expect(weakestSource).toBe(weakest(serialNumbers(file)));
      expect(shared!.weakestSource).toBe(weakest(everyNumber(file)));
    }
  });

  test('has no case that no variant uses', () => {
    for (const [number, cases] of everyNumber(file)) {
      for (const sourced of cases) {
        expect(
          variants.some(({ axes }) => casesOf(cases, axes).includes(sourced)),
          `${number} ${JSON.stringify(sourced.when)}`,
        ).toBe(true);
      }
    }
  });

  test('holds no assumed number, so that every variant is sourced', () => {
    expect(variants.map(({ weakestSource }) => weakestSource)).not.toContain('assumed');
  });

  test('has only positive numbers; launches on device 1 and synchronisation may be contained in others', () => {
    for (const { devices, transfer, syncMs, shared, uri: variant } of variants) {
      const numbers = [
        shared!.cores,
        shared!.bytesPerMs,
        ...devices.flatMap((device) => [device.bytesPerMs, ...Object.values(device.flopPerMs)]),
        devices[0].launchMs,
        ...transfer.flatMap((move) => [move.latencyMs, move.bytesPerMs]),
      ];
      for (const value of numbers) {
        expect(Number.isFinite(value), variant).toBe(true);
        expect(value, variant).toBeGreaterThan(0);
      }
      expect(Math.min(devices[1].launchMs, syncMs)).toBeGreaterThanOrEqual(0);
    }
  });

  test('takes efficiencies as fractions of the ceiling', () => {
    for (const { efficiency } of file.devices) {
      for (const { value } of Object.values(efficiency).flat()) {
        expect(Number(value)).toBeGreaterThan(0);
        expect(Number(value)).toBeLessThanOrEqual(1);
      }
    }
  });

  test('stands in the docs with every number', () => {
    const page = ['profiles', 'phones']
      .map((each) => readFileSync(join(packageRoot, 'docs', `${each}.md`), 'utf8'))
      .join();
    for (const [number, cases] of everyNumber(file)) {
      for (const { value } of cases) expect(page, number).toContain(`| ${value} |`);
    }
  });

  test('defaults to the first value of each axis and names each variant so that it loads again', () => {
    expect(loadProfile(uri).axes).toEqual(Object.fromEntries(axisNames.map((axis) => [axis, file.axes[axis][0]])));
    // Predictors as JSON: what they do is a function of that.
    const plain = (profile: unknown): unknown => JSON.parse(JSON.stringify(profile));
    for (const variant of variants) expect(plain(loadProfile(variant.uri))).toEqual(plain(variant));
  });

  test('schedules operators where each is launched, fused units where launches are captured', () => {
    for (const { axes, granularity } of variants) {
      expect(granularity).toBe(axes.launch === 'eager' ? 'operator' : 'fused');
    }
  });
});

describe('a name that is not known is answered with the nearest one', () => {
  test.each([
    ['profile', 'profile://jetson-agx-orrin', '"jetson-agx-orrin" is unknown', 'Did you mean "jetson-agx-orin"?'],
    ['axis', 'profile://jetson-agx-orin?mod=maxn', '"mod" is neither an axis', 'Did you mean "mode"?'],
    ['axis value', 'profile://jetson-agx-orin?mode=30', 'mode "30" is unknown', 'Did you mean "30w"?'],
    ['number', 'profile://jetson-orin-nano?device1.lunch=5us', '"device1.lunch" is', 'Did you mean "device1.launch"?'],
  ])('%s', (_, uri, problem, hint) => {
    const error = inputError(() => loadProfile(uri));
    expect(error.problem).toContain(problem);
    expect(error.remedy).toContain(hint);
  });

  test('a mode of the other board is unknown', () => {
    expect(inputError(() => loadProfile('profile://jetson-orin-nano?mode=maxn')).remedy).toContain('Known: 15w, 7w.');
  });
});

const measured = (value: string): Cases => [{ value, source: 'measured in a test', kind: 'measured' }];

/** A profile with two modes: the numbers of `slow` are measured, GPU launches of `fast` are a guess. */
function tinyFile(): ProfileFile {
  return {
    version: 1,
    name: 'tiny',
    description: 'two modes',
    axes: { mode: ['slow', 'fast'], precision: ['fp32'], launch: ['eager'], transfer: ['direct'] },
    devices: [
      {
        name: 'c',
        kind: 'cpu',
        compute: measured('10 GFLOP/s'),
        bandwidth: measured('1 GB/s'),
        efficiency: {},
        launch: measured('2 us'),
      },
      {
        name: 'g',
        kind: 'gpu',
        compute: measured('1 TFLOP/s'),
        bandwidth: measured('100 GB/s'),
        efficiency: { conv: measured('0.25') },
        launch: [
          { when: { mode: 'slow' }, value: '40 us', source: 'measured in a test', kind: 'measured' },
          { when: { mode: 'fast' }, value: '20 us', source: 'half of the slow one', kind: 'assumed' },
        ],
      },
    ],
    sync: measured('5 us'),
    transfer: [
      { latency: measured('7 us'), bandwidth: measured('2 GB/s') },
      { latency: measured('8 us'), bandwidth: measured('4 GB/s') },
    ],
  };
}

function tinyUri(change: (file: ProfileFile) => void = () => {}): string {
  const file = tinyFile();
  change(file);
  const path = join(scratch, 'tiny.json');
  writeFileSync(path, JSON.stringify(file));
  return pathToFileURL(path).href;
}

describe("a user's own profile", () => {
  test.each(['with, comma', 'what?', "o'neil #1 & co", '100 %'])(
    'lies at any path, "%s" too; its URI loads again and stands in a CSV cell',
    (folder) => {
      const path = join(scratch, folder, 'own.json');
      mkdirSync(join(scratch, folder));
      writeFileSync(path, JSON.stringify(tinyFile()));
      const { uri, axes } = loadProfile(`${path}?mode=fast`);
      expect(axes.mode).toBe('fast');
      expect(loadProfile(path).axes.mode).toBe('slow');
      expect(uri).not.toMatch(/[,"' ]/);
      expect(loadProfile(uri).uri).toBe(uri);
    },
  );

  test('a replaced number is written so that the URI gives it again', () => {
    const { uri, devices } = loadProfile(`${tinyUri()}?device1.launch=2e-2 ms`);
    expect(uri).toContain('device1.launch=2e-2%20ms');
    expect(loadProfile(uri).devices).toEqual(devices);
  });

  test.each([
    ['file://elsewhere/own.json', 'no file URI'],
    ['https://example.org/own.json', 'no scheme "https://"'],
  ])('%s is refused', (uri, problem) => {
    expect(inputError(() => loadProfile(uri)).problem).toContain(problem);
  });

  test('a mode is a word, since it stands in URIs and file names', () => {
    const uri = tinyUri((file) => file.axes.mode.push('15 W, capped'));
    expect(inputError(() => loadProfile(uri)).problem).toContain('letters, digits');
  });

  test('resolves to ms, bytes and FLOPs', () => {
    const profile = loadProfile(tinyUri());
    expect(profile.devices[0].flopPerMs.conv).toBe(1e7);
    expect(profile.devices[1].flopPerMs.conv).toBe(2.5e8);
    expect(profile.devices[1].flopPerMs.gemm).toBe(1e9);
    expect(profile.devices[1].bytesPerMs).toBe(1e8);
    expect(profile.devices[1].launchMs).toBeCloseTo(0.04, 12);
    expect(profile.syncMs).toBeCloseTo(0.005, 12);
    expect(profile.transfer.map((move) => move.bytesPerMs)).toEqual([2e6, 4e6]);
  });

  test('is as weak as the weakest number of the variant, not of the file', () => {
    const uri = tinyUri();
    expect(loadProfile(`${uri}?mode=slow`).weakestSource).toBe('measured');
    expect(loadProfile(`${uri}?mode=fast`).weakestSource).toBe('assumed');
  });

  test('a number replaced in the URI is an assumed one', () => {
    const profile = loadProfile(`${tinyUri()}?device1.launch=1us`);
    expect(profile.devices[1].launchMs).toBeCloseTo(0.001, 12);
    expect(profile.weakestSource).toBe('assumed');
  });

  test('hashes its numbers, not its prose', () => {
    const { hash } = loadProfile(tinyUri());
    expect(loadProfile(tinyUri((file) => (file.sync[0]!.source = 'another source'))).hash).toBe(hash);
    expect(loadProfile(tinyUri((file) => (file.sync[0]!.value = '6 us'))).hash).not.toBe(hash);
  });

  test('what devices share changes the hash of the execution that shares it, not the serial one', () => {
    const sharing = (cores: string) =>
      tinyUri((file) => (file.shared = { cores: measured(cores), bandwidth: measured('110 GB/s') }));
    const [none, four, six] = [loadProfile(tinyUri()), loadProfile(sharing('4')), loadProfile(sharing('6'))];
    expect(none.shared).toBeNull();
    expect([four.hash, six.hash]).toEqual([none.hash, none.hash]);
    expect(four.shared).toMatchObject({ cores: 4, bytesPerMs: 1.1e8 });
    expect(new Set([none.hash, four.shared!.hash, six.shared!.hash]).size).toBe(3);
    expect(inputError(() => loadProfile(sharing('2.5'))).problem).toContain(
      'cores is "2.5", but must be a whole number',
    );
    const replaced = loadProfile(`${sharing('4')}?shared.cores=1`);
    expect([replaced.shared!.cores, replaced.shared!.weakestSource]).toEqual([1, 'assumed']);
  });

  test('a missing case fails, naming the number and the variant', () => {
    const uri = tinyUri((file) => file.devices[1].launch.pop());
    expect(loadProfile(`${uri}?mode=slow`).devices[1].launchMs).toBeCloseTo(0.04, 12);
    const { problem } = inputError(() => loadProfile(`${uri}?mode=fast`));
    expect(problem).toContain('device1.launch has 0 cases');
    expect(problem).toContain('"mode":"fast"');
  });

  test('two cases for one variant fail', () => {
    const uri = tinyUri((file) => file.sync.push({ value: '1 us', source: 'a second opinion', kind: 'derived' }));
    expect(inputError(() => loadProfile(uri)).problem).toContain('sync has 2 cases');
  });

  test('a unit of another dimension fails, naming the number', () => {
    const uri = tinyUri((file) => (file.transfer[0].bandwidth[0]!.value = '3 us'));
    expect(inputError(() => loadProfile(uri)).problem).toMatch(/bandwidth: "3 us".*transfer/);
  });

  test('a number without a source fails', () => {
    const uri = tinyUri((file) => (file.sync[0]!.source = ''));
    expect(inputError(() => loadProfile(uri)).problem).toContain('sync[0].source');
  });
});

const dataFolder = process.env.SPAROA_GYM_TEST_DATA;
const reason = dataFolder ? '' : ' (skipped: SPAROA_GYM_TEST_DATA names no folder with the public measurements)';

describe.skipIf(!dataFolder)(`constants recomputed from the public measurements${reason}`, () => {
  type Row = Record<string, string>;
  const read = (file: string, columns: string[]): Row[] => readCsv(join(dataFolder ?? '', 'jetson', file), columns);
  const benchmarks = dataFolder ? read('orin_microbenchmarks.csv', ['power_mode', 'latency_mean_ms']) : [];
  const subgraphs = dataFolder ? read('agx_orin_gpu_subgraphs.csv', ['latency_min_ms', 'fusion_pattern']) : [];

  /** A column of the micro-benchmarks that agree with `where`; `sizes` limits the first dimension. */
  function column(name: string, where: Row, sizes: readonly number[] | null = null): number[] {
    return benchmarks
      .filter((row) => Object.entries(where).every(([key, value]) => row[key] === value))
      .filter((row) => sizes === null || sizes.includes(Number.parseInt(row.input_shape!, 10)))
      .map((row) => Number(row[name]));
  }
  const label = { maxn: 'MAXN', '50w': 'MODE50W', '30w': 'MODE30W', '15w': 'MODE15W' } as const;
  const modes = Object.keys(label) as (keyof typeof label)[];
  const agx = (mode: string, query = '') => loadProfile(`profile://jetson-agx-orin?mode=${mode}${query}`);
  const nano = (mode: string, query = '') => loadProfile(`profile://jetson-orin-nano?mode=${mode}${query}`);
  /** The files hold four significant digits. */
  const near = (actual: number, expected: number) => expect(Math.abs(actual / expected - 1)).toBeLessThan(5e-4);

  /** PyTorch over NumPy for axpy 1000 on the CPU of an Orin Nano at 960 MHz, which the data labels 7W and 15W. */
  function frameworkRatio(): number {
    const where = { device: 'jetson_orin_nano_cpu', operation: 'blas1_axpy' };
    const [torch] = column('latency_mean_ms', { ...where, power_mode: '7W', framework: 'pytorch' }, [1000]);
    const [numpy] = column('latency_mean_ms', { ...where, power_mode: '15W', framework: 'numpy' }, [1000]);
    return torch! / numpy!;
  }

  test.each(modes)('AGX Orin %s: CPU ceilings and dispatch', (mode) => {
    const where = { device: 'jetson_orin_agx_cpu', power_mode: label[mode] };
    const [cpu] = agx(mode).devices;
    const gemm = column('gflop_per_s', { ...where, operation: 'blas3_gemm' }, [2048]);
    near(cpu.flopPerMs.gemm, Math.max(...gemm) * 1e6);
    const streams = benchmarks.filter(
      (row) =>
        row.operation === 'stream_multicore' &&
        row.power_mode === label[mode] &&
        row.device!.startsWith('jetson_orin_agx'),
    );
    near(cpu.bytesPerMs, Math.max(...streams.map((row) => Number(row.bandwidth_gb_per_s))) * 1e6);
    const axpy = column('latency_mean_ms', { ...where, operation: 'blas1_axpy' }, [1000]);
    near(cpu.launchMs, (Math.min(...axpy) / 2) * frameworkRatio());
    const dot = column('latency_mean_ms', { ...where, operation: 'blas1_dot' }, [1000]);
    near(agx(mode, '&launch=graph').devices[0].launchMs, Math.min(...dot));
  });

  test.each(modes)('AGX Orin %s: GPU bandwidth', (mode) => {
    const where = { device: 'jetson_orin_agx_gpu', power_mode: label[mode] };
    const [, gpu] = agx(mode).devices;
    const kernels = ['stream_copy', 'stream_scale', 'stream_add', 'stream_triad'];
    const bandwidths = kernels.flatMap((operation) => column('bandwidth_gb_per_s', { ...where, operation }));
    near(gpu.bytesPerMs, Math.max(...bandwidths) * 1e6);
  });

  test.each(modes.flatMap((mode) => ['fp32', 'fp16'].map((precision) => [mode, precision] as const)))(
    'AGX Orin %s %s: GPU ceiling',
    (mode, precision) => {
      const [, gpu] = agx(mode, `&precision=${precision}`).devices;
      const rows = subgraphs.filter((row) => row.power_mode === mode && row.precision === precision);
      const gemm =
        precision === 'fp16'
          ? column('gflop_per_s', {
              device: 'jetson_orin_agx_gpu',
              power_mode: label[mode],
              operation: 'blas3_gemm',
            })
          : [];
      const throughputs = rows.map((row) => Number(row.flops) / Number(row.latency_min_ms));
      near(gpu.flopPerMs.other, Math.max(...throughputs, ...gemm.map((value) => value * 1e6)));
    },
  );

  test('Orin Nano: numbers follow the clocks in the metadata, not the labels of the files', () => {
    const where = { device: 'jetson_orin_nano_cpu', framework: 'numpy', operation: 'blas3_gemm' };
    const gemm = (mode: string) => Math.max(...column('gflop_per_s', { ...where, power_mode: mode }, [2048])) * 1e6;
    // Four cores at 960 MHz cannot exceed 16 FLOP a cycle each: the file labelled 15W fits, the one labelled 7W does not.
    const limit = 4 * 16 * 960e3;
    expect(gemm('15W')).toBeLessThan(limit);
    expect(gemm('7W')).toBeGreaterThan(2 * limit);
    near(nano('7w').devices[0].flopPerMs.gemm, gemm('15W'));
    near(nano('15w').devices[0].flopPerMs.gemm, (Math.max(gemm('7W'), gemm('25W')) * 1497.6) / 1728);
  });

  test('Orin Nano: GPU matrix products, strict fp32 and TF32, from the original file', () => {
    const path = join(dataFolder ?? '', 'jetson', 'raw', 'microbenchmarks_orin_nano_gpu_15w.json');
    const peaks = JSON.parse(readFileSync(path, 'utf8')).precision_matrix.peak_gflops_by_precision;
    near(nano('15w').devices[1].flopPerMs.other, peaks.tf32 * 1e6);
    near(nano('15w').devices[1].flopPerMs.matmul, peaks.fp32 * 1e6);
    near(nano('15w', '&precision=fp16').devices[1].flopPerMs.matmul, peaks.bf16 * 1e6);
  });

  test.each([
    ['15w', '15W'],
    ['7w', '7W'],
  ])('Orin Nano %s: GPU launch', (mode, power) => {
    const where = { device: 'jetson_orin_nano_gpu', power_mode: power, operation: 'blas1_axpy' };
    near(nano(mode).devices[1].launchMs, Math.min(...column('latency_mean_ms', where, [1000, 10_000, 100_000])) / 2);
  });

  test('host-bound work scales with the CPU clock: what the other modes take their transfer latencies from', () => {
    const clockMhz = { maxn: 2201.6, '50w': 1497.6, '30w': 1728, '15w': 1113.6 };
    // Half of axpy, two operators, by PyTorch with synchronisation.
    const launchMs = (mode: (typeof modes)[number]) => {
      const where = { device: 'jetson_orin_agx_gpu', power_mode: label[mode], operation: 'blas1_axpy' };
      return Math.min(...column('latency_mean_ms', where, [1000, 10_000, 100_000])) / 2;
    };
    const cycles = modes.map((mode) => launchMs(mode) * clockMhz[mode]);
    expect(Math.max(...cycles) / Math.min(...cycles)).toBeLessThan(1.15);
    near(agx('15w', '&transfer=copy').transfer[1].latencyMs, (0.114 * launchMs('15w')) / launchMs('maxn'));
  });
});

test('a file above the limit on texts is refused before it is read, by its size and the limit', () => {
  const path = join(scratch, 'large.json');
  writeFileSync(path, '');
  truncateSync(path, 65e6);
  const { problem, remedy } = inputError(() => openProfile(path));
  expect(problem).toBe(`${path} takes 65.0 MB, more than the limit of 64.0 MB.`);
  expect(remedy).toContain('SPAROA_GYM_FILE_MB');
});
