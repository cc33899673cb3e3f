// Every name of `LanesOptions`, as `createLanesExecutor` checks them.
export const lanesOptionNames = {
  model: true,
  pair: true,
  cpuLanes: true,
  maxSegmentUnits: true,
  handover: true,
  timeLimitMs: true,
  cachedPlans: true,
  feeds: true,
} as const;
