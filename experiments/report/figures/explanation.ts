// An explanation as a picture: what each schedule spends its time on, and what moving each unit alone would cost.
import type { Explanation } from '../../../agents/explain/explain.js';
import { scheduleLabel } from '../../../agents/explain/explanation-text.js';
import { type Activity, activities } from '../../../agents/explain/time-use.js';
import { type Figure, provenanceLines } from './figure.js';
import { shortName } from './labels.js';
import { ink, okabeIto } from './palette.js';

/** In the order in which bars stack them. */
const activityStyles: Readonly<Record<Activity, { readonly label: string; readonly color: string }>> = {
  compute: { label: 'computing', color: okabeIto.blue },
  copy: { label: 'copying, nothing computes', color: okabeIto.orange },
  launch: { label: 'launching, nothing else', color: okabeIto.vermilion },
  wait: { label: 'waiting for a result', color: okabeIto.purple },
  idle: { label: 'nothing', color: '#bbbbbb' },
};

export function explanationFigure(explanation: Explanation): Figure {
  const { model, profile, profileHash, execution, schedule, alone, time, movedAlone, devices, units } = explanation;
  const label = scheduleLabel(explanation, schedule.name);
  const rows = [...alone, { ...schedule, time: time.total }];
  // The schedule may be that of a device.
  const schedules = [...new Map(rows.map((row) => [scheduleLabel(explanation, row.name), row]))];
  const bars = schedules.flatMap(([name, row]) =>
    activities
      .filter((activity) => row.time[activity] > row.latencyMs * 1e-9)
      .map((activity) => ({
        schedule: name,
        activity: activityStyles[activity].label,
        order: activities.indexOf(activity),
        ms: row.time[activity],
      })),
  );
  const shown = activities.filter((activity) => bars.some(({ order }) => order === activities.indexOf(activity)));
  const moves = movedAlone
    .toSorted((a, b) => a.unit - b.unit)
    .map(({ unit, to, costMs }) => ({ unit, ms: costMs, move: `to ${devices[to].label}` }));
  return {
    caption: `What ${shortName(model)} on ${shortName(profile)} spends its time on, and what moving each unit of ${label} alone costs.`,
    spec: {
      title: {
        text: `Why ${label} takes ${Number(schedule.latencyMs.toPrecision(3))} ms: ${shortName(model)}`,
        subtitle: [
          `${shortName(profile)}; ${execution} execution; each instant counted once`,
          ...provenanceLines({ kinds: ['simulated'], profileHashes: [profileHash] }),
        ],
      },
      resolve: { scale: { color: 'independent' } },
      vconcat: [
        {
          width: 640,
          height: { step: 30 },
          data: { values: bars },
          mark: { type: 'bar', height: 20 },
          encoding: {
            y: { field: 'schedule', type: 'nominal', sort: schedules.map(([name]) => name), title: null },
            x: { field: 'ms', type: 'quantitative', stack: 'zero', title: 'latency, ms' },
            order: { field: 'order', type: 'quantitative' },
            color: {
              field: 'activity',
              type: 'nominal',
              title: null,
              scale: {
                domain: shown.map((activity) => activityStyles[activity].label),
                range: shown.map((activity) => activityStyles[activity].color),
              },
            },
          },
        },
        {
          width: 640,
          height: 200,
          data: { values: moves },
          mark: { type: 'bar', width: Math.max(1, Math.min(12, 500 / units.length)) },
          encoding: {
            x: {
              field: 'unit',
              type: 'quantitative',
              title: 'unit, moved alone to the other device',
              scale: { domain: [-1, units.length] },
              axis: { grid: false, tickMinStep: 1 },
            },
            y: { field: 'ms', type: 'quantitative', title: 'latency changes by, ms', axis: { gridColor: ink.grid } },
            color: {
              field: 'move',
              type: 'nominal',
              title: null,
              scale: {
                domain: devices.map(({ label: device }) => `to ${device}`),
                range: [okabeIto.sky, okabeIto.green],
              },
            },
          },
        },
      ],
    },
  };
}
