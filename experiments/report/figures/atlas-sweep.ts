// The sweep of the atlas: how headroom depends on the GPU's launch cost and on the fixed cost of a transfer, both assumed.
// It answers what a board would have to be like for a hybrid schedule to win.
import { type Figure, provenanceLines } from './figure.js';
import {
  type AtlasData,
  assertSome,
  axis,
  bareAxis,
  heatCell,
  heatMaps,
  isVariant,
  namesOf,
  withoutBatch,
} from './heat-cells.js';
import { baseName, shortNames } from './labels.js';

/** A map per model and power mode: launch against transfer cost, at the batch of the model's chosen cell, else the least. */
export function sweepFigure({ rows, chosen, kind, profileHashes }: AtlasData): Figure {
  const swept = rows.filter((row) => !isVariant(row));
  assertSome(swept, 'swept cell');
  const batchOf = new Map<string, number>();
  for (const { model, batch } of swept) {
    const key = withoutBatch(model);
    const own = chosen.find((cell) => withoutBatch(cell.model) === key)?.batch;
    batchOf.set(key, own ?? Math.min(batch, batchOf.get(key) ?? batch));
  }
  const names = shortNames(batchOf.keys());
  const drawn = swept.filter((row) => row.batch === batchOf.get(withoutBatch(row.model)));
  const boards = [...new Set(drawn.map(({ profile }) => baseName(profile)))];
  const values = drawn.map((row) => ({
    ...heatCell(row, false),
    model: `${names.get(withoutBatch(row.model))} · batch ${row.batch}`,
    mode: boards.length > 1 ? `${baseName(row.profile)} ${axis(row, 'mode')}` : axis(row, 'mode'),
    launch: Number.parseFloat(axis(row, 'device1.launch')),
    transfer: Number.parseFloat(axis(row, 'transfer0.latency')),
  }));
  return {
    caption: `Headroom of hybrid schedules in percent if launch and transfer on ${boards.join(', ')} cost otherwise: assumed values, for ${namesOf(values, 'model').join(', ')}.`,
    spec: {
      title: {
        text: `Headroom if launch and transfer cost otherwise on ${boards.join(', ')}`,
        subtitle: [
          'headroom: better single device over the optimum, less 1, in percent (serial execution)',
          'the costs on both axes are assumed; eager launches, direct transfers, fp32',
          ...provenanceLines({ kinds: [kind], profileHashes }),
        ],
      },
      ...heatMaps(values, 38, {
        x: { field: 'launch', type: 'ordinal', title: 'GPU launch, µs', axis: { labelAngle: 0, ...bareAxis } },
        y: { field: 'transfer', type: 'ordinal', sort: 'descending', title: 'transfer, µs', axis: bareAxis },
      }),
    },
  };
}
