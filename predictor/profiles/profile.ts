// A device profile: one variant of a board, every number resolved to the program's units, with the weakest source.
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import { canonicalJson, contentHash } from '../../base/files/hash.js';
import { memoize } from '../../base/functions/memoize.js';
import type { Granularity, OpClass } from '../../models/graph.js';
import { opClasses } from '../../models/graph.js';
import type { LatencyPredictor } from '../latency/latency-predictor.js';
import { openPredictor } from '../latency/predictor.js';
import { type Constant, matches, NumberReader } from './number-reader.js';
import { type OpenedProfile, openProfile } from './profile-file.js';
import {
  type Axes,
  axisNames,
  type Cases,
  type Prior,
  type ProfileFile,
  type SourceKind,
  weaker,
} from './profile-schema.js';

export interface DeviceModel {
  readonly name: string;
  readonly kind: 'cpu' | 'gpu';
  /** Arithmetic ceiling of each operator class: the device's ceiling times the class's efficiency. */
  readonly flopPerMs: Readonly<Record<OpClass, number>>;
  readonly bytesPerMs: number;
  readonly launchMs: number;
}

export interface DeviceProfile {
  readonly version: 1;
  readonly name: string;
  /** `profile://name?mode=...&precision=...&launch=...&transfer=...`, every axis given, then replaced numbers. */
  readonly uri: string;
  /** Of the resolved numbers that serial execution uses. */
  readonly hash: string;
  /** Of the whole profile, every variant. */
  readonly fileHash: string;
  readonly axes: Axes;
  /** `eager` launches each operator, `graph` each fused unit. */
  readonly granularity: Granularity;
  readonly devices: readonly [DeviceModel, DeviceModel];
  readonly syncMs: number;
  readonly transfer: readonly [MoveModel, MoveModel];
  /** For overlap execution; null where the profile does not say. */
  readonly shared: SharedModel | null;
  /** For energy; null where the profile does not say. */
  readonly power: PowerModel | null;
  /** Predictor for units, launches included; null if the ceilings give the times. */
  readonly predictors: readonly [LatencyPredictor | null, LatencyPredictor | null];
  /** Predictor for split units; null if the unit predictor handles splits. */
  readonly partPredictors: readonly [LatencyPredictor | null, LatencyPredictor | null];
  /** Classes of units that a predictor is used for; null for all. */
  readonly predictedClasses: readonly [readonly OpClass[] | null, readonly OpClass[] | null];
  /** Operator types that device 1 is said not to run; none unless the URI names some. */
  readonly unsupported: readonly string[];
  /** Weakest kind among the numbers that serial execution uses. */
  readonly weakestSource: SourceKind;
  /** Priors of the variant's numbers that have one, by name. */
  readonly priors: Readonly<Record<string, Prior>>;
  /** Every number of the variant and every predictor, with its source, in the file's order. */
  readonly constants: readonly Constant[];
  /** Caveats that every result from it must show. */
  readonly notes: readonly string[];
}

/** Resources shared by units that run at the same time. */
export interface SharedModel {
  /** Of device 0; a kernel alone uses them all. */
  readonly cores: number;
  /** The memory's, for both devices together. */
  readonly bytesPerMs: number;
  /** Factors on the time of device 0's kernels while device 1 computes, and of device 1's while device 0 does, where given. */
  readonly interference?: readonly [number, number];
  /** Speed that a budget of power leaves to both devices while both compute, of theirs alone; where one is given. */
  readonly powerRate?: number;
  /** Of all numbers of the variant, these included. */
  readonly hash: string;
  readonly weakestSource: SourceKind;
}

/** Power of the whole system at its supply, W. Numbers of it change neither the profile's hash nor its weakest source. */
export interface PowerModel {
  readonly idleW: number;
  /** While only this device works, launches and waits for it included. */
  readonly busyW: readonly [number, number];
  /** While a tensor moves. */
  readonly movingW: number;
  readonly weakestSource: SourceKind;
}

export interface MoveModel {
  readonly latencyMs: number;
  readonly bytesPerMs: number;
}

/**
 * Resolves `profile://jetson-agx-orin?mode=maxn` or `file:///path/own.json?mode=maxn`; axes that are not given take the
 * file's first value. A query such as `device1.launch=20us` replaces one number and
 * `device1.launch=x2` scales it; it is then an assumed one;
 * `unsupported=LRN;Softmax` keeps operators of these types off device 1; `member=3` draws every number that has a prior, the same
 * draw for the same number. Modes draw together: a number has one factor in all of them.
 * @throws InputError when profile, axis, axis value or number is unknown, or the file breaks the schema.
 */
