// Whether a compiled step does what TensorFlow.js does: both run the same steps on the same inputs. For tests.
import { Stream } from '../base/random/stream.js';
import { relativeDifference } from '../base/statistics/relative-difference.js';
import { createCompiledRunner } from './compiled.js';
import { createEagerRunner } from './eager.js';
import type { StepDefinition } from './step.js';

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
