// What the quickstart promises: in at least one cell every cheap baseline is 3 % or more over the optimum and SAC at most
// 0.5 %; where there is such room SAC is nowhere more than 3 % over it. Training shall take at most 20 s a seed: since that
// depends on what else the machine does, more is a warning.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';

const rows = parse(readFileSync(join(process.argv[2], 'latency.csv')), { columns: true });
const problems = [];
let solved = 0;
for (const model of new Set(rows.map((row) => row.model))) {
  const of = (scheduler) => rows.find((row) => row.model === model && row.scheduler === scheduler);
  const gaps = ['cpu-only', 'gpu-only', 'greedy', 'heft', 'static-threshold-tuned'].map((name) =>
    Number(of(name).gapPercent),
  );
  const room = Math.min(...gaps);
  const { gapPercent, capturedHeadroom, trainingWallS } = of('sac');
  console.log(
    `${model}: best cheap baseline ${room.toFixed(1)} % over the optimum, SAC ${Number(gapPercent).toFixed(2)} %, captured ${capturedHeadroom}, ${trainingWallS} s a seed`,
  );
  if (!(Number(trainingWallS) <= 20))
    console.error(`warning: ${model}: ${trainingWallS} s of training a seed, over 20 s`);
  if (room >= 3 && Number(gapPercent) <= 0.5) solved += 1;
  if (room >= 3 && !(Number(gapPercent) <= 3)) problems.push(`${model}: SAC is ${gapPercent} % above the optimum`);
}
if (solved === 0) problems.push('in no cell with 3 % of room is SAC within 0.5 % of the optimum');
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
