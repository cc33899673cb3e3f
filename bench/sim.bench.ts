// The simulator: decided units per second in serial execution.
import { Rng } from '../base/random/rng.js';
import { createSimulator } from '../engine/simulator/simulator.js';
import { loadProfile } from '../predictor/profiles/profile.js';
import { randomGraph } from '../test/fixtures/random-graph.js';
import { fastestMs } from './measure.js';
import type { BenchResult } from './result.js';

export async function simSuite(): Promise<BenchResult[]> {
  const graph = randomGraph(Rng.of(0, 'bench'), { units: 100 });
  const kernel = createSimulator(loadProfile('profile://jetson-agx-orin')).kernel(graph);
  const state = new Float64Array(kernel.rowLength);
  const devices = Uint8Array.from(graph.units, (unit) => unit.onlyOn ?? unit.id & 1);
  const inference = () => {
    kernel.reset(state);
    for (let unit = 0; unit < devices.length; unit++) kernel.decide(state, unit, devices[unit]!);
  };
  const ms = fastestMs(inference, { callsPerBatch: 5000 });
  return [
    {
      suite: 'sim',
      name: 'serial graph of 100 units',
      value: (1000 * graph.units.length) / ms,
      unit: 'units/s',
      better: 'higher',
      peer: null,
      peerValue: null,
      ratio: null,
      limit: null,
    },
  ];
}
