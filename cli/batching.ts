// `sparoa-gym batching`: a model behind a request queue on this machine's devices.
import { type Command, InvalidArgumentError } from 'commander';
import { batchingText, measureBatching } from '../engine/batching/measured-batching.js';
import { chosenPair } from '../engine/runtime/devices/probe.js';
import { count, nonNegativeInteger, positiveIntegers, printJson } from './options.js';

interface BatchingFlags {
  readonly devices?: string;
  readonly batches: readonly number[];
  readonly rate?: number;
  readonly budget?: number;
  readonly requests: number;
  readonly seed: number;
  readonly json?: boolean;
}

export function batchingCommand(program: Command): void {
  program
    .command('batching <model>')
    .description('serve a stream of requests on real devices, with dynamic and with static batching')
    .option('--devices <pair>', 'such as cpu:1+webgpu (default: a CPU and the best GPU found)')
    .option('--batches <list>', 'batch sizes to form', positiveIntegers, [1, 2, 4, 8])
    .option('--rate <n>', 'requests per second (default: 70 % of what the best batch size can serve)', positiveNumber)
    .option('--budget <ms>', 'from arrival to answer (default: six times the latency of one request)', positiveNumber)
    .option('--requests <n>', 'length of the stream', count, 300)
    .option('--seed <n>', 'seed of the arrivals', nonNegativeInteger, 0)
    .option('--json', 'print as JSON, with every request and batch')
    .action(async (model: string, { devices, json, ...options }: BatchingFlags) => {
      const result = await measureBatching(model, { ...options, pair: chosenPair(devices) });
      if (json) printJson(result);
      else process.stdout.write(batchingText(result));
    });
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('Give a number above 0.');
  return value;
}
