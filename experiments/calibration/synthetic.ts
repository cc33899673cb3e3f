// For tests: unit profiles of a machine whose law is known, of random graphs.
import { Stream } from '../../base/random/stream.js';
import { type OpClass, type OperatorGraph, opClasses, type Unit } from '../../models/graph.js';
import { randomGraph } from '../../models/random-graph.js';
import type { ProfiledModel } from './sources.js';

/** ms of a unit by itself: a cost of each class, and its work and bytes at fixed rates. */
export function trueMs({ opClass, flops, bytesRead, bytesWritten }: Unit, device: 0 | 1): number {
  return fixedMs(opClass) + flops / (device === 0 ? 2e6 : 8e6) + (bytesRead + bytesWritten) / 1e7;
}
const fixedMs = (opClass: OpClass): number => 0.02 + 0.002 * opClasses.indexOf(opClass);

export const trueMove = { fixedMs: 0.01, msPerByte: 1e-7 } as const;
/** Within a session a unit takes this part of its time by itself. */
export const withinFactor = 0.6;

/** @param noise standard deviation of the logarithm of each measured time */
export function syntheticModel(seed: number, noise = 0, units = 40): ProfiledModel {
  const graph = randomGraph(Stream.of(seed, 'synthetic'), { units });
  const random = Stream.of(seed, 'synthetic', 'noise');
  const noisy = (ms: number): number => ms * Math.exp(noise * random.normal());
  const spread = (medianMs: number) => ({ medianMs, lowMs: medianMs, highMs: medianMs, samples: 1 });
  const devices = [0, 1] as const;
  const timed = graph.units.flatMap(({ id }) =>
    devices.map((device) => ({ unit: id, device, lane: spread(noisy(trueMs(graph.units[id]!, device))) })),
  );
  const kernels = graph.units.flatMap(({ id }) =>
    devices.map((device) => ({ device, units: [id], ms: noisy(withinFactor * trueMs(graph.units[id]!, device)) })),
  );
  const whole = (device: 0 | 1): number =>
    kernels.filter((kernel) => kernel.device === device).reduce((sum, { ms }) => sum + ms, 0);
  return {
    graph,
    profile: {
      version: 1,
      kind: 'measured',
      date: '2026-01-01T00:00:00.000Z',
      system: {
        version: '0',
        platform: 'none',
        node: 'none',
        onnxRuntime: 'none',
        cpu: 'a machine of a known law',
        cores: 2,
        vectorExtension: null,
        lockfileHash: null,
      },
      model: `generator://synthetic/${seed}`,
      modelHash: graph.hash,
      graphHash: graph.hash,
      granularity: 'fused',
      devices: 'cpu:1+cpu:2',
      rounds: 1,
      warmUpRounds: 0,
      units: timed,
      kernels,
      moves: movesOf(graph, noisy).map((move) => ({ ...move, ...spread(move.ms) })),
      fittedMoves: [trueMove, trueMove],
      wholeMs: [whole(0), whole(1)],
      segments: [],
      handover: null,
    },
  };
}

function movesOf(graph: OperatorGraph, noisy: (ms: number) => number) {
  return graph.tensors.flatMap(({ id, bytes }) =>
    ([0, 1] as const).map((to) => ({
      tensor: id,
      to,
      bytes,
      ms: noisy(trueMove.fixedMs + trueMove.msPerByte * bytes),
    })),
  );
}
