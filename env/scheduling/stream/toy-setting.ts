// For tests: settings of random graphs on the simulated board, without an ONNX file behind them.
import { Stream } from '../../../base/random/stream.js';
import { loadProfile } from '../../../engine/device/profile.js';
import { createSimulator } from '../../../engine/simulator/simulator.js';
import { randomGraph } from '../../../models/random-graph.js';
import { parseStreamOptions, type StreamOptions } from './options.js';
import { StreamSetting, simulatedScenario } from './setting.js';

/**
 * Two models, two modes, and whatever else the options say; a batch of n has graphs of its own. Copies cost time, so that
 * optima differ from greedy choices.
 */
export function toySetting(seed: number, options: StreamOptions = {}, units = 8): StreamSetting {
  const full = parseStreamOptions({
    models: ['a', 'b'],
    modes: ['maxn', '15w'],
    modeMeanMs: 5,
    load: {
      kind: 'markov',
      states: [
        { cpu: 0, gpu: 0, memory: 0, meanMs: 4 },
        { cpu: 0.8, gpu: 0, memory: 0.5, meanMs: 2 },
        { cpu: 0, gpu: 0.9, memory: 0.5, meanMs: 2 },
      ],
    },
    ratePerS: 800,
    requests: 10,
    monitorMs: 1,
    ...options,
  });
  const simulators = (full.modes ?? ['maxn']).map((mode) =>
    createSimulator(loadProfile(`profile://jetson-agx-orin?mode=${mode}&transfer=copy`)),
  );
  const scenarios = full.models.flatMap((model) =>
    full.batches.flatMap((batch) => {
      const graph = randomGraph(Stream.of(seed, 'toy-setting', model, batch), { units });
      return simulators.map((executor) =>
        simulatedScenario({
          graph,
          executor,
          conditions: {
            seed: 0,
            regime: 'serial',
            mode: executor.profile.axes.mode,
            load: null,
            memoryBudgetBytes: null,
          },
        }),
      );
    }),
  );
  return new StreamSetting(full, scenarios, {
    model: 'a;b',
    modelHash: `${seed}`,
    profile: full.profile,
    profileHash: '',
    weakestSource: 'derived',
  });
}
