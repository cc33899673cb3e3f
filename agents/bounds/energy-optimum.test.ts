// Optima of energy, of sums of latency and energy, and of their product, against brute force. Energy is added up here from the
// events of the trace, by a rule that shares nothing with the simulator's: every ms has the power of what happens in it.
import { expect, test } from 'vitest';
import { Rng } from '../../base/random/rng.js';
import { Schedule } from '../../engine/schedule.js';
import { createSimulator } from '../../engine/simulator/simulator.js';
import type { Trace } from '../../engine/trace.js';
import type { RewardName } from '../../env/rewards/rewards.js';
import { rewardOf } from '../../env/rewards/rewards.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { randomGraph } from '../../test/fixtures/random-graph.js';
import { planningProblem } from '../baselines/objective.js';
import { optimum } from './optimum.js';

const conditions = { seed: 0, execution: 'serial', mode: 'any', load: null, memoryBudgetBytes: null } as const;

/** Power in W by state; idle is the least in all but the last, where a device draws less than the board when idle. */
const watts = [
  { idle: 5, device0: 9, device1: 30, moving: 12 },
  { idle: 5, device0: 28, device1: 14, moving: 40 },
  { idle: 2, device0: 20, device1: 20, moving: 6 },
  { idle: 10, device0: 6, device1: 25, moving: 8 },
];
const boards = watts.flatMap((power) =>
  ['10us', '60us'].map((launch) => {
    const given = Object.entries(power).map(([state, w]) => `power.${state}=${w}W`);
    const uri = `profile://jetson-agx-orin?device1.launch=${launch}&transfer0.latency=4us&transfer1.latency=4us&${given.join('&')}`;
    return { power, simulator: createSimulator(loadProfile(uri)) };
  }),
);

/** mJ: launches and waits belong to the device of their unit. */
function energyByEvents({ events, lanes, schedule }: Trace, power: (typeof watts)[number]): number {
  return events.reduce((sum, { kind, lane, units, startMs, endMs }) => {
    const device = kind === 'compute' ? lanes[lane]!.device : schedule.share[units[0]!]! > 0 ? 1 : 0;
    const drawn = kind === 'copy' ? power.moving : device === 1 ? power.device1 : power.device0;
    return sum + Math.max(drawn, power.idle) * (endMs - startMs);
  }, 0);
}

const goals: readonly { readonly reward: RewardName; readonly weights?: Readonly<Record<string, number>> }[] = [
  { reward: 'energy' },
  { reward: 'weighted', weights: { latency: 1, energy: 1 } },
  { reward: 'weighted', weights: { latency: 0.2, energy: 3 } },
  { reward: 'energy-delay' },
  { reward: 'weighted', weights: { latency: 0.5, energy: 0.1, 'energy-delay': 1 } },
];

const name =
  'the optimum equals brute force over all placements on 1,000 random graphs, whatever the weights of latency and energy';
test(name, { tags: 'gate' }, () => {
  let [mixed, unlikeLatency] = [0, 0];
  for (let seed = 0; seed < 1000; seed++) {
    const rng = Rng.of(seed, 'energy-optimum');
    const graph = randomGraph(rng, { units: 3 + rng.integer(5), maxFanOut: 6 });
    const { power, simulator } = boards[seed % boards.length]!;
    const free = graph.units.filter(({ onlyOn }) => onlyOn === null).map(({ id }) => id);
    const reached = Array.from({ length: 2 ** free.length }, (_, placement) => {
      const shares = graph.units.map(({ id, onlyOn }) => onlyOn ?? (placement >> free.indexOf(id)) & 1);
      const trace = simulator.run(graph, Schedule.of(graph, shares), conditions);
      const mj = energyByEvents(trace, power);
      expect(trace.energyMj!.system! / mj, `seed ${seed}`).toBeCloseTo(1, 9);
      return { ms: trace.makespanMs, mj };
    });
    const reference = { latencyMs: reached[0]!.ms, energyMj: reached[0]!.mj };
    const platform = { name: '', uri: simulator.profile.uri, hash: '', weakestSource: 'derived' } as const;
    const scenario = { graph, executor: simulator, costs: simulator.costs(graph), conditions, platform };
    const goal = goals[seed % goals.length]!;
    const reward = rewardOf(goal);
    const cost = ({ ms, mj }: { readonly ms: number; readonly mj: number }) => {
      const [t, e, { weights }] = [ms / reference.latencyMs, mj / reference.energyMj, reward] as const;
      return weights.latency * t + weights.energy * e + weights['energy-delay'] * t * e;
    };
    const planned = optimum(planningProblem(scenario as never, rng, { reward, reference }));
    const trace = simulator.run(graph, planned, conditions);
    const own = cost({ ms: trace.makespanMs, mj: trace.energyMj!.system! });
    const best = Math.min(...reached.map(cost));
    expect(Math.abs(own / best - 1), `seed ${seed}: cut ${own}, brute force ${best}`).toBeLessThan(1e-9);
    mixed += Number(new Set(planned.share).size > 1);
    const latencyOptimum = optimum(planningProblem(scenario as never, rng));
    unlikeLatency += Number(latencyOptimum.share.some((share, unit) => share !== planned.share[unit]));
  }
  // The test is about something: optima on both devices, and others than the fastest placement.
  expect(mixed).toBeGreaterThan(200);
  expect(unlikeLatency).toBeGreaterThan(200);
});
