// The style of all figures: the colour of each scheduler, the font. A scheduler has the same colour in every figure.
import { own } from '../../../base/functions/own.js';
import { fontName } from '../../../base/pictures/font.js';
import type { OpClass } from '../../../models/graph.js';

/** Okabe and Ito, "Color Universal Design", 2008: distinguishable with any of the common colour vision deficiencies. */
export const okabeIto = {
  black: '#000000',
  orange: '#e69f00',
  sky: '#56b4e9',
  green: '#009e73',
  yellow: '#f0e442',
  blue: '#0072b2',
  vermilion: '#d55e00',
  purple: '#cc79a7',
} as const;

export interface SchedulerStyle {
  readonly color: string;
  /** Of the horizontal lines in learning curves: a second cue beside colour. */
  readonly dash: readonly [number, number];
}

/** In the order in which figures list them. */
const schedulerStyles: Readonly<Record<string, SchedulerStyle>> = {
  'cpu-only': { color: okabeIto.sky, dash: [7, 3] },
  'gpu-only': { color: okabeIto.orange, dash: [3, 3] },
  random: { color: '#a6a6a6', dash: [1, 3] },
  'static-threshold': { color: okabeIto.yellow, dash: [10, 3] },
  'static-threshold-tuned': { color: okabeIto.purple, dash: [10, 2] },
  greedy: { color: okabeIto.green, dash: [5, 2] },
  optimum: { color: okabeIto.black, dash: [1, 0] },
  sac: { color: okabeIto.vermilion, dash: [1, 0] },
};

/** For schedulers without a place of their own; chosen by name, hence the same in every figure. */
const spareColors = [okabeIto.blue, '#882255', '#44aa99', '#999933', '#332288', '#aa4499'] as const;

export function schedulerStyle(name: string): SchedulerStyle {
  const known = own(schedulerStyles, name);
  if (known) return known;
  let hash = 0;
  for (const character of name) hash = (31 * hash + character.charCodeAt(0)) % 65_521;
  return { color: spareColors[hash % spareColors.length]!, dash: [4, 2] };
}

/** Known schedulers in their fixed order, then the others by name. */
export function orderedSchedulers(names: Iterable<string>): string[] {
  const known = Object.keys(schedulerStyles);
  const rank = (name: string) => (known.includes(name) ? known.indexOf(name) : known.length);
  return [...new Set(names)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Thirteen colours cannot be distinguished, so the kind of work gives a class its colour, and its shape within the kind. */
export const opClassMarks: Readonly<Record<OpClass, { readonly color: string; readonly shape: string }>> = {
  conv: { color: okabeIto.blue, shape: 'circle' },
  'depthwise-conv': { color: okabeIto.sky, shape: 'circle' },
  gemm: { color: okabeIto.green, shape: 'square' },
  matmul: { color: okabeIto.green, shape: 'diamond' },
  normalization: { color: okabeIto.purple, shape: 'triangle-up' },
  softmax: { color: okabeIto.purple, shape: 'triangle-down' },
  activation: { color: okabeIto.orange, shape: 'triangle-up' },
  elementwise: { color: okabeIto.orange, shape: 'cross' },
  pool: { color: okabeIto.vermilion, shape: 'triangle-down' },
  reduce: { color: okabeIto.vermilion, shape: 'triangle-right' },
  'data-movement': { color: '#7f7f7f', shape: 'square' },
  'control-flow': { color: okabeIto.black, shape: 'diamond' },
  other: { color: '#7f7f7f', shape: 'cross' },
};

/** The font of PNG files, and what browsers without it use in SVG files. Quoted: a bare name must not end in a digit. */
export const fontStack = `'${fontName}', 'Source Sans Pro', 'Helvetica Neue', Arial, sans-serif`;

export const ink = { text: '#222222', muted: '#5f5f5f', grid: '#e4e4e4', axis: '#8c8c8c', paper: '#ffffff' } as const;
