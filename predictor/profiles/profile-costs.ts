// The cost table of a graph by a profile: from its predictors where it has them, else from its ceilings.
import type { OperatorGraph } from '../../models/graph.js';
import type { CostTable } from '../cost-table.js';
import { predictedCosts } from '../latency/predicted-costs.js';
import type { DeviceProfile } from './profile.js';
import { rooflineCosts } from './roofline.js';

export function profileCosts(graph: OperatorGraph, profile: DeviceProfile): CostTable {
  const ceilings = rooflineCosts(graph, profile);
  return profile.predictors.some(Boolean)
    ? predictedCosts(graph, profile.predictors, ceilings, profile.predictedClasses, profile.partPredictors)
    : ceilings;
}
