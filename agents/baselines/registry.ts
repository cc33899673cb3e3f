// Baselines, schedulers that do not learn, by their names in configs and result files. A planner knows the problem and
// gives a schedule, on every environment that places the units of one inference; a policy plays one environment, action
// by action. Plug-ins register theirs by the same function.
import { didYouMean, InputError } from '../../base/errors/input-error.js';
import type { Rng } from '../../base/random/rng.js';
import type { Scenario } from '../../engine/scenario.js';
import type { Schedule } from '../../engine/schedule.js';
import type { Env } from '../../env/gym/env.js';
import { Discrete } from '../../env/gym/spaces/discrete.js';
import { situated } from '../../env/randomisation/situation.js';
import type { Goal } from '../../env/rewards/rewards.js';
import { optimum, optimumShares } from '../bounds/optimum.js';
import type { Action } from '../train-loop.js';
import { coExecution, coExecutionGrid } from './co-execution.js';
import { codl } from './codl.js';
import { compilerGpu, frameworkGpu } from './launch-modes.js';
import { listScheduling } from './list-scheduling.js';
import { planningProblem } from './objective.js';
import { bident } from './paths/bident.js';
import { dynamicProgramming } from './paths/dynamic-programming.js';
import type { Planner, PlanningProblem } from './planner.js';
import { annealing, byStages, type Improver, randomSearch } from './search/schedules.js';
import { cpuOnly, gpuOnly, greedy, random } from './simple.js';
import { cpop, heft } from './task-graphs/heft.js';
import { peft } from './task-graphs/peft.js';
import { asPlanner } from './task-graphs/planners.js';
import { staticThreshold, staticThresholdTuned } from './threshold.js';

interface BaselineCard {
  /** One line for tables and `list`. */
  readonly summary: string;
  /** Whether it draws random numbers, and so is run once per seed. */
  readonly stochastic: boolean;
  /** Whether it tries schedules or episodes; a config may say how many. */
  readonly searches?: boolean;
  /** Why it stands for nothing in a scenario, where it is left out; null where it does. Default: it is defined everywhere. */
  undefinedIn?(scenario: Scenario): string | null;
}

export interface PlannerEntry extends BaselineCard {
  readonly plan: Planner;
}

/** What a decision takes on an environment with a clock of its own, ms. */
export interface DecisionCharge {
  readonly decisionMsPerInference: number;
  readonly decisionMsPerUnit: number;
}

/** Decisions take no time. */
export const free: DecisionCharge = { decisionMsPerInference: 0, decisionMsPerUnit: 0 };

/** A policy that plays an environment without learning. */
export interface Baseline extends BaselineCard {
  /** `planned`: found beforehand, or by hindsight; `online`: decided inside the episode, its time charged. */
  readonly decision: 'planned' | 'online';
  readonly charge: DecisionCharge;
  /** Whether it is a planner, which may be given other costs than the true ones; default: no. */
  readonly plans?: boolean;
  /**
   * After a reset: the function that gives each next action.
   * @param evaluations what it may try if it searches; default: its own number
   */
  begin(env: Env<Float32Array, Action>, rng: Rng, evaluations?: number): () => Action;
}

/** A baseline of the environments that it names. */
export interface PolicyEntry extends Omit<Baseline, 'charge'> {
  readonly environments: readonly string[];
  /** Default: none. */
  readonly charge?: DecisionCharge;
}

export const planners = {
  'cpu-only': { plan: cpuOnly, summary: 'every unit on the CPU', stochastic: false },
  'gpu-only': { plan: gpuOnly, summary: 'every unit that the GPU can run on the GPU', stochastic: false },
  random: { plan: random, summary: 'each unit on either device with equal probability', stochastic: true },
  greedy: { plan: greedy, summary: 'each unit where it finishes first, given where its inputs lie', stochastic: false },
  heft: {
    plan: listScheduling(0),
    summary: 'list scheduling by upward rank (HEFT); in overlap execution with splits',
    stochastic: false,
  },
  'heft-whole': {
    plan: asPlanner(heft),
    summary: 'HEFT as published: whole units, idle slots included',
    stochastic: false,
  },
  cpop: {
    plan: asPlanner(cpop),
    summary: 'critical path on one device (CPOP): the others where they end first',
    stochastic: false,
  },
  peft: {
    plan: asPlanner(peft),
    summary: 'list scheduling by an optimistic cost table (PEFT)',
    stochastic: false,
  },
  'dynamic-programming': {
    plan: dynamicProgramming,
    summary: 'dynamic programming in graph order, one state per device: the serial optimum on chains',
    stochastic: false,
  },
  bident: {
    plan: bident,
    summary: 'shortest path over (operator, device) states (BIDENT); in overlap execution with branches side by side',
    stochastic: false,
  },
  'static-threshold': {
    plan: staticThreshold,
    summary: "GPU iff flops >= and sparsity <= the model's medians",
    stochastic: false,
  },
  'static-threshold-tuned': {
    plan: staticThresholdTuned,
    summary: 'the same rule with the pair found by grid search',
    stochastic: false,
  },
  optimum: {
    plan: optimum,
    summary: 'the provable optimum over placements in serial execution (minimum cut)',
    stochastic: false,
  },
  codl: {
    plan: codl,
    summary: 'each layer split in tenths, chains of layers that share one ratio (CoDL)',
    stochastic: false,
  },
  'framework-gpu': { ...frameworkGpu, summary: 'an eager framework: gpu-only where launch=eager', stochastic: false },
  'compiler-gpu': { ...compilerGpu, summary: 'TensorRT, TVM: gpu-only where launch=graph', stochastic: false },
  'co-execution': { plan: coExecution, summary: 'each layer split as its costs say', stochastic: false },
  'co-execution-grid': { plan: coExecutionGrid, summary: 'each layer split as its executions say', stochastic: false, searches: true }, // biome-ignore format: a line each
  'best-by-stages': { plan: improving(byStages), summary: 'the best of the other planners, block by block', stochastic: false, searches: true }, // biome-ignore format: a line each
  annealing: { plan: improving(annealing), summary: 'simulated annealing, which begins with the best other planner', stochastic: true, searches: true }, // biome-ignore format: a line each
  'random-search': { plan: randomSearch, summary: 'the best of schedules drawn at random', stochastic: true, searches: true }, // biome-ignore format: a line each
  'optimum-shares': {
    plan: optimumShares,
    summary: 'the best of eleven shares a unit in serial execution (minimum cut); proved where parts read whole inputs',
    stochastic: false,
  },
} as const satisfies Record<string, PlannerEntry>;

