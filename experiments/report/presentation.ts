// What a person looks at: the figures, the table and the report of a run's results.
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { writeCsv } from '../../base/files/csv.js';
import { slugs } from '../../base/files/slug.js';
import { type GanttPanel, ganttSvg } from '../../engine/views/gantt.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { ensembleColumns } from '../atlas/ensemble.js';
import { writeTornado } from '../atlas/ensemble-files.js';
import type { ExperimentConfig } from '../config.js';
import type { AtlasRow, LatencyRow } from '../results/rows.js';
import { describeSystem } from '../results/system.js';
import type { CellResults, RunResults } from '../run.js';
import { atlasFigure } from './figures/atlas-map.js';
import { sweepFigure } from './figures/atlas-sweep.js';
import type { WrittenFigure } from './figures/drawing.js';
import { writeFigure } from './figures/figure.js';
import type { AtlasCell } from './figures/heat-cells.js';
import { shortName, shortNames } from './figures/labels.js';
import { latencyFigure } from './figures/latency-bars.js';
import { learningCurvesFigure } from './figures/learning-curves.js';
import { reportHtml } from './report.js';
import { shellCommand } from './shell.js';
import { latencyMarkdown } from './tables.js';

/** Schedulers whose schedules are drawn side by side, where the config has them. */
const drawnSchedulers = ['greedy', 'sac', 'optimum'];

/** Writes `latency.md`, the figures and `report.html` into the run's directory; returns the report's path. */
export async function writePresentation(results: RunResults): Promise<string> {
  const { directory, rows, curves, cells, atlas } = results;
  writeFileAtomic(join(directory, 'latency.md'), latencyMarkdown(rows));
  const chosen = cells.map(({ scenario: { model, platform } }) => ({
    model: model.uri,
    profile: platform.uri,
    batch: model.batch,
  }));
  const figures = [
    ...(await writeAtlasFigures(directory, atlas, chosen)),
    await writeFigure(directory, 'latency', latencyFigure(rows)),
    ...(curves.length > 0
      ? [await writeFigure(directory, 'learning-curves', learningCurvesFigure({ points: curves, rows }))]
      : []),
    ...(await writeGanttCharts(directory, cells)),
    ...(await writeTornadoes(results)),
  ];
  const reportPath = join(directory, 'report.html');
  const report = reportHtml({
    title: `SparOA Gym: ${results.config.name}`,
    command: results.command,
    validateCommand: shellCommand(['sparoa-gym', 'validate', join(directory, 'trajectories.csv')]),
    system: { ...describeSystem() },
    config: results.config,
    rows,
    atlas,
    chosen,
    ensembles: results.ensembles,
    figures,
    notes: notesOf(results),
  });
  writeFileAtomic(reportPath, report);
  return reportPath;
}

/** The maps of an atlas: its variants, and its sweep where it has one. Nothing without rows. */
export async function writeAtlasFigures(
  directory: string,
  rows: readonly AtlasRow[],
  chosen: readonly AtlasCell[],
): Promise<WrittenFigure[]> {
  if (rows.length === 0) return [];
  const profileHashes = [...new Set(rows.map(({ profile }) => profile.split('?')[0]!))].map(
    (uri) => loadProfile(uri).fileHash,
  );
  const data = { rows, chosen, kind: 'simulated' as const, profileHashes };
  const figures = [await writeFigure(directory, 'atlas', atlasFigure(data))];
  // Swept cells carry replaced numbers, device1.launch among them, in their URIs.
  if (rows.some(({ profile }) => profile.includes('device1.launch='))) {
    figures.push(await writeFigure(directory, 'atlas-sweep', sweepFigure(data)));
  }
  return figures;
}