export function loadProfile(uri: string): DeviceProfile {
  const opened = openProfile(uri);
  return resolveProfile(opened, variantsOf(opened)[0]!);
}

/** Every variant of a profile that agrees with the axes given in `uri`, as full URIs, in the file's order. */
export function profileVariants(uri: string): string[] {
  const opened = openProfile(uri);
  return variantsOf(opened).map((axes) => opened.uri(axes));
}

function variantsOf({ file, axes }: OpenedProfile): Axes[] {
  let variants: Partial<Axes>[] = [{}];
  for (const axis of axisNames) {
    const values = axes[axis] ? [axes[axis]] : file.axes[axis];
    variants = variants.flatMap((partial) => values.map((value) => ({ ...partial, [axis]: value })));
  }
  return variants as Axes[];
}

/** A file is resolved for many variants and values. */
const fileHash = memoize((file: ProfileFile) => contentHash(canonicalJson(file)));

/** Chooses each number's case and converts it. */
export function resolveProfile(opened: OpenedProfile, axes: Axes): DeviceProfile {
  const { file, overrides, unsupported, member } = opened;
  const numbers = new NumberReader(file.name, axes, overrides, member);
  const device = (index: 0 | 1): DeviceModel => {
    const model = file.devices[index];
    const ceiling = numbers.read(model.compute, 'compute', `device${index}.compute`);
    const throughput = (opClass: OpClass) => {
      const cases = model.efficiency[opClass];
      return cases ? ceiling * numbers.read(cases, 'efficiency', `device${index}.efficiency.${opClass}`) : ceiling;
    };
    return {
      name: model.name,
      kind: model.kind,
      flopPerMs: Object.fromEntries(
        opClasses.map((opClass) => [opClass, throughput(opClass)]),
      ) as DeviceModel['flopPerMs'],
      bytesPerMs: numbers.read(model.bandwidth, 'bandwidth', `device${index}.bandwidth`),
      launchMs: numbers.read(model.launch, 'launch', `device${index}.launch`),
    };
  };
  const move = (to: 0 | 1): MoveModel => ({
    latencyMs: numbers.read(file.transfer[to].latency, 'latency', `transfer${to}.latency`),
    bytesPerMs: numbers.read(file.transfer[to].bandwidth, 'bandwidth', `transfer${to}.bandwidth`),
  });
  const resolved = {
    version: 1 as const,
    name: file.name,
    axes,
    granularity: axes.launch === 'eager' ? ('operator' as const) : ('fused' as const),
    devices: [device(0), device(1)] as const,
    syncMs: numbers.read(file.sync, 'sync', 'sync'),
    transfer: [move(0), move(1)] as const,
  };
  const predictors = [predictorOf(file, axes, 0), predictorOf(file, axes, 1)] as const;
  const partPredictors = [partPredictorOf(file, axes, 0), partPredictorOf(file, axes, 1)] as const;
  const fitted: Constant[] = [];
  for (const [name, found] of Object.entries({ predictor: predictors, partPredictor: partPredictors }))
    for (const { device, kind, source } of found.flatMap((each) => each ?? [])) {
      numbers.weakestSource = weaker(numbers.weakestSource, kind);
      fitted.push({ name: `device${device}.${name}`, value: 'a function of features', amount: null, kind, source });
    }
  const predictedClasses = [predictors[0]?.classes ?? null, predictors[1]?.classes ?? null] as const;
  const { weakestSource } = numbers;
  const hash = contentHash(
    canonicalJson({
      ...resolved,
      ...(unsupported.length > 0 && { unsupported }),
      ...(predictors.some(Boolean) && { predictors: predictors.map((found) => found?.predictor ?? null) }),
      ...(partPredictors.some(Boolean) && { partPredictors: partPredictors.map((found) => found?.predictor ?? null) }),
      ...(predictedClasses.some(Boolean) && { predictedClasses }),
    }),
  );
  // After the rest: what serial execution does not use changes neither its hash nor its weakest source.
  const resources = file.shared && {
    cores: numbers.read(file.shared.cores, 'cores', 'shared.cores'),
    bytesPerMs: numbers.read(file.shared.bandwidth, 'bandwidth', 'shared.bandwidth'),
    ...interferenceOf(numbers, file.shared.interference),
  };
  const sharedSource = numbers.weakestSource;
  const power = file.power && powerOf(numbers, file.power);
  const budget = file.shared ? powerRateOf(numbers, file, power ?? null) : {};
  const shared = resources && { ...resources, ...budget };
  const names = numbers.constants.map(({ name }) => name);
  const unknown = [...overrides.keys()].find((name) => !names.includes(name));
  if (unknown) {
    throw new InputError(
      `profile ${file.name}: "${unknown}" is neither an axis nor a number of the profile.`,
      didYouMean(unknown, [...axisNames, ...names]),
    );
  }
  const open = (of: typeof predictors, device: 0 | 1): LatencyPredictor | null => {
    const found = of[device];
    return found ? openPredictor(found.predictor, `profile ${file.name}: predictor of device ${device}`) : null;
  };
  return {
    ...resolved,
    shared: shared
      ? {
          ...shared,
          hash: contentHash(canonicalJson({ hash, shared })),
          weakestSource: shared.powerRate === undefined ? sharedSource : numbers.weakestSource,
        }
      : null,
    power: power ?? null,
    uri: opened.uri(axes),
    predictors: [open(predictors, 0), open(predictors, 1)],
    partPredictors: [open(partPredictors, 0), open(partPredictors, 1)],
    predictedClasses,
    unsupported,
    weakestSource,
    priors: numbers.priors,
    constants: [...numbers.constants, ...fitted],
    notes: file.notes ?? [],
    hash,
    fileHash: fileHash(file),
  };
}

