import { describe, expect, test } from 'vitest';
import { latencyRow } from '../../test/fixtures/latency-row.js';
import type { AtlasRow, LatencyRow } from '../results/rows.js';
import { type ReportData, reportHtml } from './report.js';

const profile = 'profile://jetson-agx-orin?mode=maxn&precision=fp32&launch=eager&transfer=direct';
const row: LatencyRow = latencyRow;
const atlasRow: AtlasRow = {
  model: row.model,
  profile,
  profileHash: row.profileHash,
  kind: 'simulated',
  batch: 1,
  execution: 'serial',
  headroomPercent: 17.25,
  best: 'cpu-only',
  roomPercent: 3.5,
  bestBaseline: 'greedy',
  sourced: true,
};
const svg = '<svg xmlns="http://www.w3.org/2000/svg"><clipPath id="c0"/><g clip-path="url(#c0)"/></svg>';
const data: ReportData = {
  title: 'Runs & <baselines>',
  command: 'sparoa-gym run quickstart.yaml --set "agent.gamma=0.9"',
  validateCommand: 'sparoa-gym validate results/quickstart/trajectories.csv',
  system: { node: 'v20.20.2', versions: { vega: '6.4.0' } },
  config: { name: 'quickstart', seeds: 5 },
  rows: [row, { ...row, scheduler: 'optimum', latencyMs: 10, gapPercent: 0 }],
  atlas: [atlasRow, { ...atlasRow, model: 'model://resnet18?batch=4', batch: 4, headroomPercent: 0.5 }],
  chosen: [{ model: row.model, profile, batch: 1 }],
  ranked: [],
  gapTo: () => 'optimum',
  rooms: [],
  standings: [],
  constants: [],
  ensembles: [],
  figures: [
    { name: 'atlas', caption: 'The map', svg },
    { name: 'latency', caption: 'The bars', svg },
    { name: 'learning-curves', caption: 'The curves', svg },
    { name: 'gantt-resnet18', caption: 'The chart', svg },
    { name: 'quadrants', caption: 'The "scatter"', svg },
  ],
  notes: ['Weights are random.'],
};
const html = reportHtml(data);

/** The HTML from one section's heading to the next. */
function section(text: string, id: string): string {
  const start = text.indexOf(`<section aria-labelledby="${id}">`);
  return start < 0 ? '' : text.slice(start, text.indexOf('</section>', start));
}

describe('reportHtml', () => {
  test('stands by itself: no script, and nothing loaded from anywhere', () => {
    expect(html).not.toMatch(/<script|<link|<img|<iframe|@import|url\((?!#)|\ssrc=/i);
    const addresses = [...html.matchAll(/(?:href|xmlns)="([^"#][^"]*)"/g)].map((match) => match[1]);
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg']));
  });

  test('is well formed: every element that opens closes, in order', () => {
    const open: string[] = [];
    for (const [, close, name, self] of html.matchAll(/<(\/?)([a-zA-Z][\w]*)(?:\s[^<>]*?)?(\/?)>/g)) {
      if (self || ['meta', 'br'].includes(name!)) continue;
      if (close) expect(open.pop()).toBe(name);
      else open.push(name!);
    }
    expect(open).toEqual([]);
  });

  test('puts every figure in its section, with a description, and ids that do not collide', () => {
    expect(section(html, 'atlas')).toContain('aria-label="The map"');
    expect(section(html, 'latency')).toContain('aria-label="The bars"');
    expect(section(html, 'learning-curves')).toContain('aria-label="The curves"');
    expect(section(html, 'gantt')).toContain('aria-label="The chart"');
    expect(section(html, 'figures')).toContain('aria-label="The &quot;scatter&quot;"');
    const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]!);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of html.matchAll(/url\(#([^)]+)\)|href="#[^"]+"/g)) if (id) expect(ids).toContain(id);
  });

  test('gives the commands exactly, the configuration and the provenance', () => {
    expect(section(html, 'reproduce')).toContain('sparoa-gym run quickstart.yaml --set &quot;agent.gamma=0.9&quot;');
    expect(section(html, 'reproduce')).toContain(data.validateCommand);
    expect(section(html, 'reproduce')).toContain('&quot;seeds&quot;: 5');
    for (const text of ['0123456789abcdef', 'simulated', 'derived', 'serial', 'v20.20.2', '6.4.0']) {
      expect(section(html, 'provenance')).toContain(text);
    }
  });

  test('tables have captions and scopes, and the least latency is shaded', () => {
    expect(html.match(/<caption>/g)).toHaveLength(html.match(/<table>/g)!.length);
    const best = [...html.matchAll(/<tr class="best"><th scope="row">([^<]+)/g)].map((match) => match[1]);
    expect(best).toEqual(['optimum']);
    expect(section(html, 'latency')).toContain('undefined (headroom &lt; 2 %)');
  });

  test('the atlas says how many cells have headroom, and which is chosen', () => {
    const table = section(html, 'atlas');
    expect(table).toContain('<td>1 of 2</td>');
    expect(table).toContain('17.3 %: jetson-agx-orin · maxn · fp32 · eager · direct · batch 1');
  });

  test('leaves out what a run does not have', () => {
    const bare = reportHtml({ ...data, atlas: [], chosen: [], figures: [], notes: [] });
    expect(section(bare, 'atlas')).toBe('');
    expect(section(bare, 'learning-curves')).toBe('');
    expect(section(bare, 'latency')).toContain('<table>');
  });

  test('escapes what it is given, and writes the same bytes twice', () => {
    expect(html).toContain('<h1>Runs &amp; &lt;baselines&gt;</h1>');
    expect(reportHtml(data)).toBe(html);
  });
});

test('names are text in the report, and two figures whose names fold alike keep their ids apart', () => {
  const name = '</dd><script>alert(1)</script>"\'&';
  const hostile = { ...row, model: `file:///m/${encodeURIComponent(name)}.onnx`, scheduler: '<i>x</i>' };
  const figures = ['gantt-a.b', 'gantt-a_b', 'gantt-a-b'].map((figure) => ({ name: figure, caption: name, svg }));
  const text = reportHtml({ ...data, title: name, command: name, rows: [hostile], figures, notes: [name] });
  expect(text).not.toMatch(/<script|<i>/);
  const ids = [...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
