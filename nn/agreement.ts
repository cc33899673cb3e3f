// Whether a compiled step does what TensorFlow.js does: both run the same steps on the same inputs. For tests.
import { Stream } from '../base/random/stream.js';
import { createCompiledRunner } from './compiled.js';
import { createEagerRunner } from './eager.js';
import type { StepDefinition } from './step.js';

/** max |a - b| / max |b|, or max |a - b| where b is all zero. Not a number unless both are finite throughout. */
export function relativeDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.NaN;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    if (!Number.isFinite(a[i]!) || !Number.isFinite(b[i]!)) return Number.NaN;
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
    largest = Math.max(largest, Math.abs(b[i]!));
  }
  return largest === 0 ? difference : difference / largest;
}

/** Writes the inputs of a step; the default is standard normal numbers. */
export type FillInput = (name: string, values: Float32Array, random: Stream) => void;

const fillNormal: FillInput = (_, values, random) => {
  for (let i = 0; i < values.length; i++) values[i] = random.normal();
};

/**
 * Runs `steps` steps compiled and on TensorFlow.js's CPU backend. Gives the relative difference of each output of the last
 * step and of each state variable after it.
 */
export async function compareBackends(
  definition: StepDefinition,
  { steps = 1, fill = fillNormal }: { readonly steps?: number; readonly fill?: FillInput } = {},
): Promise<Record<string, number>> {
  const compiled = await createCompiledRunner(definition);
  const eager = await createEagerRunner(definition, 'cpu');
  const random = Stream.of(0, 'agreement');
  for (let step = 0; step < steps; step++) {
    for (const [name, values] of Object.entries(compiled.inputs)) {
      fill(name, values, random);
      eager.inputs[name]!.set(values);
    }
    await compiled.run();
    await eager.run();
  }
  const differences: Record<string, number> = {};
  for (const [name, values] of Object.entries(eager.outputs)) {
    differences[name] = relativeDifference(compiled.outputs[name]!, values);
  }
  const state = compiled.save();
  for (const [name, values] of Object.entries(eager.save())) {
    differences[name] = relativeDifference(state[name]!, values);
  }
  await compiled.close();
  await eager.close();
  return differences;
}
