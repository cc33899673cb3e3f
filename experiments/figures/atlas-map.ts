// The atlas as a heat map: in which of a board's variants a hybrid schedule can beat the better single device.
import type { AtlasRow } from '../rows.js';
import { type Figure, provenanceLines } from './figure.js';
import { type AtlasData, assertSome, heatCell, heatLayers, isVariant, membership, withoutBatch } from './heat-cells.js';
import { baseName, parameterOf, shortNames } from './labels.js';

/** A map per model and power mode: batch against launch, transfer and precision. Swept cells are left to sweepFigure. */
export function atlasFigure({ rows, chosen, kind, profileHashes }: AtlasData): Figure {
  const variants = rows.filter(isVariant);
  assertSome(variants, 'variant of a profile');
  const isChosen = membership(chosen);
  const models = shortNames(variants.map(({ model }) => withoutBatch(model)));
  const boards = [...new Set(variants.map(({ profile }) => baseName(profile)))];
  const axis = (row: AtlasRow, name: string) => parameterOf(row.profile, name) ?? 'default';
  const values = variants.map((row) => ({
    ...heatCell(row, isChosen(row)),
    model: models.get(withoutBatch(row.model))!,
    mode: boards.length > 1 ? `${baseName(row.profile)} ${axis(row, 'mode')}` : axis(row, 'mode'),
    variant: `${axis(row, 'launch')} · ${axis(row, 'transfer')} · ${axis(row, 'precision')}`,
    batch: row.batch,
  }));
  const order = (field: 'model' | 'mode' | 'variant') => [...new Set(values.map((value) => value[field]))];
  const bare = { ticks: false, domain: false } as const;
  return {
    caption: `Headroom of hybrid schedules in percent on ${boards.join(', ')}: batch and power mode against launch, transfer and precision, for ${[...models.values()].join(', ')}.`,
    spec: {
      title: {
        text: `Where a hybrid schedule can win on ${boards.join(', ')}`,
        subtitle: [
          'headroom: better single device over the optimum, less 1, in percent (serial regime)',
          'dot: sourced cell, no assumed number in it; outline: chosen cell',
          ...provenanceLines({ kinds: [kind], profileHashes }),
        ],
      },
      data: { values },
      facet: {
        row: { field: 'model', type: 'nominal', sort: order('model'), header: { labelAngle: 0, labelAlign: 'left' } },
        column: { field: 'mode', type: 'nominal', sort: order('mode') },
      },
      spacing: { row: 14, column: 10 },
      spec: {
        width: { step: 46 },
        height: { step: 22 },
        encoding: {
          x: { field: 'batch', type: 'ordinal', title: 'batch', axis: { labelAngle: 0, ...bare } },
          y: { field: 'variant', type: 'nominal', sort: order('variant'), title: null, axis: bare },
        },
        layer: heatLayers,
      },
    },
  };
}
