// `sparoa-gym list`: what there is to name in a config.
import type { Command } from 'commander';
import { didYouMean, UsageError } from '../base/errors/input-error.js';
import { availableDevices, deviceSummaries } from '../engine/runtime/available-devices.js';
import { catalogue, catalogueData } from '../experiments/catalogue.js';
import { printJson } from './options.js';

/** Probing devices takes seconds, so they are listed only when asked for. */
const topics = [...Object.keys(catalogue), 'devices'];

export function listCommand(program: Command): void {
  program
    .command('list [what]')
    .description(`what can be named: ${topics.join(', ')} (devices only when asked for)`)
    .option('--json', 'print as JSON')
    .action((what: string | undefined, { json = false }: { json?: boolean }) => {
      if (what !== undefined && !topics.includes(what))
        throw new UsageError(`list: "${what}" is unknown.`, didYouMean(what, topics));
      if (what === 'devices') printDevices(json);
      else printTopics(what === undefined ? Object.keys(catalogue) : [what], json);
    });
}

function printTopics(names: readonly string[], json: boolean): void {
  if (json) printJson(Object.fromEntries(names.map((name) => [name, catalogueData(name)])));
  else process.stdout.write(names.map((name) => section(name, catalogue[name]!())).join('\n'));
}

function printDevices(json: boolean): void {
  const available = availableDevices();
  if (json) {
    printJson(available);
    return;
  }
  const { devices, defaultPair, python } = available;
  process.stdout.write(`${section('devices', deviceSummaries(devices))}default pair: ${defaultPair}\n`);
  if (python) {
    const title = `devices of the executor python (onnxruntime ${python.version} of ${python.command})`;
    process.stdout.write(`\n${section(title, deviceSummaries(python.devices))}`);
  }
  process.stdout.write(`\n${section('simulated devices (their errors: docs/devices.md)', catalogue.profiles!())}`);
}

function section(title: string, entries: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(entries).map((name) => name.length));
  return [title, ...Object.entries(entries).map(([name, text]) => `  ${name.padEnd(width)}  ${text}`), ''].join('\n');
}
