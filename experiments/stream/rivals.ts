// Who is judged on streams, and what each decision costs him. Times are measured constants, charged as they stand here, so
// that results replay: this program's own code on one machine, not on the board whose costs are simulated.
import { bestFixed } from '../../agents/baselines/streams/best-fixed.js';
import { resolving, type StreamPolicy } from '../../agents/baselines/streams/policy.js';
import { tablePolicy } from '../../agents/baselines/streams/table.js';
import { Schedule } from '../../engine/schedule.js';
import type { StreamEpisode } from '../../env/stream/episode.js';
import type { StreamSetting } from '../../env/stream/setting.js';
import type { Sourced } from '../../predictor/profiles/profile-schema.js';

const machine =
  'one core of a 2-core Intel Xeon virtual machine, nothing else at work, Node 20, 21 November 2026, median';

export const decisionTimes = {
  minimumCutPerUnit: {
    value: '2.4 us',
    source: `${machine} of 300 minimum cuts (agents/bounds/optimum.ts), AGX Orin's costs: 0.250 ms for 141 units of MobileNetV3-small, 0.118 ms for 49 of ResNet-18; the larger per unit taken`,
    kind: 'measured',
  },
  actorPerUnit: {
    value: '14 us',
    source: `${machine} of 2,500 actions of SAC's policy, two hidden layers of 64, for the 84 numbers of an observation`,
    kind: 'measured',
  },
  lookupPerInference: {
    value: '0.22 us',
    source: `${machine} of 2,500 look-ups of the observed case in a Map`,
    kind: 'measured',
  },
} as const satisfies Record<string, Sourced>;

export interface DecisionCharge {
  readonly decisionMsPerInference: number;
  readonly decisionMsPerUnit: number;
}

/** Decisions take no time. */
export const free: DecisionCharge = { decisionMsPerInference: 0, decisionMsPerUnit: 0 };
const msOf = ({ value }: Sourced): number => Number.parseFloat(value) / 1000;

/** What a learner's final policy is called where its decisions take no time: what then remains of its gap is their quality. */
export const unchargedName = (learner: string): string => `${learner}-uncharged`;

/** Of a learner: its policy acts before each unit. */
export const learnerCharge: DecisionCharge = { ...free, decisionMsPerUnit: msOf(decisionTimes.actorPerUnit) };

export interface Rival {
  readonly name: string;
  readonly charge: DecisionCharge;
  /** `planned`: found beforehand, or by hindsight; `online`: decided in the stream, its time charged. */
  readonly decision: 'planned' | 'online';
  readonly policyOf: (setting: StreamSetting) => (episode: StreamEpisode) => StreamPolicy;
}

/** All that do not learn. */
export function rivals(tables: readonly number[]): Rival[] {
  const single =
    (device: 0 | 1): StreamPolicy =>
    ({ observed: { graph } }) =>
      Schedule.onDevice(graph, device);
  return [
    { name: 'cpu-only', charge: free, decision: 'planned', policyOf: () => () => single(0) },
    { name: 'gpu-only', charge: free, decision: 'planned', policyOf: () => () => single(1) },
    { name: 'best-fixed', charge: free, decision: 'planned', policyOf: () => bestFixed },
    {
      name: 're-solve',
      charge: { ...free, decisionMsPerUnit: msOf(decisionTimes.minimumCutPerUnit) },
      decision: 'online',
      policyOf: () => () => resolving,
    },
    ...tables.map(
      (k): Rival => ({
        name: `table-${k}`,
        charge: { ...free, decisionMsPerInference: msOf(decisionTimes.lookupPerInference) },
        decision: 'online',
        policyOf: (setting) => {
          const table = tablePolicy(setting, k);
          return () => table;
        },
      }),
    ),
  ];
}
