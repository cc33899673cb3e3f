// `sparoa-gym device fit-profiles`: profiles of boards that others measured, fitted anew to a copy of their data.
import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../../base/files/paths.js';
import { fitProfiles } from '../../experiments/characterisation/fitting/fit-profiles.js';

export function fitProfilesCommand(program: Command): void {
  program
    .command('fit-profiles <data>')
    .description('fit the shipped profiles to a folder of published measurements; docs/profiles.md says what it holds')
    .option(
      '--profiles <folder>',
      'profiles whose other numbers stay as they are',
      join(packageRoot, 'predictor', 'profiles', 'boards'),
    )
    .option('--out <folder>', 'where profiles and residuals go', 'results/profiles')
    .action(async (data: string, { profiles, out }: { readonly profiles: string; readonly out: string }) => {
      const residuals = await fitProfiles(data, profiles, out);
      process.stdout.write(
        `${residuals.length} residuals\n${join(out, 'profiles.csv')}, ${join(out, 'profiles.md')}\n`,
      );
    });
}
