// The process that analyses one model. Run by supervised-analysis.ts only.
import { answerOnce } from '../../base/processes/supervised-child.js';
import { readInputs } from '../files/inputs.js';
import { readOnnxFile } from '../files/onnx-file.js';
import { declaredInputs } from '../files/shapes.js';
import { analyse } from './analysis.js';
import { writeAnalysis } from './analysis-cache.js';
import type { AnalysisJob } from './supervised-analysis.js';

await answerOnce(async ({ path, inputs, files, label, folder, heldBytes }: AnalysisJob) => {
  const read = () => readOnnxFile(path).model;
  const given = Object.keys(files).length > 0 ? readInputs(files, declaredInputs(read().graph!, label), label) : [];
  const feeds = Object.fromEntries(given.map(({ name, tensor }) => [name, tensor]));
  const { analysis, basic } = await analyse({ read, inputs, given: feeds, label, heldBytes });
  writeAnalysis(folder, analysis, basic);
  return null;
});
