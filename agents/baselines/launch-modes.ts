// What systems that use the GPU alone are as schedules. They differ from one another in how they launch, not in what they
// place: a framework dispatches operator by operator, a compiler (TensorRT, TVM) fuses units and captures their launches. A
// profile says how units are launched, so each system is defined where the profile launches as it does, and is compared
// with schedules of that launch mode only.
import { parseHardwareUri } from '../../engine/runtime/hardware.js';
import type { Scenario } from '../../engine/scenario.js';
import { gpuOnly } from './simple.js';

/** Of a profile's variant; null on devices and of measured models. */
export function launchModeOf({ platform }: Scenario): string | null {
  return new URLSearchParams(platform.uri.split('?')[1]).get('launch');
}

/** PyTorch and the like: eager launches, one operator each. */
export const frameworkGpu = {
  plan: gpuOnly,
  undefinedIn: (scenario: Scenario) =>
    launchModeOf(scenario) === 'eager'
      ? null
      : `framework-gpu stands for eager frameworks, and ${scenario.platform.uri} is launched otherwise`,
};

/** TensorRT, TVM: fused units, captured launches; on devices what ONNX Runtime's TensorRT provider makes of the model. */
export const compilerGpu = {
  plan: gpuOnly,
  undefinedIn: (scenario: Scenario) =>
    launchModeOf(scenario) === 'graph' || parseHardwareUri(scenario.platform.uri)?.pair[1].provider === 'tensorrt'
      ? null
      : `compiler-gpu stands for compilers that capture launches, and ${scenario.platform.uri} is launched otherwise`,
};
