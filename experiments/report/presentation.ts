// The presentation of a run's results: figures, tables and report.
import { join } from 'node:path';
import { plannerNames } from '../../agents/baselines/registry.js';
import { learnerNames } from '../../agents/learners.js';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { writeCsv } from '../../base/files/csv.js';
import { slugs } from '../../base/files/slug.js';
import { type GanttPanel, ganttSvg } from '../../engine/views/gantt.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { cheapPlanners } from '../atlas/atlas.js';
import { ensembleColumns } from '../atlas/ensemble.js';
import { writeTornado } from '../atlas/ensemble-files.js';
import type { ExperimentConfig } from '../config.js';
import type { AtlasRow, LatencyRow } from '../results/rows.js';
import type { SummaryRow } from '../results/summary.js';
import { describeSystem } from '../results/system.js';
import type { CellResults, RunResults } from '../run.js';
import type { Task } from '../tasks/registry.js';
import { constantsMarkdown, constantsTexts } from './constants.js';
import { cornerNote, isCorner } from './corner.js';
import { atlasFigure } from './figures/atlas-map.js';
import { sweepFigure } from './figures/atlas-sweep.js';
import type { WrittenFigure } from './figures/drawing.js';
import { writeFigure } from './figures/figure.js';
import { gapFigure } from './figures/gaps.js';
import type { AtlasCell } from './figures/heat-cells.js';
import { shortName, shortNames } from './figures/labels.js';
import { latencyFigure } from './figures/latency-bars.js';
import { learningCurvesFigure } from './figures/learning-curves.js';
import { performanceProfilesFigure } from './figures/performance-profiles.js';
import { standingsFigure } from './figures/standings.js';
import { writeVariantsFigure } from './figures/variants.js';
import { reportHtml } from './report.js';
import { cellRooms, type PartOf, roomsMarkdown } from './rooms.js';
import { shellCommand } from './shell.js';
import { standingColumns, standings, standingsMarkdown } from './standings.js';
import { type RankedCell, rankedCells, summaryMarkdown } from './summary-table.js';
import { latencyMarkdown, latencyTerminal } from './tables.js';

/** More cells than this are compared by one figure, and have none of their own: nobody looks through a hundred. */
const mostDrawn = 16;

/** Schedulers whose schedules are drawn side by side, where the config has them. */
const drawnSchedulers = ['greedy', 'sac', 'optimum'];

/** Writes `summary.md`, `latency.md`, the figures and `report.html` into the run's directory; returns the report's path and its tables for a terminal. */
export async function writePresentation(results: RunResults): Promise<{ reportPath: string; text: string }> {
  const { directory, rows, cells, atlas, summary, aggregates } = results;
  const ranked = rankedCells(summary);
  const gapTo = ({ objective }: RankedCell) => gapToOf(cells, objective[0]!);
  const rooms = cellRooms(ranked, partsOf(results));
  const constants = constantsTexts(cells.map(({ task }) => task));
  const resting = constants.length > 0 ? `\n## What the numbers rest on\n\n${constantsMarkdown(constants)}` : '';
  const compared = standings(rooms, rows);
  if (compared.length > 0) writeCsv(join(directory, 'schedulers.csv'), standingColumns, compared);
  const parts = [standingsMarkdown(compared), `${roomsMarkdown(rooms, gapTo)}${resting}`];
  writeFileAtomic(join(directory, 'summary.md'), parts.filter((part) => part !== '').join('\n'));
  if (rows.length > 0) writeFileAtomic(join(directory, 'latency.md'), latencyMarkdown(rows));
  const chosen = cells.map(({ task: { subject } }) => subject);
  const figures = [
    ...(await writeAtlasFigures(directory, atlas, chosen)),
    ...(compared.length > 0 ? [await writeFigure(directory, 'schedulers', standingsFigure(compared, rows))] : []),
    ...(aggregates.length > 0
      ? [await writeFigure(directory, 'schedulers-profiles', performanceProfilesFigure(aggregates, summary))]
      : []),
    ...(rows.length > 0 && cells.length <= mostDrawn
      ? [await writeFigure(directory, 'latency', latencyFigure(rows))]
      : []),
    ...(await writeGapFigures(results, ranked)),
    ...(cells.length <= mostDrawn ? await writeVariantsFigure(directory, summary, results.variants[0]!) : []),
    ...(await writeLearningCurves(results)),
    ...(cells.length <= mostDrawn ? await writeGanttCharts(directory, cells) : []),
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
    ranked,
    gapTo,
    rooms,
    standings: compared,
    constants,
    atlas,
    chosen,
    ensembles: results.ensembles,
    figures,
    notes: notesOf(results),
  });
  writeFileAtomic(reportPath, report);
  const others = ranked.filter(({ objective }) => !taskOf(cells, objective[0]!.env).inference);
  const text = [latencyTerminal(rows), summaryMarkdown(others, gapTo)].filter((part) => part !== '').join('\n');
  return { reportPath, text };
}

