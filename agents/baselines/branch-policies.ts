// Policies that are baselines of SparOA/Branches-v0: Parallax's greedy rule (arXiv 2512.11532), every branch by itself, as many
// branches together as possible, and rules that choose a device for each branch. Each returns an action that the mask allows.
import { InputError } from '../../base/errors/input-error.js';
import { Rng } from '../../base/random/rng.js';
import { branchPlan } from '../../engine/memory/branch-plan.js';
import { keepsDelegate, regionOf } from '../../engine/memory/delegates.js';
import type { BranchInfo } from '../../env/branches/branch-front.js';
import { BranchesEnv } from '../../env/branches/branches-env.js';
import { type PlannerName, planners, registerBaseline } from './registry.js';

/** The action before the environment's next step. */
export type BranchPolicy = (env: BranchesEnv) => number;

/** Every branch by itself, on the CPU wherever it can run it. */
const sequential: BranchPolicy = (env) => (env.openSlot.length > 0 ? close(env) : place(env, 0, 0));

/** The CPU's lanes are filled with whatever is ready and fits, in turn; the accelerator gets what only it can run. */
const parallel: BranchPolicy = (env) => {
  const mask = env.actionMask();
  const k = env.choices.findIndex((_, index) => mask[2 * index] === 1);
  if (k >= 0) return 2 * k;
  return env.openSlot.length > 0 ? close(env) : place(env, 0, 0);
};

/**
 * Parallax: layer by layer, first the largest set of branches that its rule lets run together, then the others one by one.
 * A branch that its delegate rule accepts goes to the accelerator, by itself. The paper applies that rule to regions of the
 * graph before it cuts branches; applying it to a branch is our derivation.
 */
const parallaxRule: BranchPolicy = (env) => {
  const { slotOf, delegated } = ruleOf(env);
  const [first] = env.openSlot;
  const wanted = (branch: number): boolean => first === undefined || slotOf[branch] === slotOf[first];
  const k = env.choices.reduce(
    (best, branch, index) =>
      wanted(branch) && (best < 0 || slotOf[branch]! < slotOf[env.choices[best]!]!) ? index : best,
    -1,
  );
  if (k < 0) return close(env);
  const action = place(env, k, delegated.has(env.choices[k]!) ? 1 : 0);
  return env.actionMask()[action] === 1 ? action : close(env);
};

/** Every branch on the accelerator if it can run there, together with whatever is ready and fits. */
const accelerated: BranchPolicy = (env) => onDevices(env, () => 1);

/**
 * Every branch on the device of most of its units in a planner's schedule (of equally many on the CPU), together with
 * whatever is ready and fits. Placing branches by schedules of units is our derivation.
 */
function majority(name: PlannerName): BranchPolicy {
  const known = new WeakMap<readonly BranchInfo[], readonly (0 | 1)[]>();
  return (env) => {
    const { branches, problem } = env;
    let devices = known.get(branches);
    if (!devices) {
      const { share } = planners[name].plan({ ...problem, random: Rng.of(0, 'branches', name) });
      devices = branches.map(({ units }) =>
        units.filter((unit) => share[unit]! >= 0.5).length * 2 > units.length ? 1 : 0,
      );
      known.set(branches, devices);
    }
    return onDevices(env, (branch) => devices[branch]!);
  };
}

/** The first ready branch that its device takes now; the slot is closed if none does. */
function onDevices(env: BranchesEnv, deviceOf: (branch: number) => 0 | 1): number {
  const mask = env.actionMask();
  const allowed = env.choices.map((branch, k) => place(env, k, deviceOf(branch))).find((action) => mask[action] === 1);
  return allowed ?? close(env);
}

export const branchPolicies = {
  'parallax-rule': parallaxRule,
  sequential,
  parallel,
  accelerated,
  'greedy-branches': majority('greedy'),
  'heft-branches': majority('heft'),
  'optimum-branches': majority('optimum'),
} as const satisfies Record<string, BranchPolicy>;
export type BranchPolicyName = keyof typeof branchPolicies;

const summaries: Readonly<Record<BranchPolicyName, string>> = {
  'parallax-rule': "Parallax's greedy rule: the most branches that may run together, layer by layer",
  sequential: 'every branch by itself, on the CPU wherever it can run it',
  parallel: 'as many branches together on the CPU as fit',
  accelerated: 'every branch on the accelerator if it can run there, with whatever fits',
  'greedy-branches': 'every branch where greedy places most of its units, with whatever fits',
  'heft-branches': 'every branch where HEFT places most of its units, with whatever fits',
  'optimum-branches': 'every branch where the serial optimum places most of its units, with whatever fits',
};

const id = 'SparOA/Branches-v0';
for (const name of Object.keys(branchPolicies) as BranchPolicyName[]) {
  registerBaseline(name, {
    environments: [id],
    summary: summaries[name],
    stochastic: false,
    decision: 'planned',
    begin(env) {
      if (!(env instanceof BranchesEnv))
        throw new InputError(`${id}: this is another environment.`, 'Make it by its id.');
      return () => branchPolicies[name](env);
    },
  });
}

interface Rule {
  /** Per branch, as `branchPlan` says. */
  readonly slotOf: readonly number[];
  readonly delegated: ReadonlySet<number>;
}

/** By the branches, which an environment shares with its forks. */
const rules = new WeakMap<readonly BranchInfo[], Rule>();

function ruleOf({ graph, branches, limits }: BranchesEnv): Rule {
  let rule = rules.get(branches);
  if (!rule) {
    const kept = branches.flatMap(({ units, on }, index) =>
      on[1] && keepsDelegate(regionOf(graph, units)) ? [index] : [],
    );
    const delegates = kept.map((index) => branches[index]!.units);
    const plan = branchPlan(graph, { delegates, budgetBytes: limits.budgetBytes, threads: limits.lanes });
    rule = { slotOf: plan.branches.map(({ slot }) => slot), delegated: new Set(kept) };
    rules.set(branches, rule);
  }
  return rule;
}

/** The k-th ready branch on the device, or on the other one where it cannot run there. */
function place({ branches, choices }: BranchesEnv, k: number, device: 0 | 1): number {
  return branches[choices[k]!]!.on[device] ? 2 * k + device : 2 * k + 1 - device;
}

function close({ actionSpace }: BranchesEnv): number {
  return actionSpace.n - 1;
}
