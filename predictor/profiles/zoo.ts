// Chips that others measured with ncnn, as profiles: one compact file holds their fitted constants (`device fit-profiles` writes
// it), and a profile is made of them when it is opened. What the measurements do not determine is the same for all chips: taken from
// boards that were measured better, or assumed, each with how far it may be off.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../base/files/paths.js';
import type { OpClass } from '../../models/graph.js';
import { opClasses } from '../../models/graph.js';
import { deviceTerms } from '../latency/layer-terms.js';
import { type Cases, type Prior, type ProfileFile, powerSchema } from './profile-schema.js';

export const zooPrefix = 'ncnn/';

const path = join(packageRoot, 'predictor', 'profiles', 'zoo', 'ncnn.json');

/** ms for each unit of a term, and the factor either way within which 95 % of the posterior lie. */
const constantsSchema = (count: number) =>
  z.strictObject({
    networks: z.int().positive(),
    constants: z.array(z.number().positive()).length(count),
    within: z.array(z.number().min(1)).length(count),
  });

export const zooSchema = z.strictObject({
  version: z.literal(1),
  source: z.string(),
  powers: z.record(z.string(), powerSchema),
  chips: z.array(
    z.strictObject({
      name: z.string(),
      cpu: z.string(),
      /** One of `powers`. */
      power: z.string().optional(),
      gpus: z.array(constantsSchema(deviceTerms.gpu.length).extend({ name: z.string(), class: z.string() })).min(1),
      cpus: z
        .array(
          constantsSchema(deviceTerms.cpu.length).extend({
            threads: z.int().positive(),
            cores: z.enum(['all', 'little', 'big']),
          }),
        )
        .min(1),
    }),
  ),
});
export type Zoo = z.infer<typeof zooSchema>;
type Chip = Zoo['chips'][number];

/** Classes of units that networks of the fit have: convolutional ones, without matrix products. */
export const fittedClasses: readonly OpClass[] = opClasses.filter(
  (opClass) => opClass !== 'matmul' && opClass !== 'control-flow',
);

let read: Zoo | null = null;

function zoo(): Zoo {
  read ??= zooSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  return read;
}

/** `ncnn/jetson-agx-orin`, ... */
export const zooProfiles = (): string[] => zoo().chips.map(({ name }) => `${zooPrefix}${name}`);

/** The profile of a chip by its name with the prefix. */
export function zooProfile(name: string): ProfileFile {
  const { source, powers, chips } = zoo();
  const chip = chips.find((each) => `${zooPrefix}${each.name}` === name)!;
  const power = chip.power === undefined ? undefined : powers[chip.power];
  return { ...chipProfile(chip, source), ...(power && { power }) };
}

/** The prior of a number that no measurement of the chip determines. */
const anOrder = (source: string): Prior => ({ distribution: 'log-uniform', factor: 10, source });

const significant = (value: number): string => String(Number(value.toPrecision(4)));

/** A mode: threads, then their cores unless all, then the GPU where a chip has several. */
export function modesOf({ gpus, cpus }: Pick<Chip, 'gpus' | 'cpus'>) {
  return cpus.flatMap((cpu) =>
    gpus.map((gpu) => ({
      mode: [
        `${cpu.threads}-thread${cpu.threads > 1 ? 's' : ''}`,
        ...(cpu.cores === 'all' ? [] : [cpu.cores]),
        ...(gpus.length > 1 ? [slug(gpu.name)] : []),
      ].join('-'),
      cpu,
      gpu,
    })),
  );
}

const slug = (name: string): string =>
  name
    .replace(/^Microsoft Direct3D12 |\(R\)|\(TM\)|[()]/g, '')
    .trim()
    .replace(/[^\w.]+/g, '-')
    .toLowerCase();

