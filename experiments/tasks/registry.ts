// The package's own tasks, registered as plug-ins register theirs.
import '../../agents/baselines/search/branch-annealing.js';
import '../../agents/baselines/branch-policies.js';
import { streamEnvId } from '../../env/stream/options.js';
import { scenarioTask } from './scenario-task.js';
import { streamTask } from './stream-task.js';
import { registerTask } from './task.js';

registerTask('SparOA/Share-v0', scenarioTask('SparOA/Share-v0', { placesUnits: true }));
registerTask('SparOA/Placement-v0', scenarioTask('SparOA/Placement-v0', { placesUnits: true }));
registerTask('SparOA/Branches-v0', scenarioTask('SparOA/Branches-v0', { placesUnits: false }));
registerTask(streamEnvId, streamTask);

export * from './task.js';