/** The role of a scheduler in a table: a learner; a cheap baseline, whose gap defines room (of policies, all that do not search); or another. */
function partsOf({ config, cells }: RunResults): PartOf {
  return (scheduler, { objective }) => {
    const use = config.schedulers.find(({ name }) => name === scheduler)?.use ?? scheduler;
    if (learnerNames().includes(use)) return 'learner';
    if (plannerNames().includes(use)) return cheapPlanners.includes(use) ? 'cheap' : 'other';
    const policy = taskOf(cells, objective[0]!.env).baselines.get(use);
    return policy && !policy.searches ? 'cheap' : 'other';
  };
}

const taskOf = (cells: readonly CellResults[], env: string): Task => cells.find(({ task }) => task.id === env)!.task;

/** The name of the reference of a cell's gaps. */
function gapToOf(cells: readonly CellResults[], { variant, model, profile }: SummaryRow): string {
  const { task } = cells.find(
    (cell) => cell.variant === variant && cell.task.subject.model === model && cell.task.subject.profile === profile,
  )!;
  const kind = task.bound(task.episodes(1)[0]!)?.kind;
  const names = { optimum: 'optimum', 'lower-bound': 'best of these', clairvoyant: 'clairvoyant bound' } as const;
  return kind ? names[kind] : 'best of these';
}

/** Of cells that are no single inference, in the first variant: those have bars of their own. */
async function writeGapFigures(
  { directory, cells, variants }: RunResults,
  ranked: readonly RankedCell[],
): Promise<WrittenFigure[]> {
  const figures: WrittenFigure[] = [];
  const shown = ranked.filter(({ gap, objective }) => gap.length > 0 && objective[0]!.variant === variants[0]);
  for (const cell of shown) {
    const { env } = cell.objective[0]!;
    if (taskOf(cells, env).inference) continue;
    const number = figures.length === 0 ? '' : `-${figures.length + 1}`;
    figures.push(
      await writeFigure(directory, `gaps${number}`, gapFigure(cell.gap, gapToOf(cells, cell.objective[0]!))),
    );
  }
  return figures;
}

