// Decision times on streams. They are constants, so that results replay; they were measured with this program's own code on
// one machine, not on the board whose costs are simulated.
import type { Sourced } from '../../../predictor/profiles/profile-schema.js';
import { type DecisionCharge, free } from '../registry.js';

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

const msOf = ({ value }: Sourced): number => Number.parseFloat(value) / 1000;

/** Of a learner: its policy acts before each unit. */
export const learnerCharge: DecisionCharge = { ...free, decisionMsPerUnit: msOf(decisionTimes.actorPerUnit) };
export const resolvingCharge: DecisionCharge = { ...free, decisionMsPerUnit: msOf(decisionTimes.minimumCutPerUnit) };
export const lookupCharge: DecisionCharge = { ...free, decisionMsPerInference: msOf(decisionTimes.lookupPerInference) };
