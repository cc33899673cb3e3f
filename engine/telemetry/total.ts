// The energy of a machine from its rails, which overlap: a package contains its cores, and one rail may carry the whole board.

/**
 * Rails that carry everything: of x86 platforms, and of Jetson modules (NVIDIA's developer guide, "Software-Based Power
 * Consumption Modeling").
 */
const wholes: readonly string[] = ['psys', 'VDD_IN', 'POM_5V_IN'];

/** A rail that another one feeds: of AGX Orin the memory's, which the 5 V rail contains. */
const fedBy: Readonly<Record<string, string>> = { VDDQ_VDD2_1V8AO: 'VIN_SYS_5V0' };

/** Cards of their own are supplied beside the board's rails. */
const isCard = (rail: string): boolean => rail.startsWith('nvidia-');

/**
 * The sum over rails that do not overlap, mJ: of a rail that carries the whole board no other but cards; no zone within a package
 * except its memory (`package-0/dram`), which the package's counter leaves out.
 */
export function totalMj(energyMj: Readonly<Record<string, number>>): number {
  const rails = Object.keys(energyMj);
  const whole = wholes.find((rail) => rails.includes(rail));
  const contained = (rail: string): boolean => {
    if (isCard(rail)) return false;
    if (whole !== undefined) return rail !== whole;
    const [parent, zone] = rail.split('/') as [string, string?];
    return (zone !== undefined && zone !== 'dram' && rails.includes(parent)) || rails.includes(fedBy[rail] ?? '');
  };
  return rails.reduce((sum, rail) => (contained(rail) ? sum : sum + energyMj[rail]!), 0);
}
