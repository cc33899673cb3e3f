// Schedules, traces, the simulator and real executors. The package's entry `sparoa-gym/engine`.
export { type BatchLatency, latencyTable } from './batching/curve.js';
export { type BatchPolicy, dynamicBatching, staticBatching } from './batching/policies.js';
export {
  type BatchServer,
  poissonArrivals,
  type QueueLog,
  serveQueue,
  simulateQueue,
} from './batching/queue.js';
export { type BatchPlan, measureBatchLatency, realServer } from './batching/serve.js';
export { type BatchingSummary, batchingSummary } from './batching/summary.js';
export { type Conditions, type Mechanism, mechanisms, type SerialConditions } from './conditions.js';
export type { ExecutionError, Executor, HardwareState, Run } from './executor.js';
export {
  type LoadInterval,
  type LoadLevel,
  type LoadProcess,
  loadIntervals,
  type MarkovLoad,
  type RecordedLoad,
} from './load-process.js';
export { type BranchPlan, type BranchPlanOptions, branchPlan } from './memory/branch-plan.js';
export { memoryBudget } from './memory/concurrency.js';
export { candidateRegions, keepsDelegate, offloadPays, type Region } from './memory/delegates.js';
export { type Lifetime, lifetimes } from './memory/liveness.js';
export { type DeviceMemory, memoryPlan } from './memory/memory-plan.js';
export { type ExecutorName, type PlatformOptions, platformUri } from './platform.js';
export { type DeviceSpec, formatDevicePair, parseDevicePair } from './runtime/devices/device-pair.js';
export { type DeviceProbe, defaultDevicePair, deviceProbes } from './runtime/devices/probe.js';
export { runWithEnergy } from './runtime/energy.js';
export { type HardwareExecutorName, hardwareExecutors } from './runtime/hardware.js';
export {
  createLanesExecutor,
  type LanesExecutor,
  type LanesOptions,
  type ProgramMemory,
} from './runtime/lanes/executor.js';
export { type MeasuredCosts, measureCosts } from './runtime/measuring/measured-costs.js';
export {
  createPythonExecutor,
  createSessionExecutor,
  type SessionExecutor,
  type SessionExecutorOptions,
} from './runtime/session/executor.js';
export { type PythonDevices, pythonDevices } from './runtime/session/python.js';
export { openScenario, type Platform, type Scenario } from './scenario.js';
export { Schedule } from './schedule.js';
export { type Pipeline, type PipelineTimes, simulatePipeline, steadyMsPerTask } from './simulator/pipeline/pipeline.js';
export { createSimulator, type Simulator } from './simulator/simulator.js';
export { type EnergyMeter, startEnergyMeter } from './telemetry/energy-meter.js';
export { type EnergySource, findEnergySources } from './telemetry/energy-source.js';
export { readSnapshot, type Snapshot } from './telemetry/snapshot.js';
export type { Trace, TraceEvent } from './trace.js';
export { traceViolations } from './trace-invariants.js';
export { type ChromeEvent, type ChromeTrace, chromeTrace } from './views/chrome-trace.js';
export { ganttSvg } from './views/gantt.js';
