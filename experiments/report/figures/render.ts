// From a Vega-Lite specification to SVG, and from SVG to PNG, with the same bytes on every machine: text is measured by
// our own table, and drawn with the font that comes as a dependency.
import type { Config, TopLevelSpec } from 'vega-lite';
import { rasterise } from '../../../base/pictures/rasterise.js';
import { fontStack, ink } from './palette.js';

/** Exported by vega, and left out of its type declarations. */
interface TextMetrics {
  width: (item: { readonly fontSize?: number; readonly fontWeight?: number | string }, text: unknown) => number;
}
/** Vega and Vega-Lite, loaded when the first figure is drawn: they take half a second. */
async function loadVega() {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const { textMetrics } = vega as unknown as { readonly textMetrics: TextMetrics };
  // By default Vega measures text with node-canvas if that is installed, and assumes 0.8 em per letter otherwise.
  textMetrics.width = ({ fontSize = 11, fontWeight = 400 }, text) =>
    textWidth(String(text ?? ''), fontSize) * (Number(fontWeight) >= 600 || fontWeight === 'bold' ? 1.1 : 1);
  return { vega, compile };
}

const config: Config = {
  font: fontStack,
  background: ink.paper,
  padding: 14,
  title: {
    anchor: 'start',
    fontSize: 16,
    fontWeight: 600,
    color: ink.text,
    subtitleFontSize: 12,
    subtitleColor: ink.muted,
    subtitlePadding: 5,
    offset: 14,
  },
  axis: {
    labelFontSize: 11,
    labelColor: ink.text,
    titleFontSize: 12,
    titleFontWeight: 600,
    titleColor: ink.text,
    gridColor: ink.grid,
    domainColor: ink.axis,
    tickColor: ink.axis,
    labelLimit: 320,
    titleLimit: 600,
  },
  legend: {
    labelFontSize: 12,
    labelColor: ink.text,
    titleFontSize: 12,
    titleFontWeight: 600,
    titleColor: ink.text,
    labelLimit: 320,
    titleLimit: 320,
  },
  header: { labelFontSize: 13, labelFontWeight: 600, labelColor: ink.text, labelLimit: 600, title: null },
  view: { stroke: null },
};

/** Draws the specification. */
export async function render(spec: TopLevelSpec): Promise<{ svg: string }> {
  const { vega, compile } = await loadVega();
  const { spec: compiled } = compile(spec, { config });
  const view = new vega.View(vega.parse(compiled), { renderer: 'none', logLevel: vega.Error });
  try {
    // Vega numbers clip paths by a counter of the process: a figure would depend on those drawn before and beside it.
    return { svg: renumberIds(await view.toSVG(), 'id') };
  } finally {
    view.finalize();
  }
}

/** The same drawing with the ids `prefix0`, `prefix1`, ... in order of appearance. */
export function renumberIds(svg: string, prefix: string): string {
  const ids = [...svg.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]!);
  const renamed = new Map(ids.map((id, i) => [id, `${prefix}${i}`]));
  const fresh = (id: string) => renamed.get(id) ?? id;
  return svg.replace(
    /(\sid="|url\(#|href="#|aria-labelledby=")([^")]+)/g,
    (_, before: string, id: string) => before + fresh(id),
  );
}

/** Rasterises at `scale` pixels per unit of the SVG, on white. */
export function svgToPng(svg: string, { scale = 2 } = {}): Uint8Array {
  return rasterise(svg, scale).asPng();
}

/** Advance widths in em by class of character, between those of Source Sans 3 and the wider Arial. */
const advances: readonly (readonly [RegExp, number])[] = [
  [/[ !'(),\-./:;I[\]`fijlrt{|}·]/, 0.3],
  [/[%@MWmw—]/, 0.83],
  [/[A-Z]/, 0.62],
];

/** Width of a line of text, in the unit of `fontSize`; an estimate a little above what Source Sans 3 takes in regular weight. */
export function textWidth(text: string, fontSize: number): number {
  let em = 0;
  for (const character of text) em += advances.find(([pattern]) => pattern.test(character))?.[1] ?? 0.53;
  return em * fontSize;
}
