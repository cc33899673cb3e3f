// The kit end to end: written here, run by Python on two CPUs, read again; what breaks on the way is said, not fatal. The trees
// of a Jetson are reconstructions, read by the Python script and by telemetry alike; neither was run on such hardware.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors/input-error.js';
import { readCsv } from '../../../base/files/csv.js';
import { packageRoot } from '../../../base/files/paths.js';
import { readTarGz } from '../../../base/files/tar.js';
import { Rng } from '../../../base/random/rng.js';
import { parseDevicePair } from '../../../engine/runtime/devices/device-pair.js';
import { pythonCommand } from '../../../engine/runtime/session/python-settings.js';
import { Schedule } from '../../../engine/schedule.js';
import { createSimulator } from '../../../engine/simulator/simulator.js';
import { readCpuClocks, readIntegratedGpu } from '../../../engine/telemetry/clocks.js';
import { readSnapshot } from '../../../engine/telemetry/snapshot.js';
import { type LoadedModel, loadModel } from '../../../models/load.js';
import { loadProfile } from '../../../predictor/profiles/profile.js';
import { calibrate } from '../calibration/calibrate.js';
import { kitColumns, kitFidelity } from '../fidelity/kit-fidelity.js';
import { profileModel } from '../profiling.js';
import { drawPlacements } from './placements.js';
import { readKit } from './read.js';
import type { KitReading } from './reading.js';
import { writeKit } from './write.js';

