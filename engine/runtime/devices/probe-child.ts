// The process that tries one device: a small convolution on it, then one line of JSON. Run by probe.ts only.
import * as ort from 'onnxruntime-node';
import { parseDevice } from './device-pair.js';
import { probeInput, probeModel, probeOutputIsRight } from './probe-model.js';
import { withoutFallback } from './session-settings.js';

try {
  const session = await ort.InferenceSession.create(probeModel(), withoutFallback(parseDevice(process.argv[2]!)));
  const { name, type, data, dims } = probeInput;
  const { y } = await session.run({ [name]: new ort.Tensor(type, data, dims) });
  const ran = probeOutputIsRight(y!.data as Float32Array);
  process.stdout.write(JSON.stringify(ran ? { ran } : { failure: `it computes ${y!.data} instead of 9` }));
  process.exitCode = ran ? 0 : 1;
} catch (error) {
  process.stdout.write(JSON.stringify({ failure: (error as Error).message.trim().split('\n')[0] }));
  process.exitCode = 1;
}
