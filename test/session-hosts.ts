// The two places where sessions live, as the suites that run on both see them: what creates an executor there, and why it,
// or its GPU, is not here.

import { deviceProbes } from '../engine/runtime/probe.js';
import { createPythonExecutor, createSessionExecutor } from '../engine/runtime/session/executor.js';
import { pythonDevices } from '../engine/runtime/session/python.js';

const node = deviceProbes();
const python = (() => {
  try {
    return pythonDevices().devices;
  } catch (error) {
    return (error as Error).message;
  }
})();

const reasonOf = (probes: typeof node) => probes.find(({ provider }) => provider === 'webgpu')!.reason;

export const sessionHosts = [
  { name: 'session', host: 'node', create: createSessionExecutor, missing: null, gpuMissing: reasonOf(node) },
  {
    name: 'python',
    host: 'python',
    create: createPythonExecutor,
    missing: typeof python === 'string' ? python : null,
    gpuMissing: typeof python === 'string' ? python : reasonOf(python),
  },
] as const;

/** What stands behind the title of tests that are skipped. */
export const skipped = (reason: string | null): string => (reason === null ? '' : ` (skipped: ${reason})`);
