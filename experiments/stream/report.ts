// What a run on streams leaves for people: a table in Markdown, and a figure.
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/files/atomic.js';
import { markdownCode, markdownText } from '../../base/files/markdown.js';
import { writeFigure } from '../report/figures/figure.js';
import { streamGapFigure } from './figure.js';
import { decisionTimes } from './rivals.js';
import type { StreamResults } from './run.js';
import { streamTable } from './summary.js';

/** Writes `stream.md` and `stream.svg`, `stream.png`; the path of the first. */
export async function writeStreamReport({ config, directory, command, rows }: StreamResults): Promise<string> {
  const { caption } = await writeFigure(directory, 'stream', streamGapFigure(rows));
  const { seeds, trainings } = rows.find((row) => row.trainings > 0) ?? rows[0]!;
  const { profile, profileHash, weakestSource } = rows[0]!;
  const text = `# ${config.name}: schedulers on streams of inferences, the best first

**Simulated**, ${markdownText(profile)} (hashes ${profileHash.replaceAll(';', ', ')}; weakest source: ${weakestSource}), regime serial. Each
scheduler played the same ${seeds} streams of ${config.stream.requests} requests; a learner's ${trainings} trainings saw none of
them. Medians over streams, with 95 % bootstrap intervals; of a learner the median over its trainings in each stream.

${streamTable(rows)}

![${markdownText(caption)}](stream.svg)

*A request, ms*: from arrival to answer, penalties included. *Over the bound*: no policy, whatever it knows, gets below 0.
*Behind the row above*: stream by stream; an interval that holds 0 leaves the order of the two rows open.

Decision time is charged as measured constants:

${Object.entries(decisionTimes)
  .map(([name, { value, source }]) => `- ${name}: ${value} (${source})`)
  .join('\n')}

\`-uncharged\`: the same trained policy in the same streams, its decisions taking no time. What is left over the bound is the
quality of its decisions; it is no scheduler that could run.

Command: ${markdownCode(command)}. Every episode is in \`trajectories.csv\`, which \`sparoa-gym validate\` replays.
`;
  const path = join(directory, 'stream.md');
  writeFileAtomic(path, text);
  return path;
}