async function writeGanttCharts(directory: string, cells: readonly CellResults[]): Promise<WrittenFigure[]> {
  const figures: WrittenFigure[] = [];
  const names = shortNames(cells.map(({ scenario }) => scenario.model.uri));
  const files = slugs(names.values());
  for (const { scenario, traces } of cells) {
    const panels = drawnSchedulers.flatMap((scheduler): GanttPanel[] => {
      const trace = traces.get(scheduler);
      return trace ? [{ title: scheduler, trace }] : [];
    });
    if (panels.length === 0) continue;
    const name = names.get(scenario.model.uri)!;
    const caption = `Schedules of ${name} on ${shortName(scenario.platform.uri)}, ${scenario.executor.kind}: ${panels.map(({ title, trace }) => `${title} ${trace.makespanMs.toFixed(3)} ms`).join(', ')}.`;
    figures.push(
      await writeFigure(directory, `gantt-${files.get(name)}`, { caption, svg: ganttSvg(scenario.graph, panels) }),
    );
  }
  return figures;
}

/** `ensemble.csv`, and a tornado of each cell. */
async function writeTornadoes({ directory, ensembles }: RunResults): Promise<WrittenFigure[]> {
  if (ensembles.length === 0) return [];
  writeCsv(
    join(directory, 'ensemble.csv'),
    ensembleColumns,
    ensembles.map(({ headroom }) => headroom.row),
  );
  const names = shortNames(ensembles.map(({ headroom }) => headroom.row.model));
  const files = slugs(names.values());
  const figures: WrittenFigure[] = [];
  for (const { headroom } of ensembles) {
    const figure = await writeTornado(directory, headroom, `tornado-${files.get(names.get(headroom.row.model)!)}`);
    if (figure) figures.push(figure);
  }
  return figures;
}

/** What a reader must know to read the numbers rightly. */
function notesOf({ cells, config, rows }: RunResults): string[] {
  const random = cells
    .filter(({ scenario }) => scenario.model.randomWeights)
    .map(({ scenario }) => shortName(scenario.model.uri));
  return [
    ...(config.executor === 'simulator' ? simulatedNotes : measuredNotes(config)),
    ...new Set(cells.flatMap(({ scenario }) => scenario.platform.notes ?? [])),
    ...(config.cell === 'largest-headroom'
      ? [
          'Each model is judged in its sourced cell of largest headroom, chosen before training: elsewhere a hybrid schedule gains less, in many cells nothing.',
        ]
      : []),
    ...(config.executor === 'simulator' ? greedyNote(rows) : []),
    ...(random.length > 0
      ? [`Weights are random (${random.join(', ')}): activation sparsity is a property of the initialiser.`]
      : []),
  ];
}

const simulatedNotes: readonly string[] = [
  'Every latency is simulated from the profile; none was measured on the board. docs/profiles.md gives the source of every number.',
  'The optimum is over placements in the serial regime: one unit at a time, synchronous launches, no contention.',
];

function measuredNotes({ executor, measurements }: ExperimentConfig): string[] {
  return [
    `Every latency was measured on this machine by the executor "${executor}", one unit at a time: the median of ${measurements} executions, in turn with those of the other schedules.`,
    'The row "optimum" is the best placement by the measured costs of single units and moves. It is no proven optimum of the machine, so gaps are to the best measured schedule of the cell.',
  ];
}

/** A gap to the optimum, in percent, within which a scheduler leaves a learner nothing to add. */
const negligibleGapPercent = 0.1;

/** Says so where the simplest rule with a look at transfers does as well as the optimum: learning is not needed there. */
export function greedyNote(rows: readonly LatencyRow[]): string[] {
  const greedy = rows.filter(({ scheduler }) => scheduler === 'greedy');
  const solved = greedy.filter(({ gapPercent }) => gapPercent < negligibleGapPercent);
  if (solved.length === 0) return [];
  const names = solved.map(({ model }) => shortName(model)).join(', ');
  return [
    `Greedy is within ${negligibleGapPercent} % of the optimum in ${solved.length} of ${greedy.length} cells (${names}): there a learner has nothing to add, and SAC is judged only by whether it finds the optimum too.`,
  ];
}
