// A trace as a picture: one row per lane, time to the right. Several traces of one graph share the time axis, so that what
// one schedule gains over another can be seen. Plain SVG text: no drawing library, the same bytes everywhere.
import { InputError } from '../../base/errors/input-error.js';
import type { OpClass, OperatorGraph } from '../../models/graph.js';
import type { Timeline, TraceEvent } from '../trace.js';

export interface GanttPanel {
  readonly title: string;
  readonly trace: Timeline;
}

/** Kinds of work and of overhead, with the colours of Okabe and Ito's palette; text on top is legible on each. */
const styles = {
  convolution: { fill: '#0072b2', ink: '#ffffff' },
  'depthwise convolution': { fill: '#56b4e9', ink: '#000000' },
  'matrix product': { fill: '#009e73', ink: '#ffffff' },
  'elementwise, pooling, normalisation': { fill: '#f0e442', ink: '#000000' },
  'data movement, other': { fill: '#cc79a7', ink: '#000000' },
  launch: { fill: '#8a8a8a', ink: '#000000' },
  copy: { fill: '#d55e00', ink: '#ffffff' },
  sync: { fill: '#cfcfcf', ink: '#000000' },
  reorder: { fill: '#e69f00', ink: '#000000' },
} as const;
type Style = keyof typeof styles;
const styleNames = Object.keys(styles) as Style[];

const classStyle: Readonly<Record<OpClass, Style>> = {
  conv: 'convolution',
  'depthwise-conv': 'depthwise convolution',
  gemm: 'matrix product',
  matmul: 'matrix product',
  normalization: 'elementwise, pooling, normalisation',
  softmax: 'elementwise, pooling, normalisation',
  activation: 'elementwise, pooling, normalisation',
  elementwise: 'elementwise, pooling, normalisation',
  pool: 'elementwise, pooling, normalisation',
  reduce: 'elementwise, pooling, normalisation',
  'data-movement': 'data movement, other',
  'control-flow': 'data movement, other',
  other: 'data movement, other',
};

const layout = {
  width: 1240,
  left: 96,
  right: 28,
  top: 20,
  head: 46,
  row: 34,
  rowGap: 6,
  panelGap: 22,
  axis: 44,
  legend: 26,
};
const plotWidth = layout.width - layout.left - layout.right;
const font = `font-family="'Source Sans 3', 'Source Sans Pro', 'Helvetica Neue', Arial, sans-serif"`;

export interface GanttOptions {
  /** `used` (default): of what is drawn; `all`: drawings of one graph have one size, as frames of a film must. */
  readonly legend?: 'used' | 'all';
}

/**
 * The traces as one SVG, stacked. Every event is a rectangle whose width is its duration, with its unit and times as
 * tooltip; a unit's id stands in it where there is room.
 * @throws InputError when there is no trace, or one is of another graph.
 */
