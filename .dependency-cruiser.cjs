// The floors of ARCHITECTURE.md: an import goes down, or stays in its own folder. Folders of one floor do not import each other.
const floors = [['base'], ['models', 'nn'], ['predictor'], ['engine'], ['env'], ['agents'], ['experiments'], ['cli']];

const above = floors.flatMap((floor, level) =>
  floor.map((folder) => {
    const reachable = [...floors.slice(0, level).flat(), folder].join('|');
    return {
      name: `floor-${level}-${folder}`,
      comment: `${folder}/ is on floor ${level}: it may import only ${reachable.replaceAll('|', ', ')} and declared packages.`,
      severity: 'error',
      from: { path: `^${folder}/`, pathNot: '\\.test\\.ts$' },
      to: { pathNot: `^(${reachable})/|^node_modules/`, dependencyTypesNot: ['core'] },
    };
  }),
);

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    ...above,
    forbid(
      'no-cycles',
      'Two files that import each other are one file.',
      {},
      { circular: true, dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'simulator-not-runtime',
      'Two executors, one interface: neither knows the other.',
      { path: '^engine/simulator/' },
      { path: '^engine/runtime/' },
    ),
    forbid(
      'runtime-not-simulator',
      'Two executors, one interface: neither knows the other.',
      { path: '^engine/runtime/' },
      { path: '^engine/simulator/' },
    ),
    forbid(
      'gym-knows-no-scheduling',
      'env/gym is a general Gym contract.',
      { path: '^env/gym/', pathNot: '\\.test\\.ts$' },
      { path: '^(env/(?!gym/)|engine|predictor|models|nn)' },
    ),
    forbid(
      'declared-packages',
      'Declare what you import.',
      {},
      { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    ),
    forbid(
      'no-orphans',
      'A file nobody imports is dead.',
      { orphan: true, pathNot: '\\.(test|bench|d)\\.ts$|^(bench|cli)/main\\.ts$' },
      {},
    ),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|results)/' },
  },
};
