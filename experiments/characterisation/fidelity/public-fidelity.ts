// `device fidelity --data`: every set of public measurements that the folder holds, each with what it is compared with.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../../base/errors/input-error.js';
import { powerRunsFile, writeEnergyFidelity } from './energy-tables.js';
import { type Compared, writePairFidelity, writePipelineFidelity } from './interference-tables.js';
import { fidelityMarkdown, writePredictorFidelity } from './predictor-tables.js';

interface PublicSet {
  /** What `--json` has its report under. */
  readonly name: string;
  /** Folders or files within the data, all of which it needs. */
  readonly needs: readonly string[];
  readonly compare: (folder: string, target: string) => Compared<unknown> | Promise<Compared<unknown>>;
}

const sets: readonly PublicSet[] = [
  {
    name: 'predictors',
    needs: ['phones', 'jetson'],
    compare: async (folder, target) => {
      const { rows, figure } = await writePredictorFidelity(folder, target);
      return { report: rows, markdown: fidelityMarkdown(rows), paths: figure.paths };
    },
  },
  {
    name: 'energy',
    needs: [powerRunsFile],
    compare: (folder, target) => {
      const { markdown, ...report } = writeEnergyFidelity(folder, target);
      return { report, markdown, paths: [join(target, 'energy.md')] };
    },
  },
  {
    name: 'pipelines',
    needs: ['better-together'],
    compare: (folder, target) => writePipelineFidelity(join(folder, 'better-together'), target),
  },
  {
    name: 'pairs',
    needs: ['openvino'],
    compare: (folder, target) => writePairFidelity(join(folder, 'openvino', 'openvino_2024_1.csv'), target),
  },
];

/**
 * Compares with every set that is there and writes its tables to `target`.
 * @throws InputError when the folder holds none, or a file of one cannot be read
 */
export async function comparePublic(folder: string, target: string): Promise<Compared<Record<string, unknown>>> {
  const found = sets.filter(({ needs }) => needs.every((name) => existsSync(join(folder, name))));
  if (found.length === 0)
    throw new InputError(
      `fidelity: ${folder} holds no set of public measurements.`,
      `Give a folder with at least ${sets.map(({ needs }) => needs.join(' and ')).join(', or ')} in it.`,
    );
  const report: Record<string, unknown> = {};
  const markdown: string[] = [];
  const paths: string[] = [];
  for (const { name, compare } of found) {
    const compared = await compare(folder, target);
    report[name] = compared.report;
    markdown.push(compared.markdown);
    paths.push(...compared.paths);
  }
  return { report, markdown: markdown.join('\n'), paths };
}
