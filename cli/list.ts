// `sparoa-gym list`: what there is to name in a config.
import type { Command } from 'commander';
import { learnerNamed, learnerNames } from '../agents/learners.js';
import { didYouMean, UsageError } from '../base/errors/input-error.js';
import { formatDevicePair } from '../engine/runtime/devices/device-pair.js';
import { type DeviceProbe, defaultDevicePair, deviceProbes } from '../engine/runtime/devices/probe.js';
import { hardwareExecutors } from '../engine/runtime/hardware.js';
import { pythonDevices } from '../engine/runtime/session/python.js';
import { environmentIds } from '../env/gym/registry.js';
import { profileVariants } from '../predictor/profiles/profile.js';
import { shippedProfiles } from '../predictor/profiles/profile-file.js';
import '../env/environments.js';
import { observationSpaces, type SpaceFlags } from '../env/observations/observation-spaces.js';
import { loadSplit, splitNames } from '../env/randomisation/splits.js';
import { rewards } from '../env/rewards/rewards.js';
import { taskIds, taskNamed } from '../experiments/tasks/registry.js';
import { builderNames, generatorNames } from '../models/builders/registry.js';
import { printJson } from './options.js';

const listings: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  models: () =>
    Object.fromEntries([
      ...builderNames.map((name) => [`model://${name}`, 'built-in, random weights']),
      ...generatorNames.map((name) => [`model://${name}`, 'architecture and weights drawn by its seed']),
    ]),
  profiles: () =>
    Object.fromEntries(
      shippedProfiles().map((name) => [`profile://${name}`, `${profileVariants(`profile://${name}`).length} variants`]),
    ),
  schedulers: () => {
    const baselines = taskIds().flatMap((id) => [...taskNamed(id).baselines()]);
    const entries = [...baselines, ...learnerNames().map((name) => [name, learnerNamed(name)] as const)];
    return Object.fromEntries(entries.map(([name, { summary }]) => [name, summary]));
  },
  executors: () => ({
    simulator: 'a device profile, deterministic',
    ...Object.fromEntries(Object.entries(hardwareExecutors).map(([name, { summary }]) => [name, summary])),
  }),
  splits: () => Object.fromEntries(splitNames().map((name) => [name, loadSplit(name).summary])),
  environments: () => Object.fromEntries(environmentIds().map((id) => [id, 'see docs/environments.md'])),
  observations: () => flagged(observationSpaces),
  rewards: () => flagged(rewards),
};

/** Probing devices takes seconds, so they are listed only when asked for. */
const topics = [...Object.keys(listings), 'devices'];

export function listCommand(program: Command): void {
  program
    .command('list [what]')
    .description(`what can be named: ${topics.join(', ')} (devices only when asked for)`)
    .option('--json', 'print as JSON')
    .action((what: string | undefined, { json }: { json?: boolean }) => {
      if (what !== undefined && !topics.includes(what))
        throw new UsageError(`list: "${what}" is unknown.`, didYouMean(what, topics));
      if (what === 'devices') {
        printDevices(json ?? false);
        return;
      }
      const chosen = Object.entries(listings).filter(([name]) => what === undefined || name === what);
      const content = Object.fromEntries(chosen.map(([name, list]) => [name, list()]));
      if (json)
        printJson(
          Object.fromEntries(chosen.map(([name]) => [name, spaces[name] ? flagsOf(spaces[name]) : content[name]])),
        );
      else process.stdout.write(chosen.map(([name]) => section(name, content[name]!)).join('\n'));
    });
}

/** With `--json` these are objects, for programs that choose by their flags. */
const spaces: Readonly<Record<string, Readonly<Record<string, SpaceFlags>>>> = {
  observations: observationSpaces,
  rewards,
};

function flagged(names: Readonly<Record<string, SpaceFlags>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).map(([name, { summary, deterministic, platformDependent }]) => {
      const told = [deterministic && 'deterministic', platformDependent && 'platformDependent'].filter(Boolean);
      return [name, `${summary} (${told.join(', ') || 'neither deterministic nor platformDependent'})`];
    }),
  );
}

function flagsOf(names: Readonly<Record<string, SpaceFlags>>): Record<string, SpaceFlags> {
  return Object.fromEntries(
    Object.entries(names).map(([name, { summary, deterministic, platformDependent }]) => [
      name,
      { summary, deterministic, platformDependent },
    ]),
  );
}

function printDevices(json: boolean): void {
  // Only a Python that was named is asked: not every python3 is meant to run models.
  const python = process.env.SPAROA_GYM_PYTHON ? pythonDevices() : null;
  const devices = deviceProbes();
  const defaultPair = formatDevicePair(defaultDevicePair());
  if (json) {
    printJson({ devices, defaultPair, python });
    return;
  }
  process.stdout.write(`${section('devices', told(devices))}default pair: ${defaultPair}\n`);
  if (python) {
    const title = `devices of the executor python (onnxruntime ${python.version} of ${python.command})`;
    process.stdout.write(`\n${section(title, told(python.devices))}`);
  }
}

function told(devices: readonly DeviceProbe[]): Record<string, string> {
  return Object.fromEntries(
    devices.map(({ id, available, name, reason, remedy }) => [
      id,
      available ? (name ?? 'runs; no name told') : `not here: ${reason}. ${remedy}`,
    ]),
  );
}

function section(title: string, entries: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(entries).map((name) => name.length));
  return [title, ...Object.entries(entries).map(([name, text]) => `  ${name.padEnd(width)}  ${text}`), ''].join('\n');
}
