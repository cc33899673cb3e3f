// What a config or a command can name: registered models, profiles, schedulers, environments and the like, with a line on each.
import { learnerNamed, learnerNames } from '../agents/learners.js';
import { own } from '../base/functions/own.js';
import { hardwareExecutors } from '../engine/runtime/hardware.js';
import { environmentIds, environmentSummary } from '../env/gym/registry.js';
import '../env/environments.js';
import { observationSpaces, type SpaceFlags } from '../env/observations/observation-spaces.js';
import { loadSplit, splitNames } from '../env/randomisation/splits.js';
import { rewards } from '../env/rewards/rewards.js';
import { builderNames, generatorNames } from '../models/builders/registry.js';
import { profileVariants } from '../predictor/profiles/profile.js';
import { openProfile, shippedProfiles } from '../predictor/profiles/profile-file.js';
import { zooProfiles } from '../predictor/profiles/zoo.js';
import { taskIds, taskNamed } from './tasks/registry.js';

/** Names and summaries by topic. */
export const catalogue: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  models: () =>
    Object.fromEntries([
      ...builderNames.map((name) => [`model://${name}`, 'built-in, random weights']),
      ...generatorNames.map((name) => [`model://${name}`, 'architecture and weights drawn by its seed']),
    ]),
  profiles: () =>
    Object.fromEntries(
      [...shippedProfiles(), ...zooProfiles()].map((name) => [`profile://${name}`, profileSummary(name)]),
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
  environments: () => Object.fromEntries(environmentIds().map((id) => [id, environmentSummary(id)])),
  observations: () => flagged(observationSpaces),
  rewards: () => flagged(rewards),
};

/** What it is of, and how many variants it has. */
function profileSummary(name: string): string {
  const variants = profileVariants(`profile://${name}`).length;
  const [cpu, gpu] = openProfile(`profile://${name}`).file.devices;
  return `${cpu.name} and ${gpu.name}, ${variants} variant${variants === 1 ? '' : 's'}`;
}

/** The topics whose entries have flags, by which programs choose. */
const spaces: Readonly<Record<string, Readonly<Record<string, SpaceFlags>>>> = {
  observations: observationSpaces,
  rewards,
};

function flagged(names: Readonly<Record<string, SpaceFlags>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).map(([name, { summary, deterministic, platformDependent }]) => {
      const flags = [deterministic && 'deterministic', platformDependent && 'platformDependent'].filter(Boolean);
      return [name, `${summary} (${flags.join(', ') || 'neither deterministic nor platformDependent'})`];
    }),
  );
}

/** The entries of a topic for programs: summaries, or objects where entries have flags. */
export function catalogueData(topic: string): Readonly<Record<string, unknown>> {
  const flags = own(spaces, topic);
  return flags ? flagsOf(flags) : catalogue[topic]!();
}

function flagsOf(names: Readonly<Record<string, SpaceFlags>>): Record<string, SpaceFlags> {
  return Object.fromEntries(
    Object.entries(names).map(([name, { summary, deterministic, platformDependent }]) => [
      name,
      { summary, deterministic, platformDependent },
    ]),
  );
}
