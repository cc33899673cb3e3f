// Converts a profiled run to the events of a trace. ONNX Runtime launches a session's kernels one by one from one host
// thread; a GPU's queue runs them meanwhile and is waited for when a tensor is copied back. Times come from the profile, in
// its order. If the clocks of host and device disagree, an event is delayed until its inputs are there.
import type { OperatorGraph } from '../../../models/graph.js';
import type { TraceEvent } from '../../trace.js';
import { servedUnits } from './attest.js';
import type { Kernel, RunProfile } from './profile.js';

export interface Timeline {
  readonly events: readonly TraceEvent[];
  readonly durationMs: number;
  /** 'segment' where a kernel ran several units, or a device reported no kernel times. */
  readonly resolution: 'unit' | 'segment';
}

export interface BookedRun {
  readonly profile: RunProfile;
  /** Per kernel, the units it ran; none for copies and layout changes. */
  readonly unitsOf: readonly (readonly number[])[];
  /** Per kernel, the graph's tensor that it copies to the other device; null where it copies none. */
  readonly copies: readonly (number | null)[];
  readonly deviceOf: (unit: number) => 0 | 1;
}

const never = Number.POSITIVE_INFINITY;

/** The events of one run, from 0 on; lane 0 is the host and its CPU, lane 1 the other device. */
export function timeline(graph: OperatorGraph, run: BookedRun): Timeline {
  return new TimelineWriter(graph, run).write();
}

class TimelineWriter {
  readonly #events: TraceEvent[] = [];
  /** When each lane is free. */
  readonly #free = [0, 0];
  /** Per tensor and device, when it is there; graph inputs begin on device 0. */
  readonly #arrival: number[][];
  /** How much later than in the profile the host is by now. */
  #late = 0;
  /** Units launched since the last wait on a device that reports no kernel times. */
  #open: { units: number[]; startMs: number } | null = null;
  /** The last unit that was booked: what copies of no unit are booked to. */
  #unit = 0;

  constructor(
    readonly graph: OperatorGraph,
    readonly run: BookedRun,
  ) {
    this.#arrival = graph.tensors.map(({ producer }) => [producer === null ? 0 : never, never]);
  }

  write(): Timeline {
    const { profile, unitsOf, copies } = this.run;
    this.#copyInputs();
    profile.kernels.forEach((kernel, index) => {
      const units = unitsOf[index]!;
      const tensor = copies[index] ?? null;
      this.#unit = units.at(-1) ?? this.#unit;
      if (tensor !== null) this.#copy(kernel, tensor);
      else {
        const served = units.length > 0 ? units : servedUnits(profile.kernels, unitsOf, index);
        if (kernel.device === 0) this.#onHost(kernel, units, served);
        else this.#onDevice(kernel, units, served);
      }
    });
    this.#copyOutputs();
    const durationMs = Math.max(profile.endMs + this.#late, ...this.#free);
    const shared = this.#events.some(({ kind, units }) => kind === 'compute' && units.length > 1);
    const untold = profile.kernels.some(({ device, deviceMs }) => device === 1 && deviceMs === null);
    return { events: this.#events, durationMs, resolution: shared || untold ? 'segment' : 'unit' };
  }

  #push(event: TraceEvent): void {
    this.#events.push(event);
    this.#free[event.lane] = Math.max(this.#free[event.lane]!, event.endMs);
  }

  /** Marks what `units` write as present on `device`. */
  #written(units: readonly number[], device: 0 | 1, atMs: number): void {
    for (const unit of units)
      for (const tensor of this.graph.units[unit]!.outputs) this.#arrival[tensor]![device] = atMs;
  }

  /** When all outside inputs of `units` are on `device`; a tensor that was never copied is read where it is. */
  #inputsReady(units: readonly number[], device: 0 | 1): number {
    let ready = 0;
    for (const unit of units) {
      for (const tensor of this.graph.units[unit]!.inputs) {
        const arrival = this.#arrival[tensor]!;
        if (units.includes(this.graph.tensors[tensor]!.producer ?? -1)) continue;
        if (arrival[device] === never) {
          const atMs = Math.max(this.#free[device]!, Number.isFinite(arrival[1 - device]!) ? arrival[1 - device]! : 0);
          this.#push({ kind: 'copy', lane: device, units: [unit], startMs: atMs, endMs: atMs, tensor, bytes: 0 });
          arrival[device] = atMs;
        }
        ready = Math.max(ready, arrival[device]!);
      }
    }
    return ready;
  }

  /** The start of a host interval, after everything before it; later intervals are delayed by the same time. */
  #hostInterval({ startMs, endMs }: Pick<Kernel, 'startMs' | 'endMs'>, ready = 0): { startMs: number; endMs: number } {
    const start = Math.max(startMs + this.#late, this.#free[0]!, ready);
    this.#late = start - startMs;
    return { startMs: start, endMs: start + (endMs - startMs) };
  }

