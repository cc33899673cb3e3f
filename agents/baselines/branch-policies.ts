// Policies that are baselines of SparOA/Branches-v0: Parallax's greedy rule (arXiv 2512.11532), every branch by itself, and as
// many branches together as possible. Each returns an action that the environment's mask allows.
import { InputError } from '../../base/errors/input-error.js';
import { branchPlan } from '../../engine/memory/branch-plan.js';
import { keepsDelegate, regionOf } from '../../engine/memory/delegates.js';
import type { BranchInfo } from '../../env/branches/branch-front.js';
import { BranchesEnv } from '../../env/branches/branches-env.js';
import { registerBaseline } from './registry.js';

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

export const branchPolicies = {
  'parallax-rule': parallaxRule,
  sequential,
  parallel,
} as const satisfies Record<string, BranchPolicy>;
export type BranchPolicyName = keyof typeof branchPolicies;

const summaries: Readonly<Record<BranchPolicyName, string>> = {
  'parallax-rule': "Parallax's greedy rule: the most branches that may run together, layer by layer",
  sequential: 'every branch by itself, on the CPU wherever it can run it',
  parallel: 'as many branches together on the CPU as fit',
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
