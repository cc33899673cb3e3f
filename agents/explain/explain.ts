// Why a schedule is as fast as it is: where its time goes, why each device alone is slower, what moving units would cost, and
// what would have to be true for another schedule to win. All of it is simulated, and each number can be simulated again.
import { InputError } from '../../base/errors/input-error.js';
import { Rng } from '../../base/random/rng.js';
import type { Conditions } from '../../engine/conditions.js';
import { parseHardwareUri } from '../../engine/runtime/hardware.js';
import { openScenario, type Scenario } from '../../engine/scenario.js';
import { Schedule } from '../../engine/schedule.js';
import type { Granularity, OpClass, OperatorGraph } from '../../models/graph.js';
import type { ModelOptions } from '../../models/uri.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import type { SourceKind } from '../../predictor/profiles/profile-schema.js';
import { kernelLimits } from '../../predictor/profiles/roofline.js';
import { isTableUri } from '../../predictor/tables/profile-table.js';
import { plannerNamed } from '../baselines/registry.js';
import { type Case, caseOf, type NamedSchedule, standingOf, traceOf, type Winner } from './case.js';
import { type Comparison, compare, type Execution, type LimitOf } from './comparison.js';
import { factorLevers, profileLevers } from './levers.js';
import { type GroupMove, type Move, movesAlone, movesTogether } from './moves.js';
import { type Bounds, boundsOf, type Threshold, thresholdOf } from './thresholds.js';
import { type TimeUse, timeUses } from './time-use.js';

/** Times in ms, everywhere. Field by field in docs/explain.md. */
export interface Explanation {
  readonly version: 1;
  /** As full URIs. */
  readonly model: string;
  readonly profile: string;
  readonly modelHash: string;
  readonly profileHash: string;
  readonly kind: 'simulated';
  readonly weakestSource: SourceKind;
  readonly notes: readonly string[];
  readonly execution: Conditions['execution'];
  readonly granularity: Granularity;
  readonly devices: readonly [ExplainedDevice, ExplainedDevice];
  readonly units: readonly { readonly name: string; readonly opClass: OpClass; readonly share: number }[];
  /** What is explained. */
  readonly schedule: Timed;
  /** Each device alone, wherever it is supported. */
  readonly alone: readonly [TimedUse, TimedUse];
  /** The best schedule of both devices: proved in serial execution, in overlap execution the best of three planners. */
  readonly hybrid: Timed;
  /** `hybrid` where that is at least 2 % faster than the better device. */
  readonly winner: Winner;
  /** Of the explained schedule. `total` adds up to its latency, and so does `devices` for each of them. */
  readonly time: { readonly total: TimeUse; readonly devices: readonly [TimeUse, TimeUse]; readonly bothMs: number };
  /** First the devices with each other, then the schedule with the better of them. */
  readonly comparisons: readonly [Comparison, Comparison];
  /** Those that cost most first. */
  readonly movedAlone: readonly Move[];
  /** Those that spare most by moving together first. */
  readonly movedTogether: readonly GroupMove[];
  /** Empty where nothing can be varied: a measured model in overlap execution. */
  readonly thresholds: readonly Threshold[];
  readonly bounds: Bounds | null;
}

export interface Timed {
  readonly name: string;
  readonly latencyMs: number;
}

export interface TimedUse extends Timed {
  /** Adds up to the latency. */
  readonly time: TimeUse;
}

export interface ExplainedDevice {
  readonly name: string;
  readonly kind: 'cpu' | 'gpu';
  /** CPU or GPU where they differ by that, else "device 0" and "device 1". */
  readonly label: string;
  /** Of the explained schedule: units of which it computes any part. */
  readonly units: number;
  /** What a launch of one unit takes. */
  readonly launchMs: number;
}

export interface ExplainOptions extends ModelOptions {
  /** Default `serial`. */
  readonly execution?: Conditions['execution'] | undefined;
  /** A planner by its name. Default: whichever wins, a device alone or the best hybrid schedule. */
  readonly schedule?: string | undefined;
}

/**
 * Explains a schedule of a model.
 * @param platform a device profile, or the table of a measured model
 * @throws InputError when model, platform or planner is unknown, the platform is hardware, or the execution cannot be simulated
 */
