// The atlas as a heat map: in which cells a hybrid schedule can beat the better single device, and by how much.
import { InputError } from '../../base/errors/input-error.js';
import type { AtlasRow, LatencyRow } from '../rows.js';
import { type Figure, provenanceLines } from './figure.js';
import { baseName, parameterOf, shortNames } from './labels.js';
import { okabeIto } from './palette.js';

export type AtlasCell = Pick<AtlasRow, 'model' | 'profile' | 'batch'>;

export interface AtlasData {
  readonly rows: readonly AtlasRow[];
  /** Cells in which the experiment runs; outlined. */
  readonly chosen: readonly AtlasCell[];
  readonly kind: LatencyRow['kind'];
  readonly profileHashes: readonly string[];
}

/** Bounds of the colour classes, in percent. Under the first, captured headroom is not defined. */
export const headroomClasses = [2, 5, 10, 20, 40] as const;
const classColors = ['#efefef', '#d9ecc6', '#9fd6b9', '#4fb3bf', '#2b7bb0', '#1d3f7f'];

/** The profile's own axes; any other parameter overrides a number, and belongs to a sweep. */
const axes: readonly string[] = ['mode', 'precision', 'launch', 'transfer'];
const isVariant = ({ profile }: AtlasRow) =>
  [...new URLSearchParams(profile.split('?')[1] ?? '').keys()].every((name) => axes.includes(name));

/** A map per model and power mode: batch against launch, transfer and precision. Swept cells are left to sweepFigure. */
export function atlasFigure({ rows, chosen, kind, profileHashes }: AtlasData): Figure {
  const variants = rows.filter(isVariant);
  if (variants.length === 0) {
    throw new InputError('atlas: there is no cell to draw.', 'Ask for at least one model, profile and batch.');
  }
  const isChosen = chosenTest(chosen);
  const models = shortNames(variants.map(({ model }) => withoutBatch(model)));
  const boards = new Set(variants.map(({ profile }) => baseName(profile)));
  const axis = (row: AtlasRow, name: string) => parameterOf(row.profile, name) ?? 'default';
  const values = variants.map((row) => ({
    model: models.get(withoutBatch(row.model))!,
    mode: boards.size > 1 ? `${baseName(row.profile)} ${axis(row, 'mode')}` : axis(row, 'mode'),
    variant: `${axis(row, 'launch')} · ${axis(row, 'transfer')} · ${axis(row, 'precision')}`,
    batch: row.batch,
    headroom: row.headroomPercent,
    sourced: row.sourced,
    chosen: isChosen(row),
  }));
  const sort = (field: 'model' | 'mode' | 'variant') => [...new Set(values.map((value) => value[field]))];
  const modelCount = models.size === 1 ? '1 model' : `${models.size} models`;
  return {
    caption: `Headroom of hybrid schedules in percent, by batch and power mode against launch, transfer and precision, ${modelCount} on ${[...boards].join(', ')}.`,
    spec: {
      title: {
        text: `Where a hybrid schedule can win on ${[...boards].join(', ')}`,
        subtitle: [
          'headroom: better single device over the optimum, less 1, in percent (serial regime)',
          'dot: sourced cell, no assumed number; red outline: chosen cell',
          ...provenanceLines({ kinds: [kind], profileHashes }),
        ],
      },
      data: { values },
      facet: {
        row: {
          field: 'model',
          type: 'nominal',
          sort: sort('model'),
          header: { labelAngle: 0, labelAlign: 'left', labelAnchor: 'middle', labelOrient: 'left' },
        },
        column: { field: 'mode', type: 'nominal', sort: sort('mode') },
      },
      spacing: { row: 14, column: 10 },
      spec: {
        width: { step: 46 },
        height: { step: 22 },
        encoding: {
          x: { field: 'batch', type: 'ordinal', title: 'batch', axis: { labelAngle: 0, ticks: false, domain: false } },
          y: {
            field: 'variant',
            type: 'nominal',
            sort: sort('variant'),
            title: null,
            axis: { ticks: false, domain: false },
          },
        },
        layer: heatLayers,
      },
    },
  };
}

/** Cell, value, dot and outline, of data with `headroom`, `sourced` and `chosen`. */
const heatLayers = [
  {
    mark: { type: 'rect' as const, stroke: '#ffffff', strokeWidth: 2 },
    encoding: {
      color: {
        field: 'headroom',
        type: 'quantitative' as const,
        scale: { type: 'threshold' as const, domain: [...headroomClasses], range: classColors },
        legend: { title: 'headroom, %', orient: 'right' as const },
      },
    },
  },
  {
    mark: { type: 'text' as const, fontSize: 11 },
    encoding: {
      text: { field: 'headroom', type: 'quantitative' as const, format: '.1f' },
      color: { condition: { test: 'datum.headroom >= 20', value: '#ffffff' }, value: '#222222' },
    },
  },
  {
    transform: [{ filter: 'datum.sourced' }],
    mark: { type: 'point' as const, shape: 'circle', filled: true, size: 14, xOffset: 18, yOffset: -6, opacity: 1 },
    encoding: { color: { condition: { test: 'datum.headroom >= 20', value: '#ffffff' }, value: '#222222' } },
  },
  {
    transform: [{ filter: 'datum.chosen' }],
    mark: { type: 'rect' as const, filled: false, fillOpacity: 0, stroke: okabeIto.vermilion, strokeWidth: 2.6 },
  },
];

function chosenTest(chosen: readonly AtlasCell[]): (row: AtlasRow) => boolean {
  const key = ({ model, profile, batch }: AtlasCell) => JSON.stringify([withoutBatch(model), profile, batch]);
  const keys = new Set(chosen.map(key));
  return (row) => keys.has(key(row));
}

/** Rows of one model differ in the batch that their URI carries. */
function withoutBatch(uri: string): string {
  const [path, query = ''] = uri.split('?', 2) as [string, string?];
  const others = query.split('&').filter((part) => part !== '' && !part.startsWith('batch='));
  return others.length === 0 ? path : `${path}?${others.join('&')}`;
}
