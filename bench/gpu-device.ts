// What is checked and measured on one GPU, beside the runtime's own tests: random placements of real networks run where
// they should and give the plain session's outputs; latencies and energy of schedules, costs of units and of moves.
import { type PlannerName, planners } from '../agents/baselines/registry.js';
import { InputError } from '../base/errors/input-error.js';
import { Rng } from '../base/random/rng.js';
import { quantile } from '../base/statistics/quantile.js';
import type { Executor } from '../engine/executor.js';
import { runWithEnergy } from '../engine/runtime/energy.js';
import { hardwareExecutors } from '../engine/runtime/hardware.js';
import { measureCosts } from '../engine/runtime/measuring/measured-costs.js';
import { openScenario, type Scenario } from '../engine/scenario.js';
import { Schedule } from '../engine/schedule.js';
import { traceViolations } from '../engine/trace-invariants.js';

const executors = ['session', 'lanes'] as const;
const schedulers = ['cpu-only', 'gpu-only', 'greedy', 'optimum'] as const satisfies readonly PlannerName[];

export interface DeviceChecks {
  readonly placements: PlacementRow[];
  readonly latencies: LatencyRow[];
  readonly moves: MoveRow[];
  readonly units: UnitRow[];
}

interface Subject {
  readonly model: string;
  readonly executor: string;
  readonly devices: string;
}

/** A random placement: `error` is empty if it ran as placed, with the right outputs and a valid trace. */
export interface PlacementRow extends Subject {
  readonly seed: number;
  readonly error: string;
}

/** Medians and quartiles of `executions`; the schedulers take turns. */
export interface LatencyRow extends Subject {
  readonly scheduler: string;
  /** Units on the GPU. */
  readonly gpuUnits: number;
  readonly units: number;
  readonly executions: number;
  readonly latencyMs: number;
  readonly latencyMsQuartile1: number;
  readonly latencyMsQuartile3: number;
  /** Per execution, by rail, as JSON; null where no rail can be read. */
  readonly energyMj: string | null;
}

/** Fitted to measured moves: b bytes take fixedMs + b / bytesPerS. */
export interface MoveRow extends Subject {
  readonly to: string;
  readonly fixedMs: number;
  /** Null where larger tensors did not take longer. */
  readonly bytesPerS: number | null;
}

/** A unit by itself on each device, launch and synchronisation included; null where the device does not run it. */
export interface UnitRow extends Subject {
  readonly unit: string;
  readonly opClass: string;
  readonly flops: number;
  readonly cpuMs: number | null;
  readonly gpuMs: number | null;
}

/**
 * @param gpu as device pairs name it, such as `webgpu`
 * @param placements random placements per model and executor
 * @param executions of each schedule that is timed
 */
export async function checkDevice(
  gpu: string,
  { models, placements, executions }: { models: readonly string[]; placements: number; executions: number },
): Promise<DeviceChecks> {
  const checks: DeviceChecks = { placements: [], latencies: [], moves: [], units: [] };
  const devices = `cpu:1+${gpu}`;
  for (const model of models) {
    for (const executor of executors) {
      process.stderr.write(`${model} on ${devices}, ${executor}\n`);
      const subject = { model, executor, devices };
      const scenario = await openScenario(model, `${executor}://${devices}`);
      try {
        for (let seed = 0; seed < placements; seed++)
          checks.placements.push({ ...subject, seed, error: placementError(scenario, seed) });
        checks.latencies.push(...latencies(scenario, subject, executions));
        if (hardwareExecutors[executor].stepwise) addCosts(checks, scenario, subject);
      } finally {
        scenario.executor.close();
      }
    }
  }
  return checks;
}

function placementError(scenario: Scenario, seed: number): string {
  const { graph, executor } = scenario;
  const random = Rng.of(seed, 'gpu-checks');
  const schedule = Schedule.of(
    graph,
    graph.units.map(({ onlyOn }) => onlyOn ?? random.integer(2)),
  );
  // The executors compare outputs with the plain session's, and attest where units ran.
  const trace = executor.run(graph, schedule, overlapping(scenario));
  return 'error' in trace ? trace.error : traceViolations(graph, trace).join('; ');
}

function latencies(scenario: Scenario, subject: Subject, executions: number): LatencyRow[] {
  const { graph, executor, costs, conditions } = scenario;
  const schedules = schedulers.map((scheduler) =>
    planners[scheduler].plan({ graph, costs, conditions, random: Rng.of(0, scheduler) }),
  );
  const samples = schedules.map((): number[] => []);
  for (let turn = 0; turn <= executions; turn++)
    for (const [i, schedule] of schedules.entries()) {
      const ms = makespanMs(executor, graph, schedule, scenario);
      // The first turn compiles.
      if (turn > 0) samples[i]!.push(ms);
    }
  return schedules.map((schedule, i) => {
    const trace = runWithEnergy(executor, graph, schedule, overlapping(scenario));
    const energyMj = 'error' in trace ? null : trace.energyMj;
    return {
      ...subject,
      scheduler: schedulers[i]!,
      gpuUnits: schedule.share.reduce((sum, share) => sum + share, 0),
      units: graph.units.length,
      executions,
      latencyMs: quantile(samples[i]!, 0.5),
      latencyMsQuartile1: quantile(samples[i]!, 0.25),
      latencyMsQuartile3: quantile(samples[i]!, 0.75),
      energyMj: energyMj && JSON.stringify(energyMj),
    };
  });
}

function addCosts(checks: DeviceChecks, { graph, executor, conditions }: Scenario, subject: Subject): void {
  const costs = measureCosts(executor, graph, conditions);
  for (const [device, { fixedMs, msPerByte }] of costs.moves.entries())
    checks.moves.push({
      ...subject,
      to: executor.devices[device]!.name,
      fixedMs,
      bytesPerS: msPerByte > 0 ? 1000 / msPerByte : null,
    });
  for (const { id, name, opClass, flops, onlyOn } of graph.units) {
    const [cpuMs, gpuMs] = [0, 1].map((device) => (onlyOn === 1 - device ? null : costs.unitMs(id, device, 1)));
    checks.units.push({ ...subject, unit: name, opClass, flops, cpuMs: cpuMs!, gpuMs: gpuMs! });
  }
}

/** Lanes then run compiled segments, both at the same time; a session does what it always does. */
const overlapping = ({ conditions }: Scenario) => ({ ...conditions, execution: 'overlap' as const });

function makespanMs(executor: Executor, graph: Scenario['graph'], schedule: Schedule, scenario: Scenario): number {
  const trace = executor.run(graph, schedule, overlapping(scenario));
  if ('error' in trace) throw new InputError(`gpu-checks: ${trace.error}`, 'See docs/gpu.md.');
  return trace.makespanMs;
}
