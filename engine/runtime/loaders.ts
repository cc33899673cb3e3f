// The loaders of a deployed folder, as they are written into it. They run the model once on numbers that both make alike
// and print its outputs; the provider of the GPU is the first argument, and without one all runs on the CPU.

export const loaderMjs = `// node load.mjs [webgpu|cuda]: needs "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node".
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
const here = (name) => new URL(name, import.meta.url);
const gpu = process.argv.slice(2);
const extra = gpu.length > 0 ? JSON.parse(readFileSync(here('session-options.json'), 'utf8')) : {};
const session = await ort.InferenceSession.create(readFileSync(here('model.onnx')), { executionProviders: [...gpu, 'cpu'], extra });
const numbers = (shape) => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 7) % 11) / 11);
const feeds = Object.fromEntries(session.inputMetadata.map(({ name, shape }) => [name, new ort.Tensor('float32', numbers(shape), shape)]));
console.log(JSON.stringify(Object.values(await session.run(feeds)).map((tensor) => Array.from(tensor.data, Number))));
`;

export const loaderPy = `# python load.py [CUDAExecutionProvider]: needs "pip install onnxruntime" (or onnxruntime-gpu, or NVIDIA's wheel).
import json, pathlib, sys
import numpy, onnxruntime
here, gpu, options = pathlib.Path(__file__).parent, sys.argv[1:], onnxruntime.SessionOptions()
for key, value in json.loads((here / "session-options.json").read_text()).items() if gpu else ():
    options.add_session_config_entry(key, value)
session = onnxruntime.InferenceSession(str(here / "model.onnx"), options, providers=[*gpu, "CPUExecutionProvider"])
numbers = lambda shape: (numpy.arange(numpy.prod(shape)) * 7 % 11 / 11).astype("float32").reshape(shape)
print(json.dumps([output.ravel().tolist() for output in session.run(None, {x.name: numbers(x.shape) for x in session.get_inputs()})]))
`;
