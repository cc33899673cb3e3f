// `npm run --silent build && node dist/bench/bound-tightness.js <folder>`: how close bounds are to what they bound, on random
// graphs small enough for brute force. Writes a CSV for each kind of execution; the same bytes on any machine of one kind.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { exhaustPlacements } from '../agents/bounds/exhaustion.js';
import { loadSolver } from '../agents/bounds/linear-program.js';
import { serialBound } from '../agents/bounds/optimum.js';
import { overlapBoundMs } from '../agents/bounds/overlap-bound.js';
import { wholeShares } from '../agents/bounds/share-ranges.js';
import { writeCsv } from '../base/files/csv.js';
import { Rng } from '../base/random/rng.js';
import { median, quantile } from '../base/statistics/quantile.js';
import type { Scenario } from '../engine/scenario.js';
import { createSimulator } from '../engine/simulator/simulator.js';
import { PlacementEnv } from '../env/placement/placement-env.js';
import { ShareEnv } from '../env/share/share-env.js';
import { taskNamed } from '../experiments/tasks/registry.js';
import { loadProfile } from '../predictor/profiles/profile.js';
import { leastSerialMs, shareProblem } from '../test/fixtures/channel-graph.js';
import { randomGraph } from '../test/fixtures/random-graph.js';

const overlapGraphs = 200;
const unitsInOverlap = 12;
const shareGraphs = 1000;

/** Launches and moves around the sizes at which placements mix; the last one's launch is assumed. */
const profiles = [
  'profile://jetson-orin-nano?mode=15w&precision=fp16&transfer=direct',
  'profile://jetson-agx-orin?launch=graph',
  'profile://jetson-agx-orin?transfer=copy',
  'profile://jetson-agx-orin?launch=graph&transfer=copy&device1.launch=1us',
];

const percentOver = (value: number, least: number): number => 100 * (value / least - 1);

/** Bound, optimum by exhaustion, and annealing with its budget of the schedulers' table. */
function inOverlap() {
  const simulators = profiles.map((uri) => ({ uri, executor: createSimulator(loadProfile(uri)) }));
  const annealing = taskNamed('SparOA/Placement-v0').baselines().get('annealing')!;
  return Array.from({ length: overlapGraphs }, (_, seed) => {
    const { uri: profile, executor } = simulators[seed % simulators.length]!;
    const graph = randomGraph(Rng.of(seed, 'tightness'), { units: unitsInOverlap });
    const { mode } = executor.profile.axes;
    const conditions = { seed: 0, execution: 'overlap', mode, load: null, memoryBudgetBytes: null } as const;
    const problem = { graph, executor, costs: executor.costs(graph), conditions };
    const board = executor.board(graph);
    const boundMs = overlapBoundMs({ graph, board, conditions, ranges: wholeShares, severalLanes: false });
    const exactMs = exhaustPlacements(graph, executor, conditions)!.makespanMs;
    const env = new PlacementEnv(new ShareEnv({ ...problem, scenario: problem as unknown as Scenario }));
    env.reset({ seed: 0 });
    const act = annealing.begin(env as never, Rng.of(seed, 'annealing'));
    for (const _unit of graph.units) env.step(act() as number);
    const annealingMs = (env.info().trace as { makespanMs: number }).makespanMs;
    const gaps = { exactOverBoundPercent: percentOver(exactMs, boundMs), annealingOverExactPercent: percentOver(annealingMs, exactMs) }; // biome-ignore format: one row
    return { seed, profile, boundMs, exactMs, annealingMs, ...gaps };
  });
}

/** Units that read channels, costs without a rule: the hard case of the cut over shares. */
function overShares() {
  return Array.from({ length: shareGraphs }, (_, seed) => {
    const { graph, costs, ranges } = shareProblem(seed, true);
    const { kind, boundMs } = serialBound(graph, costs, ranges);
    const leastMs = leastSerialMs(graph, costs, ranges);
    const leastOverBoundPercent = kind === 'optimum' ? 0 : percentOver(leastMs, boundMs);
    return { seed, units: graph.units.length, shares: ranges.length, kind, boundMs, leastMs, leastOverBoundPercent };
  });
}

function write(folder: string, name: string, rows: readonly Readonly<Record<string, string | number>>[]): void {
  const path = join(folder, `${name}.csv`);
  writeCsv(path, Object.keys(rows[0]!), rows);
  for (const column of Object.keys(rows[0]!).filter((key) => key.endsWith('Percent'))) {
    const values = rows.map((row) => row[column] as number);
    const [upper, most] = [quantile(values, 0.9), Math.max(...values)].map((value) => value.toFixed(2));
    process.stdout.write(
      `${path}: ${column}: median ${median(values).toFixed(2)}, 90 % quantile ${upper}, most ${most}\n`,
    );
  }
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write('bound-tightness: no folder is given.\nName the folder to write to.\n');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
await loadSolver();
write(folder, 'shares', overShares());
write(folder, 'overlap', inOverlap());
