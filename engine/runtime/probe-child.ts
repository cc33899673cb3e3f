// The process that tries one device: a small convolution on it, then one line of JSON. Run by probe.ts only.
import * as ort from 'onnxruntime-node';
import { DataType, encodeModel, makeModel, makeNode, makeValueInfo } from '../../base/onnx/proto.js';
import { float32Tensor } from '../../base/onnx/tensor-data.js';
import { parseDevice, sessionSettings } from './device-pair.js';

const ones = (count: number) => new Float32Array(count).fill(1);

try {
  const model = makeModel(
    {
      name: 'probe',
      nodes: [makeNode('Conv', ['x', 'w'], ['y'], { kernel_shape: [3, 3] })],
      inputs: [makeValueInfo('x', DataType.FLOAT, [1, 1, 4, 4])],
      outputs: [makeValueInfo('y', DataType.FLOAT, [1, 1, 2, 2])],
      initializers: [float32Tensor('w', [1, 1, 3, 3], ones(9))],
    },
    { '': 17 },
  );
  const device = parseDevice(process.argv[2]!);
  const session = await ort.InferenceSession.create(encodeModel(model), {
    ...sessionSettings(device),
    // Else the CPU would take over without a word what the device cannot run.
    ...(device.kind === 'gpu' && { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
  });
  const { y } = await session.run({ x: new ort.Tensor('float32', ones(16), [1, 1, 4, 4]) });
  const ran = (y!.data as Float32Array).every((value) => Math.abs(value - 9) < 1e-2);
  process.stdout.write(JSON.stringify(ran ? { ran } : { failure: `it computes ${y!.data} instead of 9` }));
  process.exitCode = ran ? 0 : 1;
} catch (error) {
  process.stdout.write(JSON.stringify({ failure: (error as Error).message.trim().split('\n')[0] }));
  process.exitCode = 1;
}
