// `sparoa-gym device profile`: how long each unit of a model takes on each device of this machine.
import { join } from 'node:path';
import type { Command } from 'commander';
import { textTable } from '../../base/text/table.js';
import { parseDevicePair } from '../../engine/runtime/devices/device-pair.js';
import { defaultDevicePair } from '../../engine/runtime/devices/probe.js';
import {
  type ModelMeasurement,
  profileModel,
  writeModelMeasurement,
} from '../../experiments/characterisation/profiling.js';
import type { OperatorGraph } from '../../models/graph.js';
import { loadModel } from '../../models/load.js';
import { count, inputOptions, type ModelFlags, modelOptions, printJson } from '../options.js';

interface ProfileFlags extends ModelFlags {
  readonly devices?: string;
  readonly rounds: number;
  readonly out: string;
  readonly json?: boolean;
}

export function profileCommand(program: Command): void {
  const command = program
    .command('profile <model>')
    .description(
      'measure each unit of a model on both devices of a pair, and what moving tensors costs; close what else runs',
    )
    .option('--devices <pair>', 'such as cpu:1+webgpu (default: a CPU and the best GPU found)')
    .option('--rounds <n>', 'times that each unit is measured on each device', count, 20);
  inputOptions(command)
    .option('--out <folder>', 'where profile.json, the CSVs and the figure go', join('results', 'profile'))
    .option('--json', 'print the profile as JSON')
    .action(async (uri: string, flags: ProfileFlags) => {
      const pair = flags.devices === undefined ? defaultDevicePair() : parseDevicePair(flags.devices);
      const model = await loadModel(uri, modelOptions(flags));
      const profile = profileModel(model, pair, flags.rounds);
      const graph = model.graph(profile.granularity);
      const figure = await writeModelMeasurement(flags.out, graph, profile);
      if (flags.json) printJson(profile);
      else process.stdout.write(describe(graph, profile));
      process.stderr.write(`${[join(flags.out, 'profile.json'), ...figure.paths].join(', ')}\n`);
    });
}

function describe({ units }: OperatorGraph, { devices: pair, rounds, model, ...profile }: ModelMeasurement): string {
  const devices = pair.split('+').map((id, device) => `${id} #${device}`);
  const sumMs = (opClass: string | null, device: number): string => {
    const times = profile.units
      .filter((time) => time.device === device && (opClass ?? units[time.unit]!.opClass) === units[time.unit]!.opClass)
      .flatMap(({ lane }) => lane?.lowMs ?? []);
    return times.length > 0 ? times.reduce((a, b) => a + b, 0).toFixed(3) : '';
  };
  const row = (opClass: string | null): string[] => [
    opClass ?? 'all',
    String(units.filter((unit) => opClass === null || unit.opClass === opClass).length),
    ...devices.map((_, device) => sumMs(opClass, device)),
  ];
  const classes = [...new Set(units.map(({ opClass }) => opClass))];
  const whole = profile.wholeMs.flatMap((ms, device) =>
    ms === null ? [] : `${ms.toFixed(3)} ms on ${devices[device]}`,
  );
  return [
    textTable(['class', 'units', ...devices.map((device) => `ms on ${device}`)], [...classes.map(row), row(null)]),
    `${model} on ${pair}, measured: lower quartiles of ${rounds}, units one by one`,
    ...(whole.length > 0 ? [`in one session: ${whole.join(', ')}`] : []),
    ...profile.fittedMoves.map(
      ({ fixedMs, msPerByte }, to) =>
        `a move to ${devices[to]}: ${(1000 * fixedMs).toFixed(1)} us and ${(1e9 * msPerByte).toFixed(0)} us per MB`,
    ),
    '',
  ].join('\n');
}
