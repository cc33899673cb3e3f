// The atlas as a heat map: in which of a board's variants a hybrid schedule can beat the better single device.
import { cornerNote, isCorner } from '../corner.js';
import { type Figure, provenanceLines } from './figure.js';
import {
  type AtlasData,
  assertSome,
  axis,
  bareAxis,
  heatCell,
  heatMaps,
  isVariant,
  membership,
  namesOf,
  withoutBatch,
} from './heat-cells.js';
import { baseName, shortNames } from './labels.js';

/** A map per model and power mode: batch against launch, transfer and precision. Swept cells are left to sweepFigure. */
export function atlasFigure({ rows, chosen, kind, profileHashes }: AtlasData): Figure {
  const variants = rows.filter(isVariant);
  assertSome(variants, 'variant of a profile');
  const isChosen = membership(chosen);
  const models = shortNames(variants.map(({ model }) => withoutBatch(model)));
  const boards = [...new Set(variants.map(({ profile }) => baseName(profile)))];
  const values = variants.map((row) => ({
    ...heatCell(row, isChosen(row)),
    model: models.get(withoutBatch(row.model))!,
    mode: boards.length > 1 ? `${baseName(row.profile)} ${axis(row, 'mode')}` : axis(row, 'mode'),
    variant: `${axis(row, 'launch')} · ${axis(row, 'transfer')} · ${axis(row, 'precision')}${isCorner(row.profile) ? ' *' : ''}`,
    batch: row.batch,
  }));
  return {
    caption: `Headroom of hybrid schedules in percent on ${boards.join(', ')}: batch and power mode against launch, transfer and precision, for ${[...models.values()].join(', ')}.`,
    spec: {
      title: {
        text: `Where a hybrid schedule can win on ${boards.join(', ')}`,
        subtitle: [
          'headroom: better single device over the optimum, less 1, in percent (serial execution)',
          'dot: sourced cell, no assumed number in it; outline: chosen cell',
          ...(variants.some(({ profile }) => isCorner(profile)) ? [`* ${cornerNote}`] : []),
          ...provenanceLines({ kinds: [kind], profileHashes }),
        ],
      },
      ...heatMaps(values, 46, {
        x: { field: 'batch', type: 'ordinal', title: 'batch', axis: { labelAngle: 0, ...bareAxis } },
        y: { field: 'variant', type: 'nominal', sort: namesOf(values, 'variant'), title: null, axis: bareAxis },
      }),
    },
  };
}
