// The unit of a metric, by the end of its name.

/** ` ms` of `latencyMs`, ` mJ` of `energyMj`, ` mJ ms` of `energyDelayMjMs`, nothing of others: for behind a value. */
export function unitAfter(metric: string): string {
  if (metric.endsWith('MjMs')) return ' mJ ms';
  if (metric.endsWith('Mj')) return ' mJ';
  return metric.endsWith('Ms') ? ' ms' : '';
}