export async function explain(model: string, platform: string, options: ExplainOptions = {}): Promise<Explanation> {
  const { schedule, execution = 'serial', ...rest } = options;
  const planner = schedule === undefined ? null : plannerNamed(schedule);
  if (parseHardwareUri(platform))
    throw new InputError(
      `explain: ${platform} is hardware, which is measured; explanations compare thousands of simulated executions.`,
      'Give a device profile, or profile the model (`sparoa-gym device profile`) and give table:///path/profile.json.',
    );
  const scenario = await openScenario(model, platform, { ...rest, execution });
  const { graph, executor, costs, conditions } = scenario;
  const own = caseOf(executor, graph, costs, conditions);
  if (!planner) return explanation(scenario, own, null);
  const planned = planner.plan({ graph, costs, conditions, executor, random: Rng.of(0, schedule!) });
  return explanation(scenario, own, { name: schedule!, schedule: planned, latencyMs: own.latencyMs(planned) });
}

/** @param given null: the winner */
function explanation(scenario: Scenario, own: Case, given: NamedSchedule | null): Explanation {
  const { model, platform, graph, executor, costs, conditions } = scenario;
  const table = isTableUri(platform.uri);
  const profile = table ? null : loadProfile(platform.uri);
  const { deviceMs, hybrid, winner } = standingOf(own);
  const executed = (named: NamedSchedule): Execution => {
    const trace = traceOf(executor, graph, named.schedule, conditions);
    return { ...named, uses: timeUses(trace, costs.launchMs(1) > 0) };
  };
  const single = (name: string, device: 0 | 1): Execution =>
    executed({ name, schedule: Schedule.onDevice(graph, device), latencyMs: deviceMs[device] });
  const [cpu, gpu] = [single('cpu-only', 0), single('gpu-only', 1)];
  const better = gpu.latencyMs < cpu.latencyMs ? gpu : cpu;
  const explained = given ?? (winner === 'hybrid' ? hybrid : better);
  const execution = executed(explained);
  const limitOf: LimitOf = profile ? kernelLimits(graph, profile) : () => null;
  const alone = movesAlone(own, explained.schedule);
  const levers = profile
    ? profileLevers(profile, graph, conditions)
    : conditions.execution === 'serial'
      ? factorLevers(own)
      : [];
  const used = (each: Execution): TimedUse => ({ ...timed(each), time: each.uses.total });
  const timed = ({ name, latencyMs }: Timed): Timed => ({ name, latencyMs });
  return {
    version: 1,
    model: model.uri,
    profile: platform.uri,
    modelHash: model.modelHash,
    profileHash: (conditions.execution === 'overlap' && profile?.shared?.hash) || platform.hash,
    kind: 'simulated',
    weakestSource: (conditions.execution === 'overlap' && profile?.shared?.weakestSource) || platform.weakestSource,
    notes: platform.notes ?? [],
    execution: conditions.execution,
    granularity: graph.granularity,
    devices: devicesOf(scenario, explained.schedule),
    units: graph.units.map(({ id, name, opClass }) => ({ name, opClass, share: explained.schedule.share[id]! })),
    schedule: timed(explained),
    alone: [used(cpu), used(gpu)],
    hybrid: timed(hybrid),
    winner,
    time: execution.uses,
    comparisons: [compare(graph, costs, limitOf, cpu, gpu), compare(graph, costs, limitOf, execution, better)],
    movedAlone: alone.toSorted((a, b) => b.costMs - a.costMs || a.unit - b.unit),
    movedTogether: movesTogether(own, explained.schedule, alone),
    thresholds: levers.map((lever) => thresholdOf(lever, winner)),
    bounds: boundsOf(own, deviceMs),
  };
}

function devicesOf({ executor, graph, costs }: Scenario, { share }: Schedule): [ExplainedDevice, ExplainedDevice] {
  const [first, second] = executor.devices;
  const differ = first!.kind !== second!.kind;
  return ([0, 1] as const).map((device) => {
    const { name, kind } = executor.devices[device]!;
    const label = differ ? kind.toUpperCase() : `device ${device}`;
    return { name, kind, label, units: unitsOn(graph, share, device), launchMs: costs.launchMs(device) };
  }) as [ExplainedDevice, ExplainedDevice];
}

const unitsOn = ({ units }: OperatorGraph, share: Float32Array, device: 0 | 1): number =>
  units.filter(({ id }) => (device === 0 ? share[id]! < 1 : share[id]! > 0)).length;
