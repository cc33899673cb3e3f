// Whole models on boards: the benchmark page of the OpenCV Zoo, github.com/opencv/opencv_zoo, benchmark/README.md, Apache-2.0.
// Times are of OpenCV DNN, small pre- and post-processing included.
import { readFileSync } from 'node:fs';
import { InputError } from '../../base/errors/input-error.js';

export interface ZooLatency {
  /** The page's section: `Jetson Nano Orin`. */
  readonly device: string;
  readonly target: 'cpu' | 'cuda-fp32' | 'cuda-fp16';
  /** The model's class: `MobileNet`. */
  readonly model: string;
  /** The first of its files, where it has several. */
  readonly file: string;
  readonly inputWidth: number;
  readonly inputHeight: number;
  /**
   * Null where the page repeats the minimum of the row before it, with its own mean and median: its tool keeps the least time
   * across the files of one model, so only the first file's is its own.
   */
  readonly minMs: number | null;
  readonly meanMs: number;
  readonly medianMs: number;
}

const targets: Readonly<Record<string, ZooLatency['target']>> = {
  'cv.dnn.DNN_TARGET_CPU': 'cpu',
  'cv.dnn.DNN_TARGET_CUDA': 'cuda-fp32',
  'cv.dnn.DNN_TARGET_CUDA_FP16': 'cuda-fp16',
};
const row = /^([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+\[(\d+), (\d+)\]\s+(\S+) with \['([^']+)'(?:, '[^']+')*\]$/;

/**
 * Every measured model of the sections whose target is a CPU or CUDA; other targets are passed over.
 * @throws InputError when a line between `mean median min` and the end of its block is no measurement, or there is none.
 */
export function readOpenCvZoo(path: string): ZooLatency[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${(error as Error).message}.`, 'Give the published page.');
  }
  const found: ZooLatency[] = [];
  let device = '';
  let target: ZooLatency['target'] | undefined;
  let inTable = false;
  let last: string | null = null;
  text.split('\n').forEach((line, at) => {
    const heading = /^#{2,}\s+(.*\S)/.exec(line);
    if (heading) device = heading[1]!;
    const named = /^target=(\S+)/.exec(line);
    if (named) target = targets[named[1]!];
    if (line.startsWith('```')) inTable = false;
    if (inTable && target) {
      const cells = row.exec(line.trim());
      if (!cells)
        throw new InputError(
          `${path}:${at + 1}: "${line.slice(0, 60)}" is no measurement.`,
          "A row is: mean median min [width, height] Model with ['file.onnx'].",
        );
      const [, meanMs, medianMs, minMs, inputWidth, inputHeight] = cells.map(Number) as [0, ...number[]];
      const model = cells[6]!;
      const key = `${model} ${minMs}`;
      found.push({
        device,
        target,
        model,
        file: cells[7]!,
        inputWidth: inputWidth!,
        inputHeight: inputHeight!,
        meanMs: meanMs!,
        medianMs: medianMs!,
        minMs: key === last ? null : minMs!,
      });
      last = key;
    }
    if (/^mean\s+median\s+min\b/.test(line)) {
      inTable = true;
      last = null;
    }
  });
  if (found.length === 0)
    throw new InputError(`${path}: there is no measurement on a CPU or by CUDA.`, 'Give the published page.');
  return found;
}