const python = pythonCommand();
const missing = spawnSync(python, ['-c', 'import onnxruntime, numpy']).status !== 0;
const why = missing ? ` (skipped: ${python} cannot import onnxruntime and numpy)` : '';
const folder = mkdtempSync(join(tmpdir(), 'sparoa-kit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kit = join(folder, 'kit');
const archive = join(folder, 'kit-results.tar.gz');
const runKit = (where: string, out: string, ...more: string[]) =>
  spawnSync(python, [join(where, 'kit.py'), '--quick', '--devices', 'cpu:1+cpu:1', '--out', out, ...more], {
    encoding: 'utf8',
  });
let model: LoadedModel;

beforeAll(async () => {
  model = await loadModel('model://resnet18?size=32');
  await writeKit(kit, [model, await loadModel('model://mobilenetv3-small?size=32')], 5);
});

describe('what is written', () => {
  test('a kit shares the weights of its sub-models, and says what it holds', () => {
    const { models } = JSON.parse(readFileSync(join(kit, 'manifest.json'), 'utf8')) as {
      models: { name: string; unitFiles: string[]; schedules: string[] }[];
    };
    expect(models.map(({ name }) => name)).toEqual(['resnet18', 'mobilenetv3-small']);
    const parts = models[0]!.unitFiles.map((file) => statSync(join(kit, 'models', 'resnet18', file)).size);
    expect(parts).toHaveLength(model.graph('fused').units.length);
    expect(Math.max(...parts)).toBeLessThan(10_000);
    expect(statSync(join(kit, 'models', 'resnet18', 'weights.bin')).size).toBeGreaterThan(40e6);
    expect(models[0]!.schedules).toHaveLength(5);
  });

  test('a folder with other things in it is left alone', async () => {
    mkdirSync(join(folder, 'other'));
    writeFileSync(join(folder, 'other', 'thesis.tex'), '');
    await expect(writeKit(join(folder, 'other'), [model], 2)).rejects.toThrow('is not empty, and no kit');
  });

  test('placements: one device first, then few switches and many, the same for the same seed', () => {
    const graph = model.graph('fused');
    const drawn = drawPlacements(graph, 200, Rng.of(1, 'test'));
    expect(drawn).toEqual(drawPlacements(graph, 200, Rng.of(1, 'test')));
    expect(drawn.slice(0, 2)).toEqual(['0'.repeat(graph.units.length), '1'.repeat(graph.units.length)]);
    const switches = drawn
      .slice(2)
      .map((text) => [...text].filter((digit, i) => i > 0 && digit !== text[i - 1]).length);
    expect(Math.min(...switches)).toBe(1);
    // Log-uniform: as many below the geometric mean of 1 and 40 as above.
    const below = switches.filter((count) => count < Math.sqrt(graph.units.length)).length / switches.length;
    expect(below).toBeGreaterThan(0.4);
    expect(below).toBeLessThan(0.65);
  });
});

describe.skipIf(missing)(`run by Python on two CPUs${why}`, () => {
  let reading: KitReading;
  beforeAll(() => {
    const { status, stderr } = runKit(kit, archive);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    reading = readKit(archive);
  }, 120_000);

  test('every unit has times on both devices, in a profile of the same form as `device profile` writes', () => {
    const [profile] = reading.unitMeasurements;
    const here = profileModel(model, parseDevicePair('cpu:1+cpu:1'), 1, false);
    expect(Object.keys(profile!).sort()).toEqual(Object.keys(here).sort());
    expect(Object.keys(profile!.system).sort()).toEqual(Object.keys(here.system).sort());
    for (const name of ['model', 'modelHash', 'graphHash', 'granularity', 'devices', 'version', 'kind'] as const)
      expect(profile![name]).toEqual(here[name]);
    const places = (units: typeof here.units) => units.map(({ unit, device, lane }) => [unit, device, lane !== null]);
    expect(places(profile!.units)).toEqual(places(here.units));
    expect(profile!.units.every(({ lane }) => lane!.samples === 3 && lane!.lowMs <= lane!.medianMs)).toBe(true);
    expect(new Set(profile!.kernels.flatMap(({ units }) => units)).size).toBe(model.graph('fused').units.length);
    expect(profile!.moves.length).toBeGreaterThan(10);
    for (const { tensor, bytes } of profile!.moves) expect(bytes).toBe(model.graph('fused').tensors[tensor]!.bytes);
  });

  test('units add up to something like the whole, kernels to the whole', () => {
    for (const { units, kernels, wholeMs } of reading.unitMeasurements)
      for (const device of [0, 1] as const) {
        const of = <T extends { device: 0 | 1 }>(list: readonly T[], ms: (one: T) => number) =>
          list.filter((one) => one.device === device).reduce((sum, one) => sum + ms(one), 0);
        const sum = of(units, ({ lane }) => lane!.medianMs);
        expect(sum / wholeMs[device]!).toBeGreaterThan(0.1);
        expect(sum / wholeMs[device]!).toBeLessThan(20);
        expect(of(kernels, ({ ms }) => ms)).toBeLessThanOrEqual(wholeMs[device]!);
      }
  });

  test('whole models, schedules and crossings come with their samples', () => {
    expect(reading.wholeModels.map(({ device }) => device)).toEqual([0, 1, 0, 1]);
    expect(reading.schedules).toHaveLength(10);
    const [onFirst, onSecond] = reading.schedules;
    expect([onFirst!.mechanism, new Set(onFirst!.devices), new Set(onSecond!.devices)]).toEqual([
      'units',
      new Set([0]),
      new Set([1]),
    ]);
    expect(onFirst!.samplesMs).toHaveLength(2);
    const sizes = new Set(reading.moves.map(({ bytes }) => bytes));
    expect(sizes.has(4 ** 6)).toBe(true);
    expect(reading.moves).toHaveLength(2 * sizes.size);
    expect(reading.machine).toMatchObject({ key: { devices: 'cpu:1+cpu:1', quick: true } });
  });

  test('what two CPUs cannot do is said', () => {
    expect(reading.failures.map(({ what }) => what)).toEqual(['sessions', 'sessions']);
    expect(reading.failures[0]!.reason).toContain('two CPUs are one device to a session');
  });

  test('the archive becomes a measured profile, with a report of its fidelity to schedules of the kit', async () => {
    const out = join(folder, 'calibrated');
    const { profile, fidelity } = await calibrate({
      pair: parseDevicePair('cpu:1+cpu:1'),
      ...{ minutes: 0, rounds: 1, out, models: [], holdOut: [], from: [archive], report: () => {} },
      ...{ fromTrtexec: [], fromOrtProfile: [], refine: null },
    });
    const count = reading.models.reduce((sum, { graph }) => sum + graph.units.length, 0);
    expect(profile.calibration).toMatchObject({ models: 2, units: [count, count], date: reading.machine.date });
    const rows = fidelity[0]!.rows.map(({ simulatedBy, mechanism, scheduleCount, unitCount }) =>
      [simulatedBy, mechanism, scheduleCount, unitCount].join(),
    );
    const units = reading.models.map(({ graph }) => 2 * graph.units.length);
    expect(rows.slice(0, 2)).toEqual(['own units,units,5,0', 'own units,units,5,0']);
    expect(rows.slice(2).sort()).toEqual(
      [...units.map((each) => `other models,units,5,${each}`), ...Array(2).fill('other models,session,2,0')].sort(),
    );
    // On the first device nothing moves: simulated from its own units, a model takes their sum.
    for (const { model, unitMeanPercent, schedules } of fidelity[0]!.rows.slice(0, 2)) {
      expect(unitMeanPercent).toBeNull();
      const { units: times } = reading.unitMeasurements.find((each) => each.model === model)!;
      const sumMs = times.reduce((sum, { device, lane }) => sum + (device === 0 ? lane!.lowMs : 0), 0);
      expect(schedules.find(({ name }) => name === 'cpu-only')!.simulatedMs).toBeCloseTo(sumMs, 9);
    }
    const [csv] = readdirSync(join(out, 'fidelity')).filter((name) => name.endsWith('.csv'));
    expect(readCsv(join(out, 'fidelity', csv!), kitColumns)).toHaveLength(6);

    const path = join(out, 'profile.json');
    const report = kitFidelity(reading, [path]);
    expect(report.rows.map(({ mechanism }) => mechanism)).toEqual(['units', 'units', 'session', 'session']);
    for (const { model, mechanism, schedules } of report.rows) {
      // The same question asked of the simulator without this module: everything on the first device.
      const { graph } = reading.models.find(({ uri }) => uri === model)!;
      const simulator = createSimulator(loadProfile(`${path}?mode=${mechanism === 'units' ? 'units' : 'segments'}`));
      const trace = simulator.run(graph, Schedule.onDevice(graph, 0), {
        ...{ seed: 0, execution: 'serial', mode: 'measured', load: null, memoryBudgetBytes: null },
      });
      expect(schedules.find(({ name }) => name === 'cpu-only')!.simulatedMs).toBeCloseTo(trace.makespanMs, 9);
      expect(schedules.find(({ name }) => name === 'cpu-only')!.measuredMs).toBe(
        mechanism === 'session'
          ? reading.wholeModels.find((each) => each.model === model && each.device === 0)!.lowMs
          : reading.schedules.find((each) => each.model === model)!.lowMs,
      );
    }
    expect(() => kitFidelity(reading, ['profile://jetson-orin-nano?launch=eager'])).toThrow(
      'launches operators one by one',
    );
  });

  test('a second run goes on from what is there, and refuses measurements of other devices', { tags: 'gate' }, () => {
    const again = join(folder, 'again.tar.gz');
    const work = join(kit, 'work', 'model-resnet18.json');
    const before = statSync(work).mtimeMs;
    expect(runKit(kit, again).stdout).toContain('continues what began on');
    expect(statSync(work).mtimeMs).toBe(before);
    expect(readKit(again).unitMeasurements).toEqual(reading.unitMeasurements);
    const other = spawnSync(python, [join(kit, 'kit.py'), '--quick', '--devices', 'cpu:1+cpu:2'], { encoding: 'utf8' });
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining('Give --fresh to forget them')]);
  });

  test('one broken unit is recorded, and the rest is measured', { tags: 'gate' }, () => {
    const broken = join(folder, 'broken');
    cpSync(kit, broken, { recursive: true, filter: (path) => !path.includes('work') });
    writeFileSync(join(broken, 'models', 'mobilenetv3-small', 'unit-0003.onnx'), 'no model');
    const out = join(folder, 'broken.tar.gz');
    expect(runKit(broken, out).status).toBe(0);
    const { unitMeasurements, wholeModels, failures } = readKit(out);
    expect([unitMeasurements.length, wholeModels.length]).toEqual([2, 4]);
    const lanes = unitMeasurements[1]!.units
      .filter(({ lane }) => lane === null)
      .map(({ unit, device }) => [unit, device]);
    expect(lanes).toEqual([
      [3, 0],
      [3, 1],
    ]);
    expect(failures.map(({ what }) => what)).toContainEqual(expect.stringMatching(/^unit 3 ".*" on device 0$/));
    expect(failures.find(({ what }) => what === 'schedules')!.reason).toContain('no device runs unit 3');
  });

  describe('an archive that is damaged', () => {
    const damaged = (name: string, change: (bytes: Buffer) => Uint8Array): string => {
      const path = join(folder, name);
      writeFileSync(path, change(readFileSync(archive)));
      return path;
    };
    /** The same length, so that the archive's own headers stay right. */
    const edited = (name: string, from: string, to: string) =>
      damaged(name, (bytes) => {
        const text = gunzipSync(bytes).toString('latin1');
        expect(text).toContain(from);
        expect(to).toHaveLength(from.length);
        return gzipSync(Buffer.from(text.replace(from, to), 'latin1'));
      });

    test.each([
      [
        'cut short',
        () => damaged('cut.tar.gz', (bytes) => bytes.subarray(0, bytes.length / 2)),
        'cannot be read as .tar.gz',
      ],
      ['no archive', () => damaged('no.tar.gz', () => Buffer.from('hello')), 'cannot be read as .tar.gz'],
      [
        'another gzip',
        () => damaged('empty.tar.gz', () => gzipSync(Buffer.alloc(1024))),
        'there is no kit-results/manifest.json',
      ],
      [
        'ending early inside',
        () => damaged('early.tar.gz', (bytes) => gzipSync(gunzipSync(bytes).subarray(0, 3000))),
        'before the end of kit-results/manifest.json',
      ],
      [
        'with a changed header',
        () => edited('header.tar.gz', 'kit-results/crossings.json', 'kit-results/crossingz.json'),
        'is damaged: its sum of bytes is wrong',
      ],
      ['without a number of a unit', () => edited('field.tar.gz', '"flops":', '"flopz":'), 'graph.units[0].flops'],
      ['with a changed graph', () => edited('graph.tar.gz', '"type":"float"', '"type":"floaT"'), "the graph's hash is"],
      [
        'with a changed number',
        () => edited('number.tar.gz', '"rounds": 3', '"rounds": 0'),
        'stages.units.value.rounds',
      ],
      ['of another kit', () => edited('kit.tar.gz', '"key": {"kit": "', '"key": {"kid": "'), 'key.kit'],
    ] as const)('%s is refused with its name and the rule', (_, make, message) => {
      const path = make();
      expect(() => readKit(path)).toThrow(InputError);
      expect(() => readKit(path)).toThrow(message);
      expect(() => readKit(path)).toThrow(path);
    });
  });
});

