// The cost table of one graph on one device pair. Simulator and planners use it, not the profile.

/** Built once per (graph, profile). Times in ms, for the kernel or the move alone. */
export interface CostTable {
  /** Time of `share` of the unit on `device`, without launch and synchronisation; Infinity where it cannot run. */
  unitMs(unit: number, device: number, share: number): number;
  /** Time to move `fraction` of the tensor to device `to`; 1 unless a split unit left part of it there. */
  transferMs(tensor: number, to: number, fraction?: number): number;
  /** Host time to launch one unit on the device. */
  launchMs(device: number): number;
  /** Time to wait for one synchronous launch on device 1, beyond its kernel. */
  readonly syncMs: number;
  /** Whether times of units and of moves never fall as the share or the fraction grows; bounds over all shares need it. */
  readonly growing?: boolean;
}

/** Time of a whole unit on a device in the serial execution: launch, kernel and, on device 1, synchronisation. */
export function wholeUnitMs(costs: CostTable, unit: number, device: number): number {
  return costs.launchMs(device) + costs.unitMs(unit, device, 1) + (device === 1 ? costs.syncMs : 0);
}
