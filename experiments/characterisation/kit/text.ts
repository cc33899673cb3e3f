// What a kit's archive holds, as text for a terminal.
import { textTable } from '../../../base/text/table.js';
import type { KitReading } from './reading.js';

/** A line for each model, and what could not be measured. */
export function kitText({
  machine,
  models,
  unitMeasurements,
  wholeModels,
  schedules,
  moves,
  failures,
}: KitReading): string {
  const ms = (value: number | null | undefined): string => (value == null ? '' : value.toPrecision(4));
  const rows = models.map(({ uri, graph }) => {
    const profile = unitMeasurements.find(({ model }) => model === uri);
    const whole = (device: 0 | 1) => wholeModels.find((each) => each.model === uri && each.device === device)?.lowMs;
    const sum = (device: 0 | 1) =>
      profile?.units.reduce((total, each) => total + (each.device === device ? (each.lane?.lowMs ?? 0) : 0), 0);
    const count = (mechanism: string) =>
      String(schedules.filter((each) => each.model === uri && each.mechanism === mechanism).length);
    return [
      uri,
      String(graph.units.length),
      ...([0, 1] as const).flatMap((device) => [ms(whole(device)), ms(sum(device))]),
      count('units'),
      count('session'),
    ];
  });
  const [first, second] = machine.key.devices.split('+');
  const ids = first === second ? [`${first} #0`, `${second} #1`] : [first, second];
  const headers = ids.flatMap((id) => [`ms on ${id}`, 'sum of units']);
  const { board, cpu, powerMode, onnxRuntime, python, date, key } = machine;
  return [
    `${board ?? cpu}${powerMode ? `, ${powerMode}` : ''}: onnxruntime ${onnxRuntime}, Python ${python}, ${date}${key.quick ? ', --quick' : ''}, measured`,
    textTable(['model', 'units', ...headers, 'schedules by unit', 'in one session'], rows),
    `${moves.length} crossings by size`,
    ...failures.map(({ model, what, reason }) => `not measured: ${model ? `${model}: ` : ''}${what}: ${reason}`),
    '',
  ].join('\n');
}
