// What the numbers of a cell rest on, as tables: its constants by how sure they are, and which of them decide that it has room.
import { markdownRow, markdownText } from '../../base/files/markdown.js';
import { parseHardwareUri } from '../../engine/runtime/hardware.js';
import { type SourceKind, sourceKinds } from '../../predictor/profiles/profile-schema.js';
import { isTableUri } from '../../predictor/tables/profile-table.js';
import { type CellConstants, cellConstants, decidesRoom, worthwhileRoomPercent } from '../atlas/cell-constants.js';
import type { Task } from '../tasks/registry.js';
import { shortName } from './figures/labels.js';
import { escapeHtml, join, tableHtml } from './html.js';
import { percent } from './summary-table.js';
import type { TextTable } from './tables.js';

/** One cell, in the words of tables. */
export interface ConstantsText {
  readonly title: string;
  readonly sentences: readonly string[];
  /** Null where there are no constants: everything is measured. */
  readonly table: TextTable | null;
}

/** What is asked of a task. */
export interface RestingTask {
  readonly subject: Pick<Task['subject'], 'model' | 'profile' | 'execution'>;
  readonly inference: Pick<NonNullable<Task['inference']>, 'scenario'> | null;
}

/** Of each model, profile and execution once; empty for tasks that run on no profile. */
export function constantsTexts(tasks: readonly RestingTask[]): ConstantsText[] {
  const known = new Map(
    tasks.map((task) => [JSON.stringify([task.subject.model, task.subject.profile, task.subject.execution]), task]),
  );
  return [...known.values()].flatMap(({ subject: { model, profile, execution }, inference }) => {
    const names = model.split(';').map(shortName).join(' and ');
    const title = `${names} on ${shortName(profile)}, ${execution} execution`;
    const measured = measuredText(profile);
    if (measured) return [{ title, sentences: [measured], table: null }];
    if (!/^(profile|file):\/\//.test(profile)) return [];
    return [{ title, ...textOf(cellConstants(profile, inference?.scenario ?? null)) }];
  });
}

function measuredText(profile: string): string | null {
  if (isTableUri(profile))
    return 'Everything is measured: the times of units, segments and moves are those of the table; nothing is fitted to another board, derived or assumed.';
  if (parseHardwareUri(profile)) return 'Everything is measured: schedules were executed on the devices themselves.';
  return null;
}

function textOf(cell: CellConstants): Omit<ConstantsText, 'title'> {
  const { constants, roomPercent } = cell;
  const counts = sourceKinds.flatMap((kind) => {
    const count = constants.filter((constant) => constant.kind === kind).length;
    return count === 0 ? [] : [`${count} ${kind}`];
  });
  const ordered = [...constants].sort((a, b) => rank(a.kind) - rank(b.kind));
  return {
    sentences: [`${constants.length} constants: ${counts.join(', ')}.`, ...decisionText(cell)],
    table: {
      header: ['source', 'constant', 'value', ...(roomPercent === null ? [] : ['room at the ends of its prior, %']), 'where from'], // biome-ignore format: a row
      body: ordered.map(({ kind, name, value, source, roomPercent: ends }) => [
        kind,
        name,
        value,
        ...(roomPercent === null ? [] : [ends ? `${percent(ends[0])} to ${percent(ends[1])}` : 'held']),
        shortened(source),
      ]),
    },
  };
}

const rank = (kind: SourceKind): number => sourceKinds.indexOf(kind);

/** Which constants decide that the cell has room; else how far one of them moves it. */
function decisionText({ constants, roomPercent: stated }: CellConstants): string[] {
  if (stated === null) return ['Which of them decide is not said: no optimum is proved here.'];
  const varied = constants.flatMap((constant) => (constant.roomPercent ? [constant] : []));
  const said = `The room is ${percent(stated)} % as stated.`;
  if (varied.length === 0) return [`${said} None of them has a prior: all are held.`];
  const named = (list: typeof varied) => list.map(({ name, kind }) => `${name} (${kind})`).join(', ');
  const swing = ({ roomPercent }: (typeof varied)[number]) =>
    Math.max(stated, ...roomPercent!) - Math.min(stated, ...roomPercent!);
  const deciding = varied.filter((constant) => decidesRoom(constant, stated)).sort((a, b) => swing(b) - swing(a));
  const crossed = stated >= worthwhileRoomPercent ? `take it under ${worthwhileRoomPercent} %` : `bring it to ${worthwhileRoomPercent} % or more`; // biome-ignore format: one thing
  const most = varied.reduce((a, b) => (swing(b) > swing(a) ? b : a));
  const result =
    deciding.length > 0
      ? `Decided by ${named(deciding)}: ${deciding.length === 1 ? 'it' : 'each of them'} alone, at one end of its prior, would ${crossed}.`
      : `No single one of the ${varied.length} with a prior would ${crossed}; ${most.name} (${most.kind}) moves it most.`;
  return [`${said} ${result} Numbers without a prior, measured and fitted ones among them, are held.`];
}

const longestSource = 110;

/** To whole words. */
function shortened(source: string): string {
  if (source.length <= longestSource) return source;
  return `${source.slice(0, source.lastIndexOf(' ', longestSource)).replace(/[,;:]$/, '')} …`;
}

export function constantsMarkdown(texts: readonly ConstantsText[]): string {
  return texts
    .map(({ title, sentences, table }) => {
      const rows = table ? [table.header, table.header.map(() => '---'), ...table.body].map(markdownRow) : [];
      return [`### ${markdownText(title)}`, '', markdownText(sentences.join(' ')), '', ...rows, ''].join('\n');
    })
    .join('\n');
}

export function constantsHtml(texts: readonly ConstantsText[]): string {
  return join(
    ...texts.map(({ title, sentences, table }) =>
      join(
        `<h3>${escapeHtml(title)}</h3>`,
        ...sentences.map((sentence) => `<p>${escapeHtml(sentence)}</p>`),
        table
          ? tableHtml('Constants, the surest first', table.header, table.body, {
              textColumns: table.header.map((_, column) => column),
            })
          : '',
      ),
    ),
  );
}
