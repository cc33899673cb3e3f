// What the report says of the sources of a cell's numbers: against the profile's constants, and of what is measured.
import { expect, test } from 'vitest';
import { openScenario } from '../../engine/scenario.js';
import { loadProfile } from '../../predictor/profiles/profile.js';
import { sourceKinds } from '../../predictor/profiles/profile-schema.js';
import { constantsHtml, constantsMarkdown, constantsTexts } from './constants.js';

const model = 'model://mobilenetv3-small?batch=1&size=32';
const subjectOf = (profile: string) => ({ model, profile, execution: 'serial' as const });

test('every constant that is read stands once, the surest first, and the counts are those of the table', async () => {
  const uri = loadProfile('profile://jetson-agx-orin?launch=eager&transfer=copy').uri;
  const task = { subject: subjectOf(uri), inference: { scenario: await openScenario(model, uri) } };
  const [text, ...others] = constantsTexts([task, task]);
  expect(others).toEqual([]);
  const { header, body } = text!.table!;
  expect(header[0]).toBe('source');
  const known = new Map(loadProfile(uri).constants.map((constant) => [constant.name, constant]));
  expect(new Set(body.map(([, name]) => name)).size).toBe(body.length);
  for (const [kind, name, value, , source] of body) {
    expect({ kind, value }).toEqual({ kind: known.get(name!)!.kind, value: known.get(name!)!.value });
    expect(known.get(name!)!.source.startsWith(source!.replace(/ …$/, ''))).toBe(true);
  }
  const ranks = body.map(([kind]) => sourceKinds.indexOf(kind as (typeof sourceKinds)[number]));
  expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
  for (const kind of new Set(body.map(([first]) => first)))
    expect(text!.sentences[0]).toContain(`${body.filter(([first]) => first === kind).length} ${kind}`);
  expect(
    constantsMarkdown([text!])
      .split('\n')
      .filter((line) => line.startsWith('|')),
  ).toHaveLength(body.length + 2);
  expect(constantsHtml([text!]).match(/<th scope="row">/g)).toHaveLength(body.length);
});

test('of a table and of devices it says that everything is measured; of no platform it says nothing', () => {
  for (const profile of ['table:///tmp/profile.json', 'lanes://cpu:1+cpu:1']) {
    const [text] = constantsTexts([{ subject: subjectOf(profile), inference: null }]);
    expect(text!.sentences.join()).toContain('Everything is measured');
    expect(text!.table).toBeNull();
  }
  expect(constantsTexts([{ subject: { ...subjectOf(''), model: '' }, inference: null }])).toEqual([]);
});