export type PlannerName = keyof typeof planners;

const plannerEntries = new Map<string, PlannerEntry>();
const policyEntries: { readonly name: string; readonly entry: PolicyEntry }[] = [];

/** @throws InputError when a baseline of that name plays one of its environments already */
export function registerBaseline(name: string, entry: PlannerEntry | PolicyEntry): void {
  const environments = 'plan' in entry ? [] : entry.environments;
  if ('plan' in entry ? plannerEntries.has(name) : environments.some((id) => policiesOf(id).has(name)))
    throw new InputError(`baseline "${name}" is registered already.`, 'Choose another name: names keep their meaning.');
  if ('plan' in entry) plannerEntries.set(name, entry);
  else policyEntries.push({ name, entry });
}

/** In order of registration. */
export const plannerNames = (): string[] => [...plannerEntries.keys()];

/** @throws InputError when there is none */
export function plannerNamed(name: string): PlannerEntry {
  const entry = plannerEntries.get(name);
  if (!entry) throw new InputError(`planner "${name}" is unknown.`, didYouMean(name, plannerNames()));
  return entry;
}

/**
 * A planner as a baseline that plans in another scenario than the environment's, of the same graph.
 * @throws InputError when there is none of that name
 */
export const plannerBelieving = (name: string, believed: Scenario): Baseline =>
  asBaseline(plannerNamed(name), believed);

/** All planners, as baselines of environments that place one unit of an inference with each action. */
export function plannersAsBaselines(): Map<string, Baseline> {
  return new Map([...plannerEntries].map(([name, entry]) => [name, asBaseline(entry)]));
}

/** The policies registered for an environment. */
export function policiesOf(id: string): Map<string, Baseline> {
  const own = policyEntries.filter(({ entry }) => entry.environments.includes(id));
  return new Map(own.map(({ name, entry }) => [name, { charge: free, ...entry }]));
}

/**
 * A planner that begins with the schedules of all others that draw nothing, do not search and are defined everywhere. In serial
 * execution those that prove the optimum are not among them: they would leave nothing to find.
 */
function improving(improve: Improver): Planner {
  return (problem) => {
    const proved: readonly Planner[] =
      problem.conditions.execution === 'serial' ? [optimum, optimumShares, bident] : [];
    const others = [...plannerEntries.values()].filter(
      ({ plan, stochastic, searches, undefinedIn }) =>
        !stochastic && !searches && !undefinedIn && !proved.includes(plan),
    );
    return improve(
      problem,
      others.map(({ plan }) => plan(problem)),
    );
  };
}

/**
 * The planner's schedule of a scenario, for a goal or the latency.
 * @throws InputError when the planner is not defined in it
 */
export function planIn(
  { plan, undefinedIn }: PlannerEntry,
  scenario: Scenario,
  {
    goal,
    ...options
  }: Omit<PlanningProblem, 'graph' | 'costs' | 'conditions' | 'executor' | 'goal'> & {
    readonly goal?: Goal | undefined;
  },
): Schedule {
  const reason = undefinedIn?.(scenario) ?? null;
  if (reason !== null) throw new InputError(`${reason}.`, 'Choose another scheduler, or such a platform.');
  const { executor } = scenario;
  return plan({ ...planningProblem(scenario, options.random, goal), executor, ...options });
}

/** The planner's schedule, unit by unit: its share of a Box, the device of a Discrete space. */
function asBaseline(entry: PlannerEntry, believed?: Scenario): Baseline {
  const { plan: _, ...card } = entry;
  return {
    ...card,
    decision: 'planned',
    charge: free,
    plans: true,
    begin(env, random, evaluations) {
      const own = situated(env);
      const chooses = env.actionSpace instanceof Discrete;
      const whole = chooses || own.options.shares === 'binary';
      const tried = evaluations === undefined ? {} : { evaluations };
      const options = { random, whole, graphOrder: true, goal: own.goal, ...tried };
      const { share } = planIn(entry, believed ?? own.scenario, options);
      let next = 0;
      return () => {
        const value = share[next++]!;
        return chooses ? Number(value >= 0.5) : Float32Array.of(value);
      };
    },
  };
}

for (const [name, entry] of Object.entries(planners)) registerBaseline(name, entry);
