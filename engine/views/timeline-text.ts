// A timeline as lines of text: one for each lane, time to the right, for terminals and logs.
import type { EventKind, Timeline } from '../trace.js';

/** Columns of time. */
const columns = 72;

const glyphs: Readonly<Record<EventKind, string>> = { compute: '█', copy: '>', launch: '·', sync: '·', reorder: '≡' };

/** Each column shows what its lane does for most of it, a blank where that is nothing. */
export function timelineText({ kind, lanes, events, makespanMs }: Timeline): string {
  const width = Math.max(...lanes.map(({ id }) => id.length));
  const columnMs = makespanMs / columns;
  const lines = lanes.map(({ id }, lane) => {
    const spent = Array.from({ length: columns }, () => new Map<string, number>());
    for (const event of events) {
      if (event.lane !== lane || event.endMs <= event.startMs) continue;
      const last = Math.min(columns - 1, Math.floor(event.endMs / columnMs));
      for (let column = Math.floor(event.startMs / columnMs); column <= last; column++) {
        const ms = Math.min(event.endMs, (column + 1) * columnMs) - Math.max(event.startMs, column * columnMs);
        const glyph = glyphs[event.kind];
        spent[column]!.set(glyph, (spent[column]!.get(glyph) ?? 0) + ms);
      }
    }
    return `${id.padEnd(width)} |${spent.map((one) => mostly(one, columnMs)).join('')}|`;
  });
  const end = `${Number(makespanMs.toPrecision(4))} ms (${kind})`;
  return [
    ...lines,
    `${' '.repeat(width)}  0${end.padStart(columns - 1)}`,
    '█ compute  > copy  · launch, sync',
    '',
  ].join('\n');
}

function mostly(spent: ReadonlyMap<string, number>, columnMs: number): string {
  const busyMs = [...spent.values()].reduce((a, b) => a + b, 0);
  let [glyph, longestMs] = [' ', columnMs - busyMs];
  for (const [candidate, ms] of spent) if (ms > longestMs) [glyph, longestMs] = [candidate, ms];
  return glyph;
}
