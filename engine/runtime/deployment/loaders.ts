// The loaders of a deployed folder, as they are written into it. They run the model once on numbers that both make alike,
// in the types of its inputs, and print its outputs; the provider of the GPU is the first argument, and without one all runs
// on the CPU. Sixteenths are exact in every floating-point type; integers are 0 and 1, valid as token ids, masks and lengths.

export const loaderMjs = `// node load.mjs [webgpu|cuda]: needs "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node".
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
const read = (name) => readFileSync(new URL(name, import.meta.url));
const gpu = process.argv.slice(2);
const extra = gpu.length > 0 ? JSON.parse(read('session-options.json')) : {};
const session = await ort.InferenceSession.create(read('model.onnx'), { executionProviders: [...gpu, 'cpu'], extra });
const { inputs } = JSON.parse(read('placement.json'));
const arrays = { float32: Float32Array, float64: Float64Array, float16: Uint16Array, int64: BigInt64Array, uint64: BigUint64Array, int32: Int32Array, uint32: Uint32Array, int16: Int16Array, uint16: Uint16Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array, string: Array };
const halves = [0, 0x2c00, 0x3000, 0x3200, 0x3400, 0x3500, 0x3600, 0x3700, 0x3800, 0x3880, 0x3900];
const number = (type, k) => (type === 'string' ? '' : type === 'float16' ? halves[k] : /^float/.test(type) ? k / 16 : /64$/.test(type) ? BigInt(k % 2) : k % 2);
const numbers = (type, size) => arrays[type].from({ length: size }, (_, i) => number(type, (i * 7) % 11));
const feeds = Object.fromEntries(session.inputMetadata.map(({ name, type }) => {
  const { shape } = inputs.find((input) => input.name === name);
  return [name, new ort.Tensor(type, numbers(type, shape.reduce((a, b) => a * b, 1)), shape)];
}));
const half = (bits) => (bits & 0x8000 ? -1 : 1) * (bits & 0x7c00 ? (0x400 + (bits & 0x3ff)) * 2 ** (((bits >> 10) & 31) - 25) : (bits & 0x3ff) * 2 ** -24);
const print = ({ type, data }) => Array.from(data, type === 'string' ? String : type === 'float16' && data instanceof Uint16Array ? half : Number);
console.log(JSON.stringify(Object.values(await session.run(feeds)).map(print)));
`;

export const loaderPy = `# python load.py [CUDAExecutionProvider]: needs "pip install onnxruntime" (or onnxruntime-gpu, or NVIDIA's wheel).
import json, pathlib, sys
import numpy, onnxruntime
here, gpu, options = pathlib.Path(__file__).parent, sys.argv[1:], onnxruntime.SessionOptions()
for key, value in json.loads((here / "session-options.json").read_text()).items() if gpu else ():
    options.add_session_config_entry(key, value)
session = onnxruntime.InferenceSession(str(here / "model.onnx"), options, providers=[*gpu, "CPUExecutionProvider"])
shapes = {x["name"]: x["shape"] for x in json.loads((here / "placement.json").read_text())["inputs"]}
names = {"float": "float32", "double": "float64", "string": "object"}
def numbers(name, type):
    k, type = numpy.arange(int(numpy.prod(shapes[name]))) * 7 % 11, names.get(type, type)
    values = [""] * k.size if type == "object" else k / 16 if type.startswith("float") else k % 2
    return numpy.array(values, dtype=type).reshape(shapes[name])
feeds = {x.name: numbers(x.name, x.type[len("tensor("):-1]) for x in session.get_inputs()}
print(json.dumps([(x if x.dtype == object else x.astype(float)).ravel().tolist() for x in session.run(None, feeds)]))
`;