  #onHost(kernel: Kernel, units: readonly number[], served: readonly number[]): void {
    if (units.length === 0) {
      this.#push({ kind: 'reorder', lane: 0, units: served, ...this.#hostInterval(kernel) });
      return;
    }
    const interval = this.#hostInterval(kernel, this.#inputsReady(units, 0));
    this.#push({ kind: 'compute', lane: 0, units, ...interval });
    this.#written(units, 0, interval.endMs);
  }

  #onDevice(kernel: Kernel, units: readonly number[], served: readonly number[]): void {
    const launch = this.#hostInterval(kernel);
    this.#push({ kind: 'launch', lane: 0, units: served, ...launch });
    if (kernel.deviceMs === null) {
      const ready = Math.max(launch.startMs, this.#free[1]!, this.#inputsReady(units, 1));
      this.#open ??= { units: [], startMs: ready };
      this.#open.units.push(...units);
      this.#written(units, 1, launch.endMs);
      return;
    }
    const startMs = Math.max(launch.endMs, this.#free[1]!, this.#inputsReady(units, 1));
    const endMs = startMs + kernel.deviceMs;
    this.#push({ kind: units.length > 0 ? 'compute' : 'reorder', lane: 1, units: served, startMs, endMs });
    this.#written(units, 1, endMs);
  }

  /** The device's work since it was last waited for, as one event: its time is not split among units by guess. */
  #closeSegment(endMs: number): void {
    if (!this.#open) return;
    const { units, startMs } = this.#open;
    this.#open = null;
    if (units.length === 0) return;
    const end = Math.max(endMs, startMs);
    this.#push({ kind: 'compute', lane: 1, units, startMs, endMs: end });
    this.#written(units, 1, end);
  }

  #copy(kernel: Kernel, tensor: number): void {
    const { bytes, producer, consumers } = this.graph.tensors[tensor]!;
    const to = kernel.opType === 'MemcpyFromHost' ? 1 : 0;
    const unit = consumers.find((id) => this.run.deviceOf(id) === to) ?? producer ?? this.#unit;
    // ONNX Runtime may bring the same tensor over in a second memory layout: that one is a reordering.
    const again = Number.isFinite(this.#arrival[tensor]![to]!);
    const event = { kind: again ? 'reorder' : 'copy', units: [unit], ...(!again && { tensor, bytes }) } as const;
    const host = this.#hostInterval(kernel);
    if (to === 1) {
      this.#push({ kind: 'launch', lane: 0, units: [unit], ...host });
      const startMs = Math.max(host.startMs, this.#free[1]!, finite(this.#arrival[tensor]![0]!));
      const endMs = startMs + (host.endMs - host.startMs);
      // Work handed over before the copy is done before it: a queue keeps its order.
      this.#closeSegment(startMs);
      const begin = Math.max(startMs, this.#free[1]!);
      this.#push({ ...event, lane: 1, startMs: begin, endMs: begin + (endMs - startMs) });
      if (!again) this.#arrival[tensor]![1] = begin + (endMs - startMs);
      return;
    }
    this.#closeSegment(host.endMs);
    const done = Math.max(host.startMs, finite(this.#arrival[tensor]![1]!));
    const endMs = Math.max(host.endMs, done);
    this.#late += endMs - host.endMs;
    if (done > host.startMs) this.#push({ kind: 'sync', lane: 0, units: [unit], startMs: host.startMs, endMs: done });
    this.#push({ ...event, lane: 0, startMs: done, endMs });
    if (!again) this.#arrival[tensor]![0] = endMs;
  }

  /** Graph inputs that no kernel copies: before the first kernel, distinguished by their bytes. */
  #copyInputs(): void {
    const { profile, copies, deviceOf } = this.run;
    const inputs = this.graph.tensors.filter(
      ({ id, producer, consumers }) =>
        producer === null && consumers.some((unit) => deviceOf(unit) === 1) && !copies.includes(id),
    );
    const total = inputs.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { id: tensor, bytes, consumers } of inputs) {
      const startMs = this.#free[1]!;
      const endMs = startMs + (total > 0 ? (profile.executeStartMs * bytes) / total : 0);
      const units = consumers.filter((unit) => deviceOf(unit) === 1).slice(0, 1);
      this.#push({ kind: 'copy', lane: 1, units, startMs, endMs, tensor, bytes });
      this.#arrival[tensor]![1] = endMs;
    }
  }

  /** Graph outputs that no kernel copies: after the last kernel, the device is waited for and they come back. */
  #copyOutputs(): void {
    const { profile } = this.run;
    const outputs = this.graph.tensors.filter(
      ({ id, graphOutput }) => graphOutput && !Number.isFinite(this.#arrival[id]![0]!),
    );
    const window = this.#hostInterval({ startMs: profile.executeEndMs, endMs: profile.endMs });
    this.#closeSegment(outputs.length > 0 ? window.endMs : window.startMs);
    const done = Math.max(window.startMs, this.#free[1]!);
    if (outputs.length === 0) return;
    const units = (producer: number | null) => [producer ?? this.#unit];
    if (done > window.startMs) {
      const endMs = done;
      this.#push({ kind: 'sync', lane: 0, units: units(outputs[0]!.producer), startMs: window.startMs, endMs });
    }
    const total = outputs.reduce((sum, { bytes }) => sum + bytes, 0);
    const leftMs = Math.max(0, window.endMs - done);
    for (const { id: tensor, bytes, producer } of outputs) {
      const startMs = this.#free[0]!;
      const begin = Math.max(startMs, done);
      const endMs = begin + (total > 0 ? (leftMs * bytes) / total : 0);
      this.#push({ kind: 'copy', lane: 0, units: units(producer), startMs: begin, endMs, tensor, bytes });
      this.#arrival[tensor]![0] = endMs;
    }
  }
}

const finite = (ms: number): number => (Number.isFinite(ms) ? ms : 0);
