import { expect, test } from 'vitest';
import { Rng } from '../base/random/rng.js';
import { type BatchTarget, ReplayBuffer } from './replay-buffer.js';

const batchOf = (size: number): BatchTarget => ({
  observation: new Float32Array(2 * size),
  action: new Float32Array(size),
  reward: new Float32Array(size),
  nextObservation: new Float32Array(2 * size),
  continues: new Float32Array(size),
});

/** Every field of transition k identifies it. */
function addNumbered(buffer: ReplayBuffer, k: number): void {
  buffer.add(Float32Array.of(k, -k), Float32Array.of(k / 2), 10 * k, Float32Array.of(k + 1, -k - 1), k % 3 === 0);
}

test('a sample is whole transitions, drawn about evenly from those held', () => {
  const buffer = new ReplayBuffer(10, 2, 1);
  for (let k = 1; k <= 4; k++) addNumbered(buffer, k);
  const batch = batchOf(4000);
  buffer.sampleInto(batch, Rng.of(0));
  const counts = new Map<number, number>();
  for (let i = 0; i < 4000; i++) {
    const k = batch.observation[2 * i]!;
    counts.set(k, (counts.get(k) ?? 0) + 1);
    expect([...batch.observation.subarray(2 * i, 2 * i + 2)]).toEqual([k, -k]);
    expect(batch.action[i]).toBe(k / 2);
    expect(batch.reward[i]).toBe(10 * k);
    expect([...batch.nextObservation.subarray(2 * i, 2 * i + 2)]).toEqual([k + 1, -k - 1]);
    expect(batch.continues[i]).toBe(k % 3 === 0 ? 0 : 1);
  }
  expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4]);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('when full, the oldest go first', () => {
  const buffer = new ReplayBuffer(3, 2, 1);
  for (let k = 1; k <= 5; k++) addNumbered(buffer, k);
  expect(buffer.length).toBe(3);
  expect([...buffer.save().rows.reward].sort()).toEqual([30, 40, 50]);
});

test.each([2, 3, 4])('saved after %i of 3 places and loaded, it goes on as the original', (count) => {
  const original = new ReplayBuffer(3, 2, 1);
  for (let k = 1; k <= count; k++) addNumbered(original, k);
  const copy = new ReplayBuffer(3, 2, 1);
  copy.load(original.save());
  for (const buffer of [original, copy]) addNumbered(buffer, 9);
  expect(copy.save()).toEqual(original.save());
});
