// The report: one self-contained HTML file without scripts or external resources, so that it opens offline and in ten years.
// The same input gives the same bytes.
import {
  type CellEnsemble,
  ensembleCaution,
  ensembleCells,
  ensembleHeader,
  headroomSentence,
} from '../atlas/ensemble-schedules.js';
import type { AtlasRow, LatencyRow } from '../results/rows.js';
import { atlasSection } from './atlas-section.js';
import { type ConstantsText, constantsHtml } from './constants.js';
import { cornerNote, isCorner } from './corner.js';
import type { AtlasCell } from './figures/heat-cells.js';
import { shortName, shortNames } from './figures/labels.js';
import { renumberIds } from './figures/render.js';
import { escapeHtml, join, tableHtml } from './html.js';
import { reportStyle } from './report-style.js';
import { type CellRoom, hasRoom, roomsSentence, roomsTable } from './rooms.js';
import { type Standing, standingsTables } from './standings.js';
import { type RankedCell, rankedTable } from './summary-table.js';
import { type LatencyCell, latencyCells, latencyTable, provenanceLine } from './tables.js';

export interface ReportFigure {
  /** `atlas...`, `latency...`, `learning-curves...`, `gantt...` and `tornado...` stand in their sections, others at the end. */
  readonly name: string;
  readonly caption: string;
  readonly svg: string;
}

export interface ReportData {
  readonly title: string;
  /** As typed. */
  readonly command: string;
  readonly validateCommand: string;
  /** The machine and its versions, as in system.json. */
  readonly system: Readonly<Record<string, unknown>>;
  /** Verbatim if it is text, else as JSON. */
  readonly config: unknown;
  readonly rows: readonly LatencyRow[];
  /** Of all cells, the schedulers by their objective. */
  readonly ranked: readonly RankedCell[];
  readonly gapTo: (cell: RankedCell) => string;
  readonly rooms: readonly CellRoom[];
  readonly standings: readonly Standing[];
  readonly constants: readonly ConstantsText[];
  readonly atlas: readonly AtlasRow[];
  readonly chosen: readonly AtlasCell[];
  readonly ensembles: readonly CellEnsemble[];
  readonly figures: readonly ReportFigure[];
  /** Sentences on what to keep in mind when reading. */
  readonly notes: readonly string[];
}

interface Section {
  readonly id: string;
  readonly title: string;
  /** HTML; empty leaves the section out. */
  readonly body: string;
}

export function reportHtml(data: ReportData): string {
  const sections = sectionsOf(data).filter(({ body }) => body !== '');
  const kinds = [...new Set(data.rows.map(({ kind }) => kind))].join(', ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(data.title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<h1>${escapeHtml(data.title)}</h1>
<p class="lead">${escapeHtml(summary(data, kinds))}</p>
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => `<li><a href="#${id}">${title}</a></li>`).join('')}</ul></nav>
</header>
<main>
${sections.map(({ id, title, body }) => `<section aria-labelledby="${id}">\n<h2 id="${id}">${title}</h2>\n${body}\n</section>`).join('\n')}
</main>
<footer><p>Written by SparOA Gym. Numbers are ${escapeHtml(kinds || 'absent')}; latency.csv, atlas.csv and trajectories.csv beside this file hold them in full.</p></footer>
</body>
</html>
`;
}

function sectionsOf(data: ReportData): Section[] {
  const figuresOf = (...prefixes: readonly string[]) =>
    data.figures
      .filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)))
      .map(figureHtml)
      .join('\n');
  const placed = ['atlas', 'schedulers', 'variants', 'gaps', 'latency', 'learning-curves', 'gantt', 'tornado'];
  const others = data.figures.filter(({ name }) => !placed.some((prefix) => name.startsWith(prefix)));
  return [
    { id: 'run', title: 'What was run', body: whatWasRun(data) },
    {
      id: 'atlas',
      title: 'Where a hybrid schedule can win',
      body: join(atlasSection(data.atlas, data.chosen), figuresOf('atlas')),
    },
    { id: 'schedulers', title: 'All schedulers', body: join(figuresOf('schedulers'), ...standingsHtml(data)) },
    { id: 'cells', title: 'All cells, and those with room', body: cellsHtml(data) },
    { id: 'variants', title: 'What the variants change', body: figuresOf('variants') },
    { id: 'summary', title: 'Schedulers by their objective', body: join(figuresOf('gaps'), ...summaryHtml(data)) },
    { id: 'latency', title: 'Latency', body: join(figuresOf('latency'), ...latencyCells(data.rows).map(latencyHtml)) },
    { id: 'constants', title: 'What the numbers rest on', body: constantsHtml(data.constants) },
    {
      id: 'ensemble',
      title: 'If uncertain numbers are other than stated',
      body: join(...data.ensembles.map(ensembleHtml), figuresOf('tornado')),
    },
    { id: 'learning-curves', title: 'Learning curves', body: figuresOf('learning-curves') },
    { id: 'gantt', title: 'What ran where', body: figuresOf('gantt') },
    { id: 'figures', title: 'Further figures', body: others.map(figureHtml).join('\n') },
    { id: 'reproduce', title: 'How to reproduce', body: howToReproduce(data) },
    { id: 'provenance', title: 'Provenance', body: provenanceHtml(data) },
  ];
}

function summary({ rows }: ReportData, kinds: string): string {
  const cells = latencyCells(rows);
  const schedulers = new Set(rows.map(({ scheduler }) => scheduler)).size;
  const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`;
  return `${count(schedulers, 'scheduler')} in ${count(cells.length, 'cell')} (model, profile variant and batch); every latency is ${kinds || 'absent'}.`;
}

