// The cells of a run at a glance: what the best cheap baseline leaves for others to win (room), and what learners made of it.
import { markdownRow, markdownText } from '../../base/files/markdown.js';
import { worthwhileRoomPercent } from '../atlas/cell-constants.js';
import { cornerNote, isCorner } from './corner.js';
import { percent, type RankedCell, summaryMarkdown, titleOf } from './summary-table.js';
import type { TextTable } from './tables.js';

/** Which part a scheduler of a cell plays. */
export type PartOf = (scheduler: string, cell: RankedCell) => 'cheap' | 'learner' | 'other';

/** Gaps are in percent over what the gaps of the cell are to. */
export interface CellRoom {
  readonly cell: RankedCell;
  readonly best: Readonly<
    Record<'cheap' | 'learner', { readonly scheduler: string; readonly gapPercent: number } | null>
  >;
}

export function cellRooms(cells: readonly RankedCell[], partOf: PartOf): CellRoom[] {
  return cells.map((cell) => {
    const least = (part: 'cheap' | 'learner') =>
      cell.gap
        .filter(({ scheduler }) => partOf(scheduler, cell) === part)
        .map(({ scheduler, iqm }) => ({ scheduler, gapPercent: iqm }))
        .reduce<CellRoom['best']['cheap']>((a, b) => (a && a.gapPercent <= b.gapPercent ? a : b), null);
    return { cell, best: { cheap: least('cheap'), learner: least('learner') } };
  });
}

export const hasRoom = ({ best: { cheap } }: CellRoom): boolean =>
  cheap !== null && cheap.gapPercent >= worthwhileRoomPercent;

/** A line for each cell. */
export function roomsTable(rooms: readonly CellRoom[], gapTo: (cell: RankedCell) => string): TextTable {
  return {
    header: ['cell', 'best cheap baseline', 'room, %', 'best learner', 'over the same, %', 'that is over the'],
    body: rooms.map(({ cell, best: { cheap, learner } }) => [
      `${titleOf(cell)}${isCorner(cell.objective[0]!.profile) ? ` (${cornerNote})` : ''}`,
      cheap?.scheduler ?? '-',
      cheap ? percent(cheap.gapPercent) : '-',
      learner?.scheduler ?? '-',
      learner ? percent(learner.gapPercent) : '-',
      gapTo(cell),
    ]),
  };
}

/** What the table of all cells says in a sentence. */
export function roomsSentence(rooms: readonly CellRoom[]): string {
  const roomy = rooms.filter(hasRoom);
  const won = roomy.filter(({ best: { cheap, learner } }) => learner && learner.gapPercent < cheap!.gapPercent).length;
  const learned = roomy.filter(({ best: { learner } }) => learner).length;
  const said = `Room is what the best cheap baseline leaves; ${roomy.length} of ${rooms.length} cells have ${worthwhileRoomPercent} % or more of it.`;
  const results = `A learner is better than the best cheap baseline in ${won} of the ${learned} in which one was trained.`;
  return learned === 0 ? said : `${said} ${results}`;
}

/** `summary.md`: all cells, those with room in full, then the others. */
export function roomsMarkdown(rooms: readonly CellRoom[], gapTo: (cell: RankedCell) => string): string {
  const { header, body } = roomsTable(rooms, gapTo);
  const rule = header.map((_, i) => (i === 2 || i === 4 ? '---:' : '---'));
  const part = (title: string, of: readonly CellRoom[]) => {
    const cells = of.map(({ cell }) => cell);
    return cells.length === 0 ? [] : [`## ${title}`, '', summaryMarkdown(cells, gapTo)];
  };
  return [
    '## All cells',
    '',
    markdownText(roomsSentence(rooms)),
    '',
    ...[header, rule, ...body].map(markdownRow),
    '',
    ...part('Cells with room', rooms.filter(hasRoom)),
    ...part(
      'Other cells',
      rooms.filter((room) => !hasRoom(room)),
    ),
  ].join('\n');
}