/** @param source of the fitted constants */
export function chipProfile(chip: Chip, source: string): ProfileFile {
  const modes = modesOf(chip);
  const cases = (value: (mode: (typeof modes)[number]) => Omit<Cases[number], 'when'>): Cases =>
    modes.map((mode) => ({ when: { mode: mode.mode }, ...value(mode) }));
  const one = (value: string, kind: Cases[number]['kind'], from: string, prior?: Prior): Cases => [
    { value, kind, source: from, ...(prior && { prior }) },
  ];
  const contained = one('0 us', 'derived', "contained in the predictor's constant for each layer");
  const compute = (msPerMac: number) => `${significant(2 / msPerMac / 1e6)} GFLOP/s`;
  // 2 bytes in fp16.
  const bandwidth = (msPerElement: number) => `${significant(2 / msPerElement / 1e6)} GB/s`;
  const fromFit = (what: string, prior: Prior) => ({ kind: 'derived' as const, source: `${source}: ${what}`, prior });
  const wide: Prior = anOrder('a ceiling read off the constants of a sum; only classes that nobody fitted use it');
  // A layer of 1e8 multiply-accumulates, of which the constant is for the power 0.9.
  const gpuMsPerMac = (constant: number) => (constant * 1e8 ** 0.9) / 1e8;
  const cpuBandwidth = (mode: (typeof modes)[number]) => bandwidth(mode.cpu.constants[4]!);
  const gpuBandwidth = (mode: (typeof modes)[number]) => bandwidth(mode.gpu.constants[2]!);
  const move = (latency: string, from: string) => ({
    latency: one(
      latency,
      'assumed',
      from,
      anOrder('no measurement of this chip: between mapped memory and a framework'),
    ),
    bandwidth: one(
      '10 GB/s',
      'assumed',
      'the order of copies on AGX Orin and of mapped images on Pixel 4 (their profiles): nobody measured it here',
      anOrder('no measurement of this chip'),
    ),
  });
  const predictor = (
    device: 0 | 1,
    mode: string,
    { constants, within, networks }: Chip['gpus'][number] | Chip['cpus'][number],
  ) => {
    const terms = device === 0 ? deviceTerms.cpu : deviceTerms.gpu;
    const known = terms.map((term, at) => `${term} within x${within[at]}`).join(', ');
    return {
      when: { mode },
      device,
      classes: [...fittedClasses],
      // A constant that is known within a factor of two at best comes from the other chips rather than from this one.
      kind: within.some((factor) => factor > 2) ? ('derived' as const) : ('fitted' as const),
      source: `${source}, ${networks} networks, with the prior of all chips; 95 % of the posterior: ${known}`,
      predictor: {
        version: 1,
        kind: 'layer-terms',
        constants: Object.fromEntries(terms.map((term, at) => [term, constants[at]])),
      },
    };
  };
  return {
    version: 1,
    name: `${zooPrefix}${chip.name}`,
    description: `${chip.cpu || chip.name} and ${chip.gpus.map(({ name }) => name).join(' or ')}, fitted to whole networks by ncnn (Vulkan on the GPU), fp16, batch 1.`,
    notes: [
      'Fitted to times of whole networks: transfers, synchronisation, start-up and what runs at the same time cannot be estimated from them, and are assumed.',
    ],
    axes: { mode: modes.map(({ mode }) => mode), precision: ['fp16'], launch: ['runtime'], transfer: ['copy'] },
    devices: [
      {
        name: chip.cpu || 'CPU',
        kind: 'cpu',
        compute: cases(({ cpu }) => ({
          value: compute(cpu.constants[2]!),
          ...fromFit('2 / time of a multiply-accumulate outside 3 x 3 convolutions', wide),
        })),
        bandwidth: cases((mode) => ({
          value: cpuBandwidth(mode),
          ...fromFit('2 bytes / time of an element read or written', wide),
        })),
        efficiency: {},
        launch: contained,
      },
      {
        name: chip.gpus.map(({ name }) => name).join(' or '),
        kind: 'gpu',
        compute: cases(({ gpu }) => ({
          value: compute(gpuMsPerMac(gpu.constants[1]!)),
          ...fromFit('2 / time of a multiply-accumulate in a layer of 1e8', wide),
        })),
        bandwidth: cases((mode) => ({ value: gpuBandwidth(mode), ...fromFit('2 bytes / time of a weight', wide) })),
        efficiency: {},
        launch: contained,
      },
    ],
    sync: one('0 us', 'assumed', 'one submission for all layers; what a wait costs is in the transfer to the CPU'),
    transfer: [
      move(
        '130 us',
        'Pixel 4 (its profile, by CoDL, MobiSys 2022): between 7 us direct and 69 us copied on AGX Orin, 1 ms',
      ),
      move('300 us', 'between AGX Orin (114 us copied) and Pixel 4 (920 us, CoDL, MobiSys 2022): their profiles'),
    ],
    shared: {
      cores: cases(({ cpu }) => ({
        value: String(cpu.threads),
        kind: 'measured',
        source: `${source}: threads of the runs`,
      })),
      bandwidth: cases((mode) => ({
        value: `${significant(Math.max(Number.parseFloat(cpuBandwidth(mode)), Number.parseFloat(gpuBandwidth(mode))))} GB/s`,
        kind: 'assumed' as const,
        source: 'the greater of both ceilings, which are read off constants of sums: nobody measured the memory here',
        prior: anOrder('no measurement of this chip'),
      })),
    },
    predictors: modes.flatMap(({ mode, cpu, gpu }) => [predictor(0, mode, cpu), predictor(1, mode, gpu)]),
  };
}