async function writeLearningCurves({ directory, curves, rows, variants }: RunResults): Promise<WrittenFigure[]> {
  const points = curves.filter(({ variant }) => variant === variants[0]);
  if (points.length === 0) return [];
  const own = rows.filter(({ variant }) => variant === variants[0]);
  return [await writeFigure(directory, 'learning-curves', learningCurvesFigure({ points, rows: own }))];
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
  const names = shortNames(cells.map(({ task }) => task.subject.model));
  const shown = cells.map(({ variant, task }) => [variant, names.get(task.subject.model)!].filter(Boolean).join(' '));
  // One model may stand in several cells.
  const labels = shown.map((label, i) => {
    const before = shown.slice(0, i).filter((other) => other === label).length;
    return before === 0 ? label : `${label} ${before + 1}`;
  });
  const files = slugs(labels);
  for (const [i, { task, traces }] of cells.entries()) {
    const panels = drawnSchedulers.flatMap((scheduler): GanttPanel[] => {
      const trace = traces.get(scheduler);
      return trace ? [{ title: scheduler, trace }] : [];
    });
    if (!task.inference || panels.length === 0) continue;
    const { model, profile, kind } = task.subject;
    const caption = `Schedules of ${names.get(model)!} on ${shortName(profile)}, ${kind}: ${panels.map(({ title, trace }) => `${title} ${trace.makespanMs.toFixed(3)} ms`).join(', ')}.`;
    const svg = ganttSvg(task.inference.scenario.graph, panels);
    figures.push(await writeFigure(directory, `gantt-${files.get(labels[i]!)}`, { caption, svg }));
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

/** Notes that a reader needs to interpret the numbers. */
function notesOf({ cells, config, rows }: RunResults): string[] {
  const scenarios = cells.flatMap(({ task }) => task.inference?.scenario ?? []);
  const random = scenarios.filter(({ model }) => model.randomWeights).map(({ model }) => shortName(model.uri));
  return [
    ...(config.executor === 'simulator' ? simulatedNotes : measuredNotes(config)),
    ...new Set(scenarios.flatMap(({ platform }) => platform.notes ?? [])),
    ...(cells.some(({ task }) => isCorner(task.subject.profile)) ? [`${cornerNote}.`] : []),
    ...(config.cell === 'as-given' ? [] : [cellRuleNotes[config.cell]]),
    ...(config.executor === 'simulator' ? greedyNote(rows) : []),
    ...(random.length > 0
      ? [
          `Weights are random (${[...new Set(random)].join(', ')}): activation sparsity is a property of the initialiser.`,
        ]
      : []),
  ];
}

const cellRuleNotes = {
  'largest-headroom':
    'Each model is evaluated in its sourced cell of largest headroom, chosen before training: elsewhere a hybrid schedule gains less, in many cells nothing.',
  'largest-room':
    'Each model is evaluated in its sourced cell of most room, chosen before training: there the best cheap baseline (greedy, HEFT, the tuned threshold, single devices) is furthest over the optimum. Elsewhere there is less to learn, in most cells nothing: the table of the atlas has all of them.',
} as const;

const simulatedNotes: readonly string[] = [
  'Every latency is simulated from the profile; none was measured on the board. docs/profiles.md gives the source of every number.',
  'The optimum is over placements in the serial execution: one unit at a time, synchronous launches, no contention.',
];

function measuredNotes({ executor, measurements }: ExperimentConfig): string[] {
  return [
    `Every latency was measured on this machine by the executor "${executor}", one unit at a time: the median of ${measurements} executions, in turn with those of the other schedules.`,
    'The row "optimum" is the best placement by the measured costs of single units and moves. It is no proven optimum of the machine, so gaps are to the best measured schedule of the cell.',
  ];
}

/** Gap to the optimum, in percent, below which a learner has nothing to gain. */
const negligibleGapPercent = 0.1;

/** A note if greedy is as good as the optimum, so that learning is not needed in the cell. */
export function greedyNote(rows: readonly LatencyRow[]): string[] {
  const greedy = rows.filter(({ scheduler }) => scheduler === 'greedy');
  const solved = greedy.filter(({ gapPercent }) => gapPercent < negligibleGapPercent);
  if (solved.length === 0) return [];
  const names = solved.map(({ model }) => shortName(model)).join(', ');
  return [
    `Greedy is within ${negligibleGapPercent} % of the optimum in ${solved.length} of ${greedy.length} cells (${names}): there a learner has nothing to add, and SAC is tested only for whether it finds the optimum too.`,
  ];
}
