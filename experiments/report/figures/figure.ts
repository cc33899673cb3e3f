// A figure as data, and as files. Its subtitle names the source of its numbers, because pictures are copied without the text
// around them.
import { join } from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import { writeFileAtomic } from '../../../base/files/atomic.js';
import type { LatencyRow } from '../../results/rows.js';
import type { Drawing, WrittenFigure } from './drawing.js';
import { render, svgToPng } from './render.js';

export interface Figure {
  /** What it shows, in a sentence; also the text for those who cannot see it. */
  readonly caption: string;
  readonly spec: TopLevelSpec;
}

/** Writes `name.svg` and `name.png` into `folder`. */
export async function writeFigure(folder: string, name: string, figure: Figure | Drawing): Promise<WrittenFigure> {
  const { svg } = 'spec' in figure ? await render(figure.spec) : figure;
  const paths = [join(folder, `${name}.svg`), join(folder, `${name}.png`)] as const;
  writeFileAtomic(paths[0], svg);
  writeFileAtomic(paths[1], svgToPng(svg));
  return { name, caption: figure.caption, svg, paths };
}

/** Where the numbers of a figure come from. */
export interface Provenance {
  readonly kinds: readonly LatencyRow['kind'][];
  readonly profileHashes: readonly string[];
}

export function provenanceOf(rows: readonly Pick<LatencyRow, 'kind' | 'profileHash'>[]): Provenance {
  return {
    kinds: [...new Set(rows.map((row) => row.kind))],
    profileHashes: [...new Set(rows.map((row) => row.profileHash))],
  };
}

/** Lines for a subtitle: `simulated, profile 0123456789abcdef`, a few hashes a line. */
export function provenanceLines({ kinds, profileHashes }: Provenance): string[] {
  const perLine = 5;
  const noun = profileHashes.length === 1 ? 'profile' : 'profiles';
  const lines: string[] = [];
  for (let i = 0; i < profileHashes.length; i += perLine) lines.push(profileHashes.slice(i, i + perLine).join(', '));
  return lines.length === 0
    ? [kinds.join(', ')]
    : lines.map((line, i) => (i === 0 ? `${kinds.join(', ')}, ${noun} ${line}` : line));
}