function whatWasRun({ rows, notes }: ReportData): string {
  const cells = latencyCells(rows).map(
    (cell) =>
      `<dt>${escapeHtml(cell.modelName)}</dt><dd>on ${escapeHtml(cell.profileName)}<br><code>${escapeHtml(cell.model)}</code><br><code>${escapeHtml(cell.profile)}</code></dd>`,
  );
  const schedulers = [...new Set(rows.map(({ scheduler }) => scheduler))];
  return join(
    `<p>Schedulers: ${schedulers.map((name) => `<code>${escapeHtml(name)}</code>`).join(', ')}.</p>`,
    cells.length === 0 ? '' : `<dl>${cells.join('\n')}</dl>`,
    notes.length === 0 ? '' : `<ul>${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`,
  );
}

function cellsHtml({ rooms, gapTo }: ReportData): string {
  if (rooms.length === 0) return '';
  const table = (caption: string, of: readonly CellRoom[]) => {
    const { header, body } = roomsTable(of, gapTo);
    return of.length === 0 ? '' : tableHtml(caption, header, body, { textColumns: [1, 3, 5] });
  };
  const sentence = `<p>${escapeHtml(roomsSentence(rooms))}</p>`;
  return join(sentence, table('All cells', rooms), table('Cells with room', rooms.filter(hasRoom)));
}

const standingsHtml = ({ standings }: ReportData): string[] =>
  standingsTables(standings).map(({ title, table: { header, body } }) =>
    tableHtml(title, header, body, { textColumns: [0] }),
  );

function latencyHtml(cell: LatencyCell): string {
  const { header, body } = latencyTable(cell);
  const fastest = cell.rows.reduce((a, b) => (b.latencyMs < a.latencyMs ? b : a));
  return join(
    `<h3>${escapeHtml(cell.modelName)} on ${escapeHtml(cell.profileName)}</h3>`,
    tableHtml(
      `${provenanceLine(cell)}. ${isCorner(cell.profile) ? `${cornerNote}. ` : ''}Shaded: the least latency.`,
      header,
      body,
      {
        textColumns: [header.length - 1],
        best: cell.rows.map((row) => row.latencyMs === fastest.latencyMs),
      },
    ),
  );
}

/** Summary of variants, and of cells that are not single inferences; other cells have a more detailed table. */
function summaryHtml({ ranked, rows, gapTo }: ReportData): string[] {
  const shown = ranked.filter(({ objective: [first] }) => first!.variant !== '' || rows.length === 0);
  return shown.map((cell) => {
    const { title, provenance, header, body } = rankedTable(cell, gapTo(cell));
    return join(`<h3>${escapeHtml(title)}</h3>`, tableHtml(provenance, header, body, { textColumns: [1, 2] }));
  });
}

function ensembleHtml({ rows, headroom }: CellEnsemble): string {
  const { model, profile, members } = headroom.row;
  return join(
    `<h3>${escapeHtml(shortName(model))} on ${escapeHtml(shortName(profile))}</h3>`,
    `<p>Simulated; ${escapeHtml(headroomSentence(headroom))}.</p>`,
    tableHtml(
      `Schedules as found by the stated numbers. ${ensembleCaution(members)}`,
      ensembleHeader,
      rows.map(ensembleCells),
      {},
    ),
  );
}

function howToReproduce({ command, validateCommand, config, rows }: ReportData): string {
  const text = typeof config === 'string' ? config : JSON.stringify(config, null, 2);
  const measured = rows.some(({ kind }) => kind === 'measured');
  return join(
    measured
      ? '<p>The same command measures again; no two measurements are equal, and trainings that learn from them differ:</p>'
      : '<p>The same command on the same kind of machine writes the same files, wall-clock columns excepted:</p>',
    `<pre><code>${escapeHtml(command)}</code></pre>`,
    measured
      ? '<p>Check the schedule and the return of every recorded episode (measured latencies cannot be replayed):</p>'
      : '<p>Replay every recorded episode and compare its reward and latency:</p>',
    `<pre><code>${escapeHtml(validateCommand)}</code></pre>`,
    `<details><summary>Configuration</summary><pre><code>${escapeHtml(text)}</code></pre></details>`,
  );
}

function provenanceHtml({ rows, system }: ReportData): string {
  const names = shortNames(rows.map(({ profile }) => profile));
  const key = (row: LatencyRow) => [
    names.get(row.profile)!,
    row.profileHash,
    row.kind,
    row.weakestSource,
    row.execution,
  ];
  const profiles = [...new Map(rows.map((row) => [JSON.stringify(key(row)), key(row)])).values()];
  const facts = Object.entries(system).map(
    ([name, value]) =>
      `<dt>${escapeHtml(name)}</dt><dd><code>${escapeHtml(typeof value === 'string' ? value : JSON.stringify(value))}</code></dd>`,
  );
  const header = ['profile', 'hash', 'kind', 'weakest source', 'execution'];
  return join(
    profiles.length === 0
      ? ''
      : tableHtml('Profiles behind the numbers', header, profiles, { textColumns: [1, 2, 3, 4] }),
    facts.length === 0 ? '' : `<h3>Machine and versions</h3><dl>${facts.join('\n')}</dl>`,
  );
}

function figureHtml({ name, caption, svg }: ReportFigure): string {
  // Ids are unique within a drawing only; here several share a document.
  const drawing = renumberIds(
    svg,
    `${name.replaceAll(/[^a-zA-Z0-9-]/g, (character) => `_${character.charCodeAt(0)}`)}-`,
  ).replace(/^<\?xml[^>]*>\s*/, '');
  return `<figure><div class="drawing" role="img" aria-label="${escapeHtml(caption)}">${drawing.trim()}</div><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}