function powerOf(numbers: NumberReader, file: NonNullable<ProfileFile['power']>): PowerModel {
  const watts = (state: keyof typeof file) => numbers.read(file[state], 'power', `power.${state}`) / 1000;
  const [idleW, busyW, movingW] = [watts('idle'), [watts('device0'), watts('device1')] as const, watts('moving')];
  const kinds = numbers.constants.filter(({ name }) => name.startsWith('power.')).map(({ kind }) => kind);
  return { idleW, busyW, movingW, weakestSource: kinds.reduce(weaker) };
}

/**
 * Both devices slow down alike until the board keeps its budget: what each draws above idle falls with its speed.
 * @throws InputError when the profile has no power, or idles above the budget
 */
function powerRateOf(numbers: NumberReader, { name, shared }: ProfileFile, power: PowerModel | null) {
  const budgetMw = numbers.readGiven(shared?.powerBudget, 'power', 'shared.powerBudget', '1 W');
  if (budgetMw === null) return {};
  const budgetW = budgetMw / 1000;
  if (power === null || budgetW <= power.idleW)
    throw new InputError(
      `profile ${name}: shared.powerBudget is ${budgetW} W, but the board ${power ? `idles at ${power.idleW} W` : 'states no power'}.`,
      'Give a budget above idle power on a profile with "power" (docs/energy.md), or none.',
    );
  const aboveIdleW = power.busyW.reduce((sum, watts) => sum + Math.max(0, watts - power.idleW), 0);
  return { powerRate: aboveIdleW === 0 ? 1 : Math.min(1, (budgetW - power.idleW) / aboveIdleW) };
}

/** @throws InputError when several predictors of the device match the axes. */
function predictorOf(file: ProfileFile, axes: Axes, device: 0 | 1) {
  return theOne(file, axes, device, 'predictors', (each) => matches(each.when, axes));
}

/** @throws InputError when several predictors of split units match the axes. */
function partPredictorOf(file: ProfileFile, axes: Axes, device: 0 | 1) {
  return theOne(file, axes, device, 'predictors of parts', ({ partsOf }) => !!partsOf && matches(partsOf, axes));
}

type PredictorCase = NonNullable<ProfileFile['predictors']>[number];

function theOne(
  { name, predictors = [] }: ProfileFile,
  axes: Axes,
  device: 0 | 1,
  what: string,
  is: (each: PredictorCase) => boolean,
): PredictorCase | null {
  const matching = predictors.filter((each) => each.device === device && is(each));
  if (matching.length > 1)
    throw new InputError(
      `profile ${name}: device ${device} has ${matching.length} ${what} for ${JSON.stringify(axes)}.`,
      'Each variant has one predictor of a device at most.',
    );
  return matching[0] ?? null;
}

/** Empty where neither the file nor the URI gives a factor: such profiles keep their hash. */
function interferenceOf(numbers: NumberReader, cases: readonly [Cases, Cases] | undefined) {
  const factor = (device: 0 | 1) =>
    numbers.readGiven(cases?.[device], 'interference', `shared.interference.device${device}`, '1');
  const factors = [factor(0), factor(1)] as const;
  return factors[0] === null && factors[1] === null
    ? {}
    : { interference: [factors[0] ?? 1, factors[1] ?? 1] as const };
}
