// What the report says of the atlas that cells were chosen from: by model, then every cell, then those with room.

import { worthwhileRoomPercent } from '../atlas/cell-constants.js';
import { worthwhilePercent } from '../atlas/ensemble.js';
import type { AtlasRow } from '../results/rows.js';
import { cornerNote, isCorner } from './corner.js';
import { type AtlasCell, isVariant, membership, withoutBatch } from './figures/heat-cells.js';
import { shortNames } from './figures/labels.js';
import { escapeHtml, join, tableHtml } from './html.js';

/** Empty without rows. The figure and atlas.csv have the assumed costs that are swept beside these. */
export function atlasSection(atlas: readonly AtlasRow[], chosen: readonly AtlasCell[]): string {
  const variants = atlas.filter(isVariant);
  if (variants.length === 0) return '';
  const isChosen = membership(chosen);
  const models = shortNames(variants.map(({ model }) => withoutBatch(model)));
  const profiles = shortNames(variants.map(({ profile }) => profile));
  const cellOf = (row: AtlasRow) => [
    profiles.get(row.profile)!,
    `batch ${row.batch}`,
    ...(row.sourced ? [] : ['not sourced']),
    ...(isCorner(row.profile) ? ['*'] : []),
  ];
  const describe = (percent: number, row: AtlasRow) => `${percent.toFixed(1)} %: ${cellOf(row).join(' · ')}`;
  const summary = [...models].map(([model, name]) => {
    const own = variants.filter((row) => withoutBatch(row.model) === model);
    const most = (amount: (row: AtlasRow) => number) => own.reduce((a, b) => (amount(b) > amount(a) ? b : a));
    const [headroom, room] = [most(headroomOf), most(roomOf)];
    const picked = own.find(isChosen);
    return [
      name,
      `${own.filter((row) => headroomOf(row) >= worthwhilePercent).length} of ${own.length}`,
      `${own.filter(roomy).length} of ${own.length}`,
      describe(headroomOf(headroom), headroom),
      describe(roomOf(room), room),
      picked ? describe(roomOf(picked), picked) : '-',
    ];
  });
  const header = ['model', `headroom of ${worthwhilePercent} % or more`, `room of ${worthwhileRoomPercent} % or more`, 'most headroom', 'most room', 'chosen cell, its room']; // biome-ignore format: a row
  const list = (rows: readonly AtlasRow[], caption: string) =>
    tableHtml(
      caption,
      ['model', 'cell', 'headroom, %', 'better single device', 'room, %', 'best cheap baseline', ''],
      rows.map((row) => [
        models.get(withoutBatch(row.model))!,
        cellOf(row).join(' · '),
        headroomOf(row).toFixed(1),
        row.best,
        roomOf(row).toFixed(1),
        row.bestBaseline,
        isChosen(row) ? 'chosen' : '',
      ]),
      { textColumns: [1, 3, 5, 6] },
    );
  const withRoom = variants.filter(roomy).sort((a, b) => roomOf(b) - roomOf(a));
  return join(
    `<p>Headroom is how much slower the better single device is than the provable optimum in serial execution, room how much slower the best cheap baseline is. Where headroom is under ${worthwhilePercent} %, no scheduler can do much, and captured headroom is not defined; where room is under ${worthwhileRoomPercent} %, a cheap rule does nearly all that can be done.</p>`,
    variants.some(({ profile }) => isCorner(profile)) ? `<p>* ${escapeHtml(cornerNote)}.</p>` : '',
    tableHtml('Headroom and room by model', header, summary, { textColumns: [3, 4, 5] }),
    `<details><summary>All ${variants.length} cells</summary>\n${list(variants, 'All cells')}\n</details>`,
    withRoom.length === 0
      ? `<p>No cell has room of ${worthwhileRoomPercent} % or more.</p>`
      : `<details open><summary>The ${withRoom.length} cells with room</summary>\n${list(withRoom, `Cells with room of ${worthwhileRoomPercent} % or more, most first`)}\n</details>`,
  );
}

const headroomOf = ({ headroomPercent }: AtlasRow): number => headroomPercent;
const roomOf = ({ roomPercent }: AtlasRow): number => roomPercent;
const roomy = (row: AtlasRow): boolean => roomOf(row) >= worthwhileRoomPercent;