describe.skipIf(missing)(`the machine's description${why}`, () => {
  const i2c = 'sys/bus/i2c/devices';
  /** Reconstruction of a Jetson's files: power rails by hwmon and by the older iio driver. */
  const tree: Readonly<Record<string, string>> = {
    'proc/device-tree/model': 'NVIDIA Jetson AGX Orin Developer Kit\0',
    'proc/cpuinfo': 'processor\t: 0\nFeatures\t: fp asimd evtstrm\nCPU part\t: 0xd42\n',
    'proc/meminfo': 'MemTotal:       64349040 kB\nMemFree: 1 kB\n',
    'etc/nv_tegra_release': '# R35 (release), REVISION: 4.1, GCID: 33958178\n# more\n',
    'sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq': '2201600\n',
    'sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq': '2201600\n',
    'sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq': '1190400\n',
    'sys/devices/system/cpu/cpu2/online': '0\n',
    'sys/class/devfreq/15340000.vic/cur_freq': '115200000\n',
    'sys/class/devfreq/17000000.ga10b/cur_freq': '1300500000\n',
    'sys/class/devfreq/17000000.ga10b/max_freq': '1300500000\n',
    'sys/class/thermal/thermal_zone0/type': 'CPU-therm\n',
    'sys/class/thermal/thermal_zone0/temp': '48718\n',
    'sys/class/thermal/thermal_zone2/type': 'GPU-therm\n',
    'sys/class/thermal/thermal_zone2/temp': '\n',
    [`${i2c}/1-0040/name`]: 'ina3221\n',
    [`${i2c}/1-0040/hwmon/hwmon3/in1_label`]: 'VDD_GPU_SOC\n',
    [`${i2c}/1-0040/hwmon/hwmon3/in1_input`]: '19064\n',
    [`${i2c}/1-0040/hwmon/hwmon3/curr1_input`]: '416\n',
    [`${i2c}/1-0040/hwmon/hwmon3/in2_label`]: 'NC\n',
    [`${i2c}/1-0041/name`]: 'ina3221x\n',
    [`${i2c}/1-0041/iio:device0/rail_name_0`]: 'CPU\n',
    [`${i2c}/1-0041/iio:device0/in_power0_input`]: '766\n',
  };
  const root = join(folder, 'root');
  const bin = join(folder, 'bin');
  const command = (name: string, script: string) => {
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  /** What an expression over the script's functions gives. */
  const ask = (expression: string): unknown =>
    JSON.parse(
      execFileSync(
        python,
        [
          '-c',
          'import json, sys; sys.path.insert(0, sys.argv[1]); import kit; print(json.dumps(eval(sys.argv[2])))',
          join(packageRoot, 'python', 'kit'),
          expression,
        ],
        {
          encoding: 'utf8',
          env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PATH: `${bin}${delimiter}${process.env.PATH}` },
        },
      ),
    );

  beforeAll(() => {
    for (const [path, content] of Object.entries(tree)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    command('nvpmodel', 'echo "NV Power Mode: MODE_30W"; echo 2');
    command(
      'trtexec',
      `for a in "$@"; do case "$a" in
        --exportProfile=*) echo '[{"count": 9}]' > "\${a#*=}";;
        --exportLayerInfo=*) echo '{"Layers": []}' > "\${a#*=}";;
      esac; done; echo "TensorRT version: 8.5.2"`,
    );
  });

  test('clocks, temperatures and power of a recorded tree are those that telemetry reads', () => {
    const described = ask(`kit.describe_machine(${JSON.stringify(`${root}/`)})`) as KitReading['machine'];
    const { value: gpu } = readIntegratedGpu(root);
    expect(described.state.cpuClocks).toEqual(readCpuClocks(root).value);
    expect(described.state.gpuClock).toEqual({ device: gpu!.device, mhz: gpu!.mhz, limitMhz: gpu!.limitMhz });
    const { powerRails, thermalZones } = readSnapshot({ root, nvidiaSmi: null });
    expect(described.state.powerMw).toEqual(Object.fromEntries(powerRails.map(({ rail, powerMw }) => [rail, powerMw])));
    expect(described.state.powerMw).toEqual({ VDD_GPU_SOC: (19064 * 416) / 1000, CPU: 766 });
    expect(described.state.celsius).toEqual(
      Object.fromEntries(thermalZones.map(({ zone, celsius }) => [zone, celsius])),
    );
    expect(described).toMatchObject({
      board: 'NVIDIA Jetson AGX Orin Developer Kit',
      release: '# R35 (release), REVISION: 4.1, GCID: 33958178',
      powerMode: 'MODE_30W',
      cpu: 'CPU part 0xd42',
      vectorExtension: 'asimd',
      memoryKb: 64349040,
      trtexec: true,
    });
  });

  test('power is the mean over what ran, and none where there are no rails', () => {
    expect(ask(`kit.power_during(${JSON.stringify(`${root}/`)}, lambda: None, 0.35)`)).toEqual({
      VDD_GPU_SOC: (19064 * 416) / 1000,
      CPU: 766,
    });
    expect(ask(`kit.power_during(${JSON.stringify(`${folder}/`)}, lambda: None, 0.35)`)).toBeNull();
  });

  test('trtexec is run on the whole model, and what it exports is kept', () => {
    const asked = "kit.measure_trtexec(type('M', (), {'whole': 'model.onnx'}), type('S', (), {'root': '/'}))";
    expect(ask(asked)).toMatchObject({ version: '8.5.2', files: { profile: [{ count: 9 }], layers: { Layers: [] } } });
    command('trtexec', 'echo "no engine"; exit 3');
    expect(() => ask(asked)).toThrow('trtexec ended with 3: no engine');
  });
});

test('an archive written elsewhere is read: files in folders, blocks of zeros at the end', () => {
  const path = join(folder, 'plain.tar.gz');
  mkdirSync(join(folder, 'a'));
  writeFileSync(join(folder, 'a', 'b.txt'), 'x'.repeat(700));
  execFileSync('tar', ['--format=ustar', '-czf', path, '-C', folder, 'a']);
  expect([...readTarGz(path)].map(([name, bytes]) => [name, bytes.length])).toEqual([['a/b.txt', 700]]);
});

test.skipIf(missing)(`outputs agree where they are no numbers in the same places${why}`, () => {
  const program = `
import sys; sys.path.insert(0, ${JSON.stringify(join(packageRoot, 'python', 'kit'))})
import json, kit, numpy
n, i = numpy.nan, numpy.inf
cases = [([n, 1.5], [n, 1]), ([i, -i, 2], [i, -i, 2]), ([1, n], [n, 1]), ([i], [-i]), ([1], [n]), ([], [])]
class Held: pass
def apart(actual, expected):
    held = Held(); held.expected = {"y": numpy.array(expected, "float32")}
    return kit.Model.difference(held, {"y": numpy.array(actual, "float32")})
print(json.dumps([apart(*case) for case in cases]))
`;
  const { stdout, stderr } = spawnSync(python, ['-c', program], { encoding: 'utf8' });
  expect(stdout, stderr).not.toBe('');
  expect(JSON.parse(stdout)).toEqual([0.5, 0, Number.MAX_VALUE, Number.MAX_VALUE, Number.MAX_VALUE, 0]);
});
