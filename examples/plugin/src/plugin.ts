// A plug-in: what is registered here can be named in configs and on the command line.
import { registerBaseline, registerLearner } from 'sparoa-gym/agents';
import { registerEnvironment } from 'sparoa-gym/env';
import { plainTask, registerTask } from 'sparoa-gym/experiments';
import { z } from 'zod';
import { JobsEnv, jobsEnvId, objectiveOf, smithOrder } from './jobs-env.js';
import { tabular } from './tabular.js';

const options = z.strictObject({
  jobs: z.int().min(1).max(12).default(6).describe('jobs of an episode'),
  instance: z.int().min(0).default(0).describe('which jobs'),
});

const envOf = ({ jobs, instance }: z.infer<typeof options>) => new JobsEnv(jobs, instance);
registerEnvironment(jobsEnvId, {
  summary: 'jobs on one machine, one after the other',
  create: (given) => envOf(options.parse(given)),
});

registerTask(
  jobsEnvId,
  plainTask(jobsEnvId, {
    options,
    make: envOf,
    objective: 'objectiveMs',
    metrics: ({ info }) => ({ objectiveMs: Number(info.objectiveMs) }),
    decisions: ({ count }) => count,
    reference: ({ jobs }) => ({ name: 'in the order given', objective: objectiveOf(jobs, [...jobs.keys()]) }),
    bound: ({ jobs }) => ({ kind: 'optimum', objective: objectiveOf(jobs, smithOrder(jobs)) }),
  }),
);

/** An order of the episode's jobs as a baseline. */
function registerOrder(name: string, summary: string, orderOf: (env: JobsEnv) => number[]): void {
  registerBaseline(name, {
    environments: [jobsEnvId],
    summary,
    stochastic: false,
    decision: 'planned',
    begin(env) {
      if (!(env instanceof JobsEnv)) throw new Error(`${name} plays ${jobsEnvId} only`);
      const order = orderOf(env);
      let next = 0;
      return () => order[next++]!;
    },
  });
}

registerOrder('first-come', 'in the order given', ({ jobs }) => [...jobs.keys()]);
registerOrder('shortest-first', 'the shortest job first', ({ jobs }) =>
  [...jobs.keys()].sort((a, b) => jobs[a]!.lengthMs - jobs[b]!.lengthMs || a - b),
);
registerOrder('smith', 'the largest weight per length first: the optimum', ({ jobs }) => smithOrder(jobs));

registerLearner('tabular', tabular);
