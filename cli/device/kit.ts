// `sparoa-gym device kit`: a folder that measures a board without Node, and what came back from one.
import type { Command } from 'commander';
import { UsageError } from '../../base/errors/input-error.js';
import { loadModel } from '../../models/load.js';
import { count, inputOptions, type ModelFlags, modelOptions, printJson } from '../options.js';

/** Small enough for a board's memory and a minute of measuring each; with convolutions, depthwise ones and attention. */
const defaultModels = [
  'model://mobilenetv3-small?size=96',
  'model://mobilenetv2?size=96',
  'model://resnet18?size=96',
] as const;

interface KitFlags extends ModelFlags {
  readonly out: string;
  readonly schedules: number;
  readonly read?: string;
  readonly json?: boolean;
}

export function kitCommand(program: Command): void {
  const command = program
    .command('kit [models...]')
    .description('write a folder that measures a board with Python and onnxruntime alone, or read what it left')
    .option('--out <folder>', 'where to write', 'kit')
    .option('--schedules <n>', 'schedules of each model that are measured, 2 or more', count, 50);
  inputOptions(command)
    .option('--read <archive>', 'summarise the archive that kit.py left, instead of writing')
    .option('--json', 'print as JSON')
    .action(async (uris: readonly string[], flags: KitFlags) => {
      if (flags.read !== undefined) {
        if (uris.length > 0)
          throw new UsageError(
            `kit: --read and the model "${uris[0]}" are given.`,
            'Leave the models out: the archive knows them.',
          );
        const { readKit } = await import('../../experiments/characterisation/kit/read.js');
        const { kitText } = await import('../../experiments/characterisation/kit/text.js');
        const reading = readKit(flags.read);
        if (flags.json) printJson(reading);
        else process.stdout.write(kitText(reading));
        return;
      }
      const { writeKit } = await import('../../experiments/characterisation/kit/write.js');
      const models = [];
      for (const uri of uris.length > 0 ? uris : defaultModels) models.push(await loadModel(uri, modelOptions(flags)));
      const manifest = await writeKit(flags.out, models, flags.schedules);
      if (flags.json)
        printJson({ folder: flags.out, kit: manifest.kit, models: manifest.models.map(({ uri }) => uri) });
      else
        process.stdout.write(
          `${flags.out}: kit ${manifest.kit} with ${manifest.models.length} models; ${flags.out}/README.md says how to run it\n`,
        );
    });
}
