import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of ten seconds and more: begun first, so that no worker is left alone with one at the end. */
const long =
  /(test\/(docs|run|package|crashes|leavings|hostile-models)|builders|hardware|lanes\/(lanes|networks)|session\/(placements|executor)|kit\/kit|sac|python|python-client|conformance|control-flow|slice|narrow-numbers|collect|fitting)\.test\.ts$/;

class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [
      ...sorted.filter(({ moduleId }) => long.test(moduleId)),
      ...sorted.filter(({ moduleId }) => !long.test(moduleId)),
    ];
  }
}

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**', 'results/**'],
    pool: 'forks',
    maxWorkers: 2,
    // Files of one worker share its modules: loading them afresh for each would take a quarter of the time.
    isolate: false,
    sequence: { sequencer: LongFilesFirst },
    tags: [
      {
        name: 'gate',
        description:
          'Long, and of the code alone: what it finds does not depend on the machine. `npm test` leaves it out, `npm run test:all` and the gate do not.',
      },
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
