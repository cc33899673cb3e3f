// What ONNX Runtime's profiles in a kit's archive contain: the times of kernels within a session, and where its units ran.

import { attest, misplaced, servedUnits, unitNames } from '../../../engine/runtime/session/attest.js';
import { lastRun, type ProfileEvent, type RunProfile } from '../../../engine/runtime/session/profile.js';
import type { OperatorGraph } from '../../../models/graph.js';
import type { KernelTime } from '../../../predictor/tables/unit-times.js';
import type { KitStage } from './manifest.js';

/** Of the whole model on one device. */
export interface SessionKernels {
  readonly kernels: readonly KernelTime[];
  /** Changes of layout, booked to the units that they serve. */
  readonly reorders: readonly KernelTime[];
}

/**
 * Kernels of the whole model, and changes of layout between them. Times on the host thread hold for a CPU, scaled to the
 * latency without profiling; a GPU's count where it reports them itself, because its kernels run after the host has launched
 * them.
 * @param onCpu whether the device is a CPU
 * @param wholeMs latency of the whole model on the device without profiling, ms; null: that of the profiled run
 * @returns `error`, why there are none
 */
export function sessionKernels(
  graph: OperatorGraph,
  { device, events, error }: KitStage<'kernels'>[number],
  onCpu: boolean,
  wholeMs: number | null,
): SessionKernels | { readonly error: string } {
  if (error !== null) return { error };
  const run = lastRunOf(events);
  if (!run) return { error: 'the profile holds no run' };
  const ran = run.kernels.map((kernel) => ({ ...kernel, device }));
  if (!onCpu && ran.every(({ deviceMs }) => deviceMs === null))
    return {
      error:
        "this onnxruntime reports no times on the device, only when the host launched; trtexec's profiles have them",
    };
  const booked = attest(unitNames(graph, graph), ran, () => device);
  if ('error' in booked) return booked;
  const { unitsOf } = booked;
  const scale = (wholeMs ?? run.endMs) / run.endMs;
  const kernels: KernelTime[] = [];
  const reorders: KernelTime[] = [];
  for (const [index, { opType, startMs, endMs, deviceMs }] of ran.entries()) {
    const ms = onCpu ? scale * (endMs - startMs) : (deviceMs ?? 0);
    const units = unitsOf[index]!;
    if (units.length > 0) kernels.push({ device, units, ms });
    else if (!opType.startsWith('Memcpy')) reorders.push({ device, units: servedUnits(ran, unitsOf, index), ms });
  }
  return { kernels, reorders };
}

/** Why it is not certain that units ran where they should in a session; null where they did. */
export function ranElsewhere(
  graph: OperatorGraph,
  devices: readonly (0 | 1)[],
  events: readonly ProfileEvent[],
): string | null {
  const run = lastRunOf(events);
  if (!run) return 'no profile says where its nodes ran';
  const wrong = misplaced(unitNames(graph, graph), run.kernels, (unit) => devices[unit]!)[0];
  return wrong ? `unit ${wrong.unit} ran on device ${wrong.ranOn} instead of the other` : null;
}

/** Null where the profile holds no run. */
function lastRunOf(events: readonly ProfileEvent[]): RunProfile | null {
  return events.some(({ name }) => name === 'model_run') ? lastRun(events) : null;
}
