// What the two maps of the atlas share: cells coloured by headroom, with the number in them.
import { InputError } from '../../../base/errors/input-error.js';
import type { AtlasRow, LatencyRow } from '../../results/rows.js';
import { parameterOf } from './labels.js';
import { ink, okabeIto } from './palette.js';

/** What names a row of the atlas. */
export type AtlasCell = Pick<AtlasRow, 'model' | 'profile' | 'batch'>;

export interface AtlasData {
  readonly rows: readonly AtlasRow[];
  /** Cells in which the experiment runs. */
  readonly chosen: readonly AtlasCell[];
  readonly kind: LatencyRow['kind'];
  readonly profileHashes: readonly string[];
}

/** Classes of headroom, in percent: light to dark. In the first, captured headroom is not defined. */
const classes = [
  { name: '< 2', from: Number.NEGATIVE_INFINITY, color: '#efefef' },
  { name: '2 to 5', from: 2, color: '#d9ecc6' },
  { name: '5 to 10', from: 5, color: '#9fd6b9' },
  { name: '10 to 20', from: 10, color: '#4fb3bf' },
  { name: '20 to 40', from: 20, color: '#2b7bb0' },
  { name: '≥ 40', from: 40, color: '#1d3f7f' },
] as const;

export function headroomClass(percent: number): string {
  return classes.findLast(({ from }) => percent >= from)!.name;
}

export interface HeatCell {
  readonly headroom: number;
  readonly class: string;
  readonly sourced: boolean;
  readonly chosen: boolean;
}

export function heatCell(row: AtlasRow, chosen: boolean): HeatCell {
  const { headroomPercent, sourced } = row;
  return { headroom: headroomPercent, class: headroomClass(headroomPercent), sourced, chosen };
}

const textColor = { condition: { test: 'datum.headroom >= 20', value: ink.paper }, value: ink.text };

/** Layers over data of HeatCells: cell, number, dot of a sourced cell, outline of a chosen one. */
const heatLayers = [
  {
    mark: { type: 'rect' as const, stroke: ink.paper, strokeWidth: 2 },
    encoding: {
      color: {
        field: 'class',
        type: 'ordinal' as const,
        // Every class stands in the legend, so that two maps read alike.
        scale: { domain: classes.map(({ name }) => name), range: classes.map(({ color }) => color) },
        legend: { title: 'headroom, %', symbolType: 'square', symbolSize: 220, symbolStrokeWidth: 0 },
      },
    },
  },
  {
    mark: { type: 'text' as const, fontSize: 11 },
    encoding: { text: { field: 'headroom', type: 'quantitative' as const, format: '.1f' }, color: textColor },
  },
  {
    transform: [{ filter: 'datum.sourced' }],
    mark: { type: 'point' as const, shape: 'circle', filled: true, size: 14, xOffset: 18, yOffset: -6, opacity: 1 },
    encoding: { color: textColor },
  },
  {
    transform: [{ filter: 'datum.chosen' }],
    mark: { type: 'rect' as const, fillOpacity: 0, stroke: okabeIto.vermilion, strokeWidth: 2.6 },
  },
];

export const bareAxis = { ticks: false, domain: false } as const;

/** A map for each model and mode; `encoding` places cells in it. */
export function heatMaps<
  Cell extends HeatCell & { readonly model: string; readonly mode: string },
  const Encoding extends { readonly x: object; readonly y: object },
>(values: Cell[], stepPx: number, encoding: Encoding) {
  const header = { labelAngle: 0, labelAlign: 'left' } as const;
  return {
    data: { values },
    facet: {
      row: { field: 'model', type: 'nominal' as const, sort: namesOf(values, 'model'), header },
      column: { field: 'mode', type: 'nominal' as const, sort: namesOf(values, 'mode') },
    },
    spacing: { row: 14, column: 10 },
    spec: { width: { step: stepPx }, height: { step: 22 }, encoding, layer: heatLayers },
  };
}

/** What a field of the values holds, in the order it comes in. */
export function namesOf<Field extends string>(
  values: readonly Readonly<Record<Field, string>>[],
  field: Field,
): string[] {
  return [...new Set(values.map((value) => value[field]))];
}

/** Where a row's profile stands on one of its axes. */
export function axis({ profile }: AtlasRow, name: string): string {
  return parameterOf(profile, name) ?? 'default';
}

/** The profile's own axes; any other parameter overrides one of its numbers, and belongs to the sweep. */
const axes: readonly string[] = ['mode', 'precision', 'launch', 'transfer'];

export function isVariant({ profile }: AtlasRow): boolean {
  return [...new URLSearchParams(profile.split('?')[1] ?? '').keys()].every((name) => axes.includes(name));
}

/** Whether a row is among the cells. */
export function membership(cells: readonly AtlasCell[]): (row: AtlasRow) => boolean {
  const key = ({ model, profile, batch }: AtlasCell) => JSON.stringify([withoutBatch(model), profile, batch]);
  const keys = new Set(cells.map(key));
  return (row) => keys.has(key(row));
}

/** Rows of one model differ in the batch that their URI carries. */
export function withoutBatch(uri: string): string {
  const [path, query = ''] = uri.split('?', 2) as [string, string?];
  const others = query.split('&').filter((part) => part !== '' && !part.startsWith('batch='));
  return others.length === 0 ? path : `${path}?${others.join('&')}`;
}

/** @throws InputError when there is nothing to draw: a figure without data looks like a finding. */
export function assertSome(rows: readonly AtlasRow[], what: string): void {
  if (rows.length > 0) return;
  throw new InputError(`atlas: there is no ${what} to draw.`, 'Ask for at least one model, profile and batch.');
}
