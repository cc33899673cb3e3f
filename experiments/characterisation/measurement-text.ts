// A measured model as text for a terminal.
import { textTable } from '../../base/text/table.js';
import type { OperatorGraph } from '../../models/graph.js';
import type { ModelMeasurement } from './profiling.js';

/** Sums of units by class and device, times of the whole model, and what moves cost. */
export function measurementText(
  { units }: OperatorGraph,
  { devices: pair, rounds, model, ...profile }: ModelMeasurement,
): string {
  const devices = pair.split('+').map((id, device) => `${id} #${device}`);
  const sumMs = (opClass: string | null, device: number): string => {
    const times = profile.units
      .filter((time) => time.device === device && (opClass ?? units[time.unit]!.opClass) === units[time.unit]!.opClass)
      .flatMap(({ lane }) => lane?.lowMs ?? []);
    return times.length > 0 ? times.reduce((a, b) => a + b, 0).toFixed(3) : '';
  };
  const row = (opClass: string | null): string[] => [
    opClass ?? 'all',
    String(units.filter((unit) => opClass === null || unit.opClass === opClass).length),
    ...devices.map((_, device) => sumMs(opClass, device)),
  ];
  const classes = [...new Set(units.map(({ opClass }) => opClass))];
  const whole = profile.wholeMs.flatMap((ms, device) =>
    ms === null ? [] : `${ms.toFixed(3)} ms on ${devices[device]}`,
  );
  return [
    textTable(['class', 'units', ...devices.map((device) => `ms on ${device}`)], [...classes.map(row), row(null)]),
    `${model} on ${pair}, measured: lower quartiles of ${rounds}, units one by one`,
    ...(whole.length > 0 ? [`in one session: ${whole.join(', ')}`] : []),
    ...profile.fittedMoves.map(
      ({ fixedMs, msPerByte }, to) =>
        `a move to ${devices[to]}: ${(1000 * fixedMs).toFixed(1)} us and ${(1e9 * msPerByte).toFixed(0)} us per MB`,
    ),
    '',
  ].join('\n');
}