export function ganttSvg(
  graph: OperatorGraph,
  panels: readonly GanttPanel[],
  { legend: listed = 'used' }: GanttOptions = {},
): string {
  if (panels.length === 0) throw new InputError('gantt: there is no trace to draw.', 'Give at least one.');
  for (const { title, trace } of panels) {
    if (trace.graphHash === graph.hash) continue;
    throw new InputError(
      `gantt: the trace "${title}" is of graph ${trace.graphHash}, not ${graph.hash}.`,
      'Draw traces of one graph together; profiles with another launch mode have another graph.',
    );
  }
  const endMs = Math.max(...panels.map(({ trace }) => trace.makespanMs)) || 1;
  const toX = (ms: number) => layout.left + (ms / endMs) * plotWidth;
  const parts: string[] = [];
  let y = layout.top;
  const axisTicks = ticks(endMs);
  for (const panel of panels) {
    parts.push(...drawPanel(graph, panel, y, toX, axisTicks));
    y += panelHeight(panel) + layout.panelGap;
  }
  parts.push(...drawAxis(y - layout.panelGap, toX, axisTicks));
  y += layout.axis - layout.panelGap + 12;
  const legend = drawLegend(listed === 'all' ? styleNames : usedStyles(graph, panels), y);
  parts.push(...legend.parts);
  const height = y + legend.height + 8;
  const label = `Gantt chart: ${panels.map(({ title, trace }) => `${title}, ${fixed(trace.makespanMs)} ms`).join('; ')}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${layout.width}" height="${height}" viewBox="0 0 ${layout.width} ${height}" role="img" aria-label="${escapeXml(label)}" ${font} font-size="12" fill="#222222">`,
    `<rect width="${layout.width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

type Scale = (ms: number) => number;

function panelHeight({ trace }: GanttPanel): number {
  return layout.head + trace.lanes.length * (layout.row + layout.rowGap);
}

function drawPanel(
  graph: OperatorGraph,
  panel: GanttPanel,
  top: number,
  toX: Scale,
  gridMs: readonly number[],
): string[] {
  const { title, trace } = panel;
  const rowsTop = top + layout.head;
  const bottom = top + panelHeight(panel);
  const provenance = [
    trace.kind,
    trace.profileHash === null ? 'no profile' : `profile ${trace.profileHash}`,
    `${trace.conditions.execution} execution`,
    ...(trace.resolution === 'segment' ? ['device times of whole segments'] : []),
  ].join(' · ');
  const laneY = (lane: number) => rowsTop + lane * (layout.row + layout.rowGap);
  return [
    text(layout.left, top + 14, `${title} · ${fixed(trace.makespanMs)} ms`, 'font-size="15" font-weight="600"'),
    text(layout.left, top + 31, provenance, 'fill="#5f5f5f"'),
    ...gridMs.map((ms) => line(toX(ms), rowsTop - 4, toX(ms), bottom, '#e4e4e4')),
    ...trace.lanes.flatMap((lane, index) => [
      rect(layout.left, laneY(index), plotWidth, layout.row, 'fill="#000000" fill-opacity="0.035"'),
      text(layout.left - 10, laneY(index) + 15, lane.id, 'text-anchor="end" font-weight="600"'),
      text(
        layout.left - 10,
        laneY(index) + 29,
        `${busyPercent(trace, index)} busy`,
        'text-anchor="end" font-size="11" fill="#5f5f5f"',
      ),
    ]),
    ...trace.events.filter(hasWidth).flatMap((event) => drawEvent(graph, event, laneY(event.lane), toX)),
    line(toX(trace.makespanMs), rowsTop - 4, toX(trace.makespanMs), bottom, '#222222', ' stroke-dasharray="4 3"'),
  ];
}

function drawEvent(graph: OperatorGraph, event: TraceEvent, y: number, toX: Scale): string[] {
  const x = toX(event.startMs);
  const width = toX(event.endMs) - x;
  const { fill, ink } = styles[styleOf(graph, event)];
  // A white edge separates neighbours; on slivers it would hide the sliver itself.
  const edge = width > 3 ? ' stroke="#ffffff" stroke-width="0.6"' : '';
  const tip = `<title>${escapeXml(describe(graph, event))}</title>`;
  const box = `<rect class="${event.kind}" x="${fixed(x)}" y="${y}" width="${fixed(width)}" height="${layout.row}" fill="${fill}"${edge}>${tip}</rect>`;
  const label = event.units.join('+');
  if (event.kind !== 'compute' || width < 7 * label.length + 5) return [box];
  return [
    box,
    text(
      x + width / 2,
      y + layout.row / 2 + 4,
      label,
      `text-anchor="middle" font-size="11" fill="${ink}" pointer-events="none"`,
    ),
  ];
}

/** A reshape may cost nothing; a rectangle without width would only stand in the legend. */
function hasWidth({ startMs, endMs }: TraceEvent): boolean {
  return endMs > startMs;
}

function styleOf(graph: OperatorGraph, { kind, units }: TraceEvent): Style {
  if (kind !== 'compute') return kind;
  // A segment is shown as what most of its work is.
  const heaviest = units.map((id) => graph.units[id]!).reduce((a, b) => (b.flops > a.flops ? b : a));
  return classStyle[heaviest.opClass];
}

function describe(graph: OperatorGraph, { kind, units, startMs, endMs, tensor, bytes }: TraceEvent): string {
  const names = units.map((id) => `${id} ${graph.units[id]!.name} (${graph.units[id]!.opClass})`).join(', ');
  const moved = tensor === undefined ? '' : `, ${graph.tensors[tensor]!.name}, ${Math.round(bytes ?? 0)} bytes`;
  return `${kind}: ${names}${moved}: ${fixed(endMs - startMs)} ms, from ${fixed(startMs)} to ${fixed(endMs)} ms`;
}

/** Time in which the lane does anything, of the makespan. */
function busyPercent({ events, makespanMs }: Timeline, lane: number): string {
  const busyMs = events.reduce((sum, event) => (event.lane === lane ? sum + event.endMs - event.startMs : sum), 0);
  return `${makespanMs > 0 ? Math.round((100 * busyMs) / makespanMs) : 0} %`;
}

function drawAxis(y: number, toX: Scale, axisTicks: readonly number[]): string[] {
  return [
    line(layout.left, y, layout.width - layout.right, y, '#8c8c8c'),
    ...axisTicks.flatMap((ms) => [
      line(toX(ms), y, toX(ms), y + 5, '#8c8c8c'),
      text(toX(ms), y + 19, String(Number(ms.toPrecision(6))), 'text-anchor="middle"'),
    ]),
    text(layout.left + plotWidth / 2, y + 37, 'time, ms', 'text-anchor="middle" font-weight="600"'),
  ];
}

/** Multiples of 1, 2 or 5 x 10^k, about ten of them. */
function ticks(endMs: number): number[] {
  const power = 10 ** Math.floor(Math.log10(endMs / 8));
  const step = power * [1, 2, 5, 10].find((factor) => endMs / (power * factor) <= 12)!;
  return Array.from({ length: Math.floor(endMs / step + 1e-9) + 1 }, (_, i) => i * step);
}

function usedStyles(graph: OperatorGraph, panels: readonly GanttPanel[]): Style[] {
  const used = new Set(
    panels.flatMap(({ trace }) => trace.events.filter(hasWidth).map((event) => styleOf(graph, event))),
  );
  return styleNames.filter((style) => used.has(style));
}

function drawLegend(shown: readonly Style[], top: number): { parts: string[]; height: number } {
  let x = layout.left;
  let y = top;
  const parts: string[] = [];
  for (const style of shown) {
    const width = 40 + 6.6 * style.length;
    if (x + width > layout.width - layout.right) {
      x = layout.left;
      y += layout.legend;
    }
    parts.push(rect(x, y, 14, 14, `fill="${styles[style].fill}"`), text(x + 20, y + 11.5, style, ''));
    x += width;
  }
  return { parts, height: y - top + layout.legend };
}

function rect(x: number, y: number, width: number, height: number, attributes: string): string {
  return `<rect x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${height}" ${attributes}/>`;
}

function line(x1: number, y1: number, x2: number, y2: number, stroke: string, more = ''): string {
  return `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" stroke="${stroke}"${more}/>`;
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escapeXml(content)}</text>`;
}

/** Three decimals: a nanosecond, or a thousandth of a pixel. */
function fixed(value: number): string {
  return String(Number(value.toFixed(3)));
}

function escapeXml(value: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  };
  // Control characters, which node names may hold, cannot stand in XML even as entities.
  return value.replaceAll(/[^\P{Cc}\t\n\r]/gu, '\ufffd').replaceAll(/[&<>"']/g, (character) => entities[character]!);
}
