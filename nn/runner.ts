// The two ways to run a step, by the name the command line gives them.
import { createCompiledRunner } from './compiled.js';
import { createEagerRunner } from './eager.js';
import type { StepDefinition, StepRunner } from './step.js';

/** `compiled`: ONNX Runtime, one CPU thread. `tfjs`: TensorFlow.js itself, on its native GPU backend where installed. */
export const backends = ['compiled', 'tfjs'] as const;
export type Backend = (typeof backends)[number];

export function createRunner(definition: StepDefinition, backend: Backend): Promise<StepRunner> {
  switch (backend) {
    case 'compiled':
      return createCompiledRunner(definition);
    case 'tfjs':
      return createEagerRunner(definition);
    default:
      return backend satisfies never;
  }
}
