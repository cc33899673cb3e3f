// `device fidelity`: which measurements a simulation is compared with, and the files that the comparison leaves.
import { InputError } from '../../../base/errors/input-error.js';
import { isTableUri } from '../../../predictor/tables/profile-table.js';
import { readKit } from '../kit/read.js';
import { kitFidelity, kitMarkdown, writeKitFidelity } from './kit-fidelity.js';
import { machineMarkdown, writeMachineFidelity } from './machine-files.js';
import { type MachineOptions, machineReport } from './machine-report.js';
import { comparePublic } from './public-fidelity.js';

/** Exactly one of `uris` and `data` is given. */
export interface FidelityOptions extends MachineOptions {
  /** Archive of a board kit, whose measurements replace those of this machine. */
  readonly kit?: string | undefined;
  /** Folder of public measurements, with which the latency predictors are compared instead. */
  readonly data?: string | undefined;
}

export interface FidelityResult {
  /** What `--json` prints. */
  readonly report: unknown;
  readonly markdown: string;
  /** Files of the figure. */
  readonly paths: readonly string[];
}

/**
 * Compares simulated latencies with measured ones and writes tables and figures: with this machine's, with a kit's, or, for
 * predictors, with public ones.
 * @throws InputError when the options contradict each other, or an input cannot be read
 */
export async function compareFidelity(options: FidelityOptions): Promise<FidelityResult> {
  const { uris, data, out } = options;
  // First: a damaged archive is worth knowing of, whatever else is missing.
  const kit = options.kit === undefined ? null : readKit(options.kit);
  refuseContradictions(options);
  if (kit) {
    const report = kitFidelity(kit, uris);
    const { paths } = await writeKitFidelity(out, report);
    return { report, markdown: kitMarkdown(report), paths };
  }
  if (data !== undefined) {
    return comparePublic(data, out);
  }
  const report = await machineReport(options);
  const { paths } = await writeMachineFidelity(out, report);
  return { report, markdown: machineMarkdown(report), paths };
}

function refuseContradictions({ uris, kit, data, models, anew }: FidelityOptions): void {
  if ((data === undefined) === (uris.length === 0))
    throw new InputError(
      uris.length === 0 ? 'fidelity: nothing to compare.' : 'fidelity: tables and --data were given.',
      'Give tables that `sparoa-gym device profile` has written, profiles with --models or with --kit and the archive of a kit, or --data with the public measurements.',
    );
  if (data !== undefined && kit !== undefined)
    throw new InputError('fidelity: --kit and --data were given.', 'Choose one source of measurements.');
  const elsewhere = (kit ?? data) !== undefined;
  if (models && (elsewhere || uris.every(isTableUri)))
    throw new InputError(
      'fidelity: --models names models on which this machine measures device profiles, and there are none.',
      'Leave out --models: tables, kits and public measurements have models of their own.',
    );
  if (anew && elsewhere)
    throw new InputError(
      'fidelity: --anew measures this machine, and other measurements were given.',
      'Leave out --anew, or --kit and --data.',
    );
}
